-- A retail bank: branches, customers, accounts, transactions, loans.
CREATE TYPE account_kind AS ENUM ('current', 'savings', 'business');
CREATE TYPE booking_kind AS ENUM ('salary', 'rent', 'card', 'transfer', 'interest', 'fee');
CREATE DOMAIN iban AS CHAR(22) CHECK (VALUE ~ '^[A-Z]{2}[0-9]{2}[A-Z]{4}[0-9]{14}$');

CREATE TABLE bank_parameters (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    bank_name VARCHAR(60) NOT NULL,
    base_rate NUMERIC(5,3) NOT NULL,
    business_day DATE NOT NULL
);

CREATE TABLE currency (
    code CHAR(3) PRIMARY KEY,
    name VARCHAR(40) NOT NULL,
    decimals INTEGER NOT NULL
);

CREATE TABLE merchant_category (
    mcc CHAR(4) PRIMARY KEY,
    label VARCHAR(40) NOT NULL,
    "group" VARCHAR(12) NOT NULL
);

CREATE TABLE exchange_rate (
    currency CHAR(3) NOT NULL REFERENCES currency (code),
    day DATE NOT NULL,
    rate NUMERIC(12,4) NOT NULL CHECK (rate > 0),
    PRIMARY KEY (currency, day)
);

CREATE TABLE branch (
    id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id INTEGER REFERENCES branch (id),
    name VARCHAR(60) NOT NULL UNIQUE,
    level VARCHAR(10) NOT NULL,
    phone VARCHAR(20)
);

CREATE TABLE customer (
    id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tax_id CHAR(11) NOT NULL UNIQUE,
    first_name VARCHAR(40) NOT NULL,
    last_name VARCHAR(40) NOT NULL,
    email VARCHAR(120) UNIQUE,
    phone VARCHAR(20),
    birth_date DATE NOT NULL,
    street VARCHAR(80) NOT NULL,
    zip CHAR(5) NOT NULL,
    city VARCHAR(40) NOT NULL,
    state CHAR(2) NOT NULL,
    household_head_id INTEGER NOT NULL REFERENCES customer (id),
    employment VARCHAR(12) NOT NULL CHECK (employment IN ('employed', 'self', 'retired', 'none')),
    employer VARCHAR(60),
    yearly_income NUMERIC(12,2) NOT NULL CHECK (yearly_income >= 0),
    grade CHAR(1) NOT NULL CHECK (grade IN ('A', 'B', 'C', 'D', 'E')),
    legacy_code VARCHAR(10),
    customer_since DATE NOT NULL,
    CHECK ((employment = 'employed') = (employer IS NOT NULL))
);

CREATE TABLE identity_check (
    customer_id INTEGER PRIMARY KEY REFERENCES customer (id),
    document VARCHAR(12) NOT NULL,
    document_no VARCHAR(9) NOT NULL UNIQUE,
    checked_on DATE NOT NULL,
    remark TEXT
);

CREATE TABLE account (
    id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    iban iban NOT NULL UNIQUE,
    branch_id INTEGER NOT NULL REFERENCES branch (id),
    kind account_kind NOT NULL,
    currency CHAR(3) NOT NULL REFERENCES currency (code),
    opened_on DATE NOT NULL,
    status VARCHAR(8) NOT NULL CHECK (status IN ('open', 'closed')),
    closed_on DATE,
    overdraft_limit NUMERIC(10,2),
    opening_balance NUMERIC(14,2) NOT NULL,
    balance NUMERIC(14,2) NOT NULL,
    transaction_count INTEGER NOT NULL,
    last_booked_at TIMESTAMP,
    CHECK ((status = 'closed') = (closed_on IS NOT NULL)),
    CHECK (closed_on > opened_on)
);

CREATE TABLE account_holder (
    account_id INTEGER NOT NULL REFERENCES account (id),
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    role VARCHAR(8) NOT NULL CHECK (role IN ('primary', 'joint')),
    share_percent INTEGER NOT NULL CHECK (share_percent BETWEEN 1 AND 100),
    PRIMARY KEY (account_id, customer_id)
);

CREATE TABLE account_month (
    account_id INTEGER NOT NULL REFERENCES account (id),
    month_end DATE NOT NULL,
    opening NUMERIC(14,2) NOT NULL,
    inflow NUMERIC(14,2) NOT NULL,
    outflow NUMERIC(14,2) NOT NULL,
    closing NUMERIC(14,2) NOT NULL,
    PRIMARY KEY (account_id, month_end)
);

CREATE TABLE merchant (
    id SERIAL PRIMARY KEY,
    name VARCHAR(60) NOT NULL,
    mcc CHAR(4) NOT NULL REFERENCES merchant_category (mcc),
    website VARCHAR(80)
);

CREATE TABLE "transaction" (
    account_id INTEGER NOT NULL REFERENCES account (id),
    seq INTEGER NOT NULL CHECK (seq >= 1),
    booked_at TIMESTAMP NOT NULL,
    kind booking_kind NOT NULL,
    amount NUMERIC(14,2) NOT NULL CHECK (amount <> 0),
    currency CHAR(3) NOT NULL REFERENCES currency (code),
    balance_after NUMERIC(14,2) NOT NULL,
    merchant_id INTEGER REFERENCES merchant (id),
    counterparty_iban iban REFERENCES account (iban),
    PRIMARY KEY (account_id, seq),
    CHECK ((kind = 'card') = (merchant_id IS NOT NULL)),
    CHECK (kind = 'transfer' OR counterparty_iban IS NULL)
);

CREATE TABLE fraud_alert (
    account_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    score NUMERIC(4,3) NOT NULL CHECK (score BETWEEN 0 AND 1),
    is_confirmed BOOLEAN,
    PRIMARY KEY (account_id, seq),
    FOREIGN KEY (account_id, seq) REFERENCES "transaction" (account_id, seq)
);

CREATE TABLE standing_order (
    id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_iban iban NOT NULL REFERENCES account (iban),
    to_iban iban NOT NULL REFERENCES account (iban),
    amount NUMERIC(10,2) NOT NULL CHECK (amount > 0),
    day_of_month INTEGER NOT NULL CHECK (day_of_month BETWEEN 1 AND 28),
    CHECK (from_iban <> to_iban)
);

CREATE TABLE card (
    card_no CHAR(16) PRIMARY KEY,
    account_id INTEGER NOT NULL,
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    issued_on DATE NOT NULL,
    expires_on DATE NOT NULL,
    status VARCHAR(8) NOT NULL,
    blocked_at TIMESTAMP,
    FOREIGN KEY (account_id, customer_id) REFERENCES account_holder (account_id, customer_id),
    CHECK (expires_on > issued_on),
    CHECK ((status = 'blocked') = (blocked_at IS NOT NULL))
);

-- The borrower is a holder of the account: loan shares both columns with account_holder.
CREATE TABLE loan (
    id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    purpose VARCHAR(10) NOT NULL,
    principal NUMERIC(12,2) NOT NULL CHECK (principal > 0),
    yearly_rate NUMERIC(5,2) NOT NULL,
    term_months INTEGER NOT NULL,
    started_on DATE NOT NULL,
    collateral VARCHAR(40),
    remaining NUMERIC(12,2) NOT NULL,
    FOREIGN KEY (account_id, customer_id) REFERENCES account_holder (account_id, customer_id)
);

CREATE TABLE loan_payment (
    loan_id INTEGER NOT NULL REFERENCES loan (id) ON DELETE CASCADE,
    payment_no INTEGER NOT NULL,
    due_on DATE NOT NULL,
    interest_part NUMERIC(12,2) NOT NULL,
    principal_part NUMERIC(12,2) NOT NULL,
    total NUMERIC(12,2) NOT NULL,
    remaining NUMERIC(12,2) NOT NULL CHECK (remaining >= 0),
    days_late INTEGER NOT NULL CHECK (days_late >= 0),
    paid_on DATE NOT NULL,
    PRIMARY KEY (loan_id, payment_no)
);

CREATE TABLE league_table (
    quarter_end DATE NOT NULL,
    branch_id INTEGER NOT NULL REFERENCES branch (id),
    volume NUMERIC(16,2) NOT NULL,
    "Rank" INTEGER NOT NULL,
    PRIMARY KEY (quarter_end, branch_id),
    UNIQUE (quarter_end, "Rank")
);

-- No primary key.
CREATE TABLE "AppEvent" (
    "customerId" INTEGER REFERENCES customer (id),
    "screen" VARCHAR(12) NOT NULL,
    "at" TIMESTAMP NOT NULL,
    "payload" JSONB
);

CREATE TABLE dormant_claim (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    claimed_on DATE NOT NULL
);

-- after the data
CREATE INDEX transaction_time_idx ON "transaction" (booked_at);
CREATE INDEX loan_customer_idx ON loan (customer_id);

SELECT setval(pg_get_serial_sequence(t, 'id'), n)
FROM (VALUES ('branch', (SELECT max(id) FROM branch)), ('customer', (SELECT max(id) FROM customer)),
             ('account', (SELECT max(id) FROM account)), ('merchant', (SELECT max(id) FROM merchant)),
             ('standing_order', (SELECT max(id) FROM standing_order)), ('loan', (SELECT max(id) FROM loan))) AS last (t, n)
WHERE n IS NOT NULL;

CREATE VIEW customer_wealth AS
SELECT h.customer_id, sum(a.balance * h.share_percent / 100.0) AS wealth
FROM account_holder h JOIN account a ON a.id = h.account_id GROUP BY h.customer_id;
