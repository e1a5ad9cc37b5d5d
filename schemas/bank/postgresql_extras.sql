-- What a PostgreSQL bank has besides tables: composite and range types, a checksum function in a CHECK, list and hash
-- partitions, UNIQUE NULLS NOT DISTINCT, triggers, policies, a rule that makes a join view updatable, an unlogged table.
CREATE TYPE postal_address AS (street TEXT, zip TEXT, city TEXT);
CREATE SEQUENCE voucher_number AS INTEGER START 500 CYCLE MAXVALUE 999999;

CREATE FUNCTION iban_body(code TEXT) RETURNS BIGINT LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT right(code, 14)::bigint $$;
ALTER TABLE account ADD CONSTRAINT iban_body_positive CHECK (iban_body(iban::text) > 0);
CREATE INDEX account_iban_body_idx ON account (iban_body(iban::text));
CREATE INDEX customer_name_idx ON customer (lower(last_name), lower(first_name)) INCLUDE (email);

-- One active account holder row counts as primary.
CREATE UNIQUE INDEX account_one_primary_idx ON account_holder (account_id) WHERE role = 'primary';

CREATE TABLE branch_contact (
    id INTEGER DEFAULT nextval('voucher_number') PRIMARY KEY,
    branch_id INTEGER NOT NULL REFERENCES branch (id) ON DELETE CASCADE ON UPDATE CASCADE,
    topic TEXT,
    address postal_address,
    opening_hours INT4RANGE,
    UNIQUE NULLS NOT DISTINCT (branch_id, topic)
);
ALTER SEQUENCE voucher_number OWNED BY branch_contact.id;
INSERT INTO branch_contact (branch_id, topic, address, opening_hours)
SELECT b.id, t.topic, ROW(b.id || ' High Street', '12345', b.name)::postal_address, int4range(8 + b.id % 3, 17)
FROM branch b CROSS JOIN (VALUES ('loans'), ('cards'), (NULL)) AS t (topic) WHERE b.level = 'branch';

-- Partitions by list, and by hash below one of them.
CREATE TABLE statement_line (
    account_id INTEGER NOT NULL REFERENCES account (id),
    channel TEXT NOT NULL,
    line_no INTEGER NOT NULL,
    printed_on DATE NOT NULL,
    PRIMARY KEY (account_id, channel, line_no)
) PARTITION BY LIST (channel);
CREATE TABLE statement_line_paper PARTITION OF statement_line FOR VALUES IN ('paper');
CREATE TABLE statement_line_online PARTITION OF statement_line FOR VALUES IN ('app', 'web') PARTITION BY HASH (account_id);
CREATE TABLE statement_line_online_0 PARTITION OF statement_line_online FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE statement_line_online_1 PARTITION OF statement_line_online FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO statement_line
SELECT a.id, (ARRAY['paper', 'app', 'web'])[1 + a.id % 3], n, DATE '2024-01-31' + 30 * n
FROM account a CROSS JOIN generate_series(1, 4) AS n;

CREATE TABLE balance_audit (
    account_id INTEGER NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    old_balance NUMERIC(14,2),
    new_balance NUMERIC(14,2)
);
CREATE FUNCTION audit_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO balance_audit (account_id, old_balance, new_balance) VALUES (NEW.id, OLD.balance, NEW.balance);
    RETURN NULL;
END $$;
CREATE TRIGGER account_balance_audit AFTER UPDATE OF balance ON account
    FOR EACH ROW WHEN (OLD.balance IS DISTINCT FROM NEW.balance) EXECUTE FUNCTION audit_balance();

CREATE UNLOGGED TABLE session_cache (token UUID PRIMARY KEY DEFAULT gen_random_uuid(), client INET, valid INTERVAL, blob BYTEA);
INSERT INTO session_cache (client, valid, blob)
SELECT ('10.0.0.' || n)::inet, n * INTERVAL '5 minutes', decode(md5(n::text), 'hex') FROM generate_series(1, 40) AS n;

ALTER TABLE loan ADD CONSTRAINT loan_borrower_fkey FOREIGN KEY (customer_id) REFERENCES customer (id)
    DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_self ON customer FOR SELECT USING (id = nullif(current_setting('bank.customer_id', true), '')::integer);

CREATE VIEW account_overview AS
SELECT a.id, a.iban, a.status, b.name AS branch FROM account a JOIN branch b ON b.id = a.branch_id;
CREATE RULE account_overview_update AS ON UPDATE TO account_overview
    DO INSTEAD UPDATE account SET overdraft_limit = overdraft_limit WHERE id = OLD.id;

CREATE STATISTICS account_kind_currency ON kind, currency FROM account;
COMMENT ON TABLE "transaction" IS 'Bookings; seq numbers those of one account.';
COMMENT ON COLUMN account.balance IS 'Opening balance plus all bookings.';
COMMENT ON TYPE postal_address IS 'As printed on letters.';
