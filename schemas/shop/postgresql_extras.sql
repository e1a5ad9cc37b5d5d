-- What a PostgreSQL shop has besides tables: a trigger that writes another table, a function in a CHECK and in an index,
-- a partial unique index, a sequence owned by a column, a view with a rule, comments.
CREATE TABLE price_audit (
    id BIGINT PRIMARY KEY,
    product_id INTEGER NOT NULL,
    old_price NUMERIC(10,2),
    new_price NUMERIC(10,2) NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    changed_by NAME NOT NULL DEFAULT current_user
);
CREATE SEQUENCE price_audit_number START 1000 INCREMENT 10 OWNED BY price_audit.id;
ALTER TABLE price_audit ALTER COLUMN id SET DEFAULT nextval('price_audit_number');

CREATE FUNCTION write_price_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO price_audit (product_id, new_price) VALUES (NEW.id, NEW.price);
    ELSIF NEW.price IS DISTINCT FROM OLD.price THEN
        INSERT INTO price_audit (product_id, old_price, new_price) VALUES (NEW.id, OLD.price, NEW.price);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER product_price_audit AFTER INSERT OR UPDATE ON product FOR EACH ROW EXECUTE FUNCTION write_price_audit();
UPDATE product SET price = price WHERE id = 1;
UPDATE product SET discontinued_on = listed_on + 900 WHERE id = 2;

CREATE FUNCTION sku_prefix(sku VARCHAR) RETURNS VARCHAR LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT split_part(sku, '-', 1) $$;
ALTER TABLE product ADD CONSTRAINT sku_has_prefix CHECK (length(sku_prefix(sku)) = 2);
CREATE INDEX product_sku_prefix_idx ON product (sku_prefix(sku));

CREATE INDEX customer_email_idx ON customer (lower(email));
CREATE INDEX product_attributes_idx ON product USING gin (attributes);
CREATE INDEX product_colours_idx ON product USING gin (colours);

-- Of the open tickets without an order, a customer has at most one per moment.
CREATE UNIQUE INDEX ticket_open_idx ON ticket (customer_id, opened_at) WHERE order_id IS NULL AND closed_at IS NULL;

CREATE TABLE warehouse (
    id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name VARCHAR(40) NOT NULL,
    main_shelf_id INTEGER
);
CREATE TABLE shelf (
    id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    warehouse_id INTEGER NOT NULL REFERENCES warehouse (id),
    place INT4RANGE NOT NULL,
    EXCLUDE USING gist (place WITH &&)
);
ALTER TABLE warehouse ADD CONSTRAINT warehouse_main_shelf_fkey FOREIGN KEY (main_shelf_id) REFERENCES shelf (id)
    DEFERRABLE INITIALLY DEFERRED;
INSERT INTO warehouse (name) SELECT 'Warehouse ' || n FROM generate_series(1, 5) AS n;
INSERT INTO shelf (warehouse_id, place) SELECT 1 + n % 5, int4range(10 * n, 10 * n + 8) FROM generate_series(0, 59) AS n;
UPDATE warehouse SET main_shelf_id = (SELECT min(id) FROM shelf WHERE warehouse_id = warehouse.id);

CREATE VIEW active_product AS SELECT id, sku, name, price FROM product WHERE discontinued_on IS NULL;
CREATE RULE active_product_delete AS ON DELETE TO active_product
    DO INSTEAD UPDATE product SET discontinued_on = current_date WHERE id = OLD.id;

COMMENT ON TABLE customer IS 'People and firms that buy; totals are kept up by the application.';
COMMENT ON COLUMN customer.lifetime_value IS 'Gross sum of all orders that were not cancelled.';
COMMENT ON INDEX ticket_open_idx IS 'Stops double submission of the contact form.';
