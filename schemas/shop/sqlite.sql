-- A web shop.  Parents stand before children; amounts are in one currency.
CREATE TABLE country (
    code CHAR(2) PRIMARY KEY,
    name VARCHAR(60) NOT NULL UNIQUE,
    vat_percent INTEGER NOT NULL CHECK (vat_percent BETWEEN 0 AND 30)
);

CREATE TABLE order_status (
    code VARCHAR(12) PRIMARY KEY,
    label VARCHAR(40) NOT NULL,
    is_final BOOLEAN NOT NULL
);

CREATE TABLE settings (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    shop_name VARCHAR(60) NOT NULL,
    free_shipping_from NUMERIC(8,2) NOT NULL,
    opened_on DATE NOT NULL,
    maintenance_note TEXT
);

CREATE TABLE category (
    id INTEGER PRIMARY KEY,
    parent_id INTEGER REFERENCES category (id),
    name VARCHAR(60) NOT NULL,
    depth INTEGER NOT NULL CHECK (depth >= 0)
);

CREATE TABLE supplier (
    id INTEGER PRIMARY KEY,
    name VARCHAR(80) NOT NULL,
    country_code CHAR(2) NOT NULL REFERENCES country (code),
    contact_name VARCHAR(80) NOT NULL,
    contact_email VARCHAR(120),
    closed_reason TEXT
);

CREATE TABLE product (
    id INTEGER PRIMARY KEY,
    sku VARCHAR(9) NOT NULL UNIQUE,
    category_id INTEGER NOT NULL REFERENCES category (id),
    supplier_id INTEGER NOT NULL REFERENCES supplier (id),
    name VARCHAR(120) NOT NULL,
    tier VARCHAR(10) NOT NULL CHECK (tier IN ('budget', 'standard', 'luxury')),
    price NUMERIC(10,2) NOT NULL CHECK (price > 0),
    weight_g INTEGER NOT NULL,
    listed_on DATE NOT NULL,
    discontinued_on DATE CHECK (discontinued_on >= listed_on),
    attributes JSON NOT NULL,
    colours TEXT
);

CREATE TABLE tag (
    id INTEGER PRIMARY KEY,
    label VARCHAR(30) NOT NULL UNIQUE
);

CREATE TABLE product_tag (
    product_id INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    PRIMARY KEY (product_id, tag_id)
);

CREATE TABLE customer (
    id INTEGER PRIMARY KEY,
    first_name VARCHAR(40) NOT NULL,
    last_name VARCHAR(40) NOT NULL,
    full_name VARCHAR(81) GENERATED ALWAYS AS (first_name || ' ' || last_name) STORED,
    email VARCHAR(120) NOT NULL UNIQUE,
    phone VARCHAR(20),
    birth_date DATE,
    country_code CHAR(2) NOT NULL REFERENCES country (code),
    segment VARCHAR(10) NOT NULL CHECK (segment IN ('consumer', 'business', 'premium')),
    channel VARCHAR(12) NOT NULL,
    has_subscription BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    order_count INTEGER NOT NULL CHECK (order_count >= 0),
    last_order_at TIMESTAMP,
    lifetime_value NUMERIC(12,2) NOT NULL
);

CREATE TABLE customer_profile (
    customer_id INTEGER PRIMARY KEY REFERENCES customer (id),
    newsletter BOOLEAN NOT NULL,
    preferred_tier VARCHAR(10),
    note TEXT
);

CREATE TABLE customer_address (
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    address_no INTEGER NOT NULL,
    street VARCHAR(80) NOT NULL,
    zip CHAR(5) NOT NULL,
    city VARCHAR(40) NOT NULL,
    state CHAR(2) NOT NULL,
    PRIMARY KEY (customer_id, address_no)
);

CREATE TABLE "order" (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    address_no INTEGER NOT NULL,
    status VARCHAR(12) NOT NULL REFERENCES order_status (code),
    ordered_at TIMESTAMP NOT NULL,
    shipped_at TIMESTAMP,
    cancelled_at TIMESTAMP,
    net NUMERIC(12,2) NOT NULL,
    tax NUMERIC(12,2) NOT NULL,
    gross NUMERIC(12,2) NOT NULL,
    FOREIGN KEY (customer_id, address_no) REFERENCES customer_address (customer_id, address_no),
    CHECK (shipped_at >= ordered_at),
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
);

CREATE TABLE order_line (
    order_id INTEGER NOT NULL REFERENCES "order" (id) ON DELETE CASCADE,
    line_no INTEGER NOT NULL CHECK (line_no >= 1),
    product_id INTEGER NOT NULL REFERENCES product (id),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    unit_price NUMERIC(10,2) NOT NULL,
    line_total NUMERIC(12,2) NOT NULL,
    PRIMARY KEY (order_id, line_no)
);

CREATE TABLE order_event (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES "order" (id) ON DELETE CASCADE,
    event VARCHAR(12) NOT NULL,
    happened_at TIMESTAMP NOT NULL
);

CREATE TABLE ticket (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    order_id INTEGER REFERENCES "order" (id),
    priority VARCHAR(8) NOT NULL,
    opened_at TIMESTAMP NOT NULL,
    closed_at TIMESTAMP,
    message TEXT NOT NULL
);

CREATE TABLE review (
    product_id INTEGER NOT NULL REFERENCES product (id),
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    stars INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5),
    reviewed_on DATE NOT NULL,
    PRIMARY KEY (product_id, customer_id)
);

CREATE TABLE campaign (
    id INTEGER PRIMARY KEY,
    title VARCHAR(60) NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    CHECK (ends_on > starts_on)
);

CREATE TABLE "CampaignProduct" (
    "campaignId" INTEGER NOT NULL REFERENCES campaign (id),
    "productId" INTEGER NOT NULL REFERENCES product (id),
    "Rank" INTEGER NOT NULL,
    "group" VARCHAR(10) NOT NULL,
    PRIMARY KEY ("campaignId", "productId"),
    UNIQUE ("campaignId", "Rank")
);

-- No primary key: one row per page seen.
CREATE TABLE page_view (
    customer_id INTEGER REFERENCES customer (id),
    product_sku VARCHAR(9) NOT NULL REFERENCES product (sku),
    device VARCHAR(8) NOT NULL,
    viewed_at TIMESTAMP NOT NULL,
    seconds_on_page INTEGER NOT NULL
);

CREATE TABLE gift_card (
    code CHAR(12) PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    amount NUMERIC(8,2) NOT NULL
);

CREATE INDEX order_customer_idx ON "order" (customer_id, ordered_at);
CREATE INDEX order_line_product_idx ON order_line (product_id);
CREATE INDEX order_event_order_idx ON order_event (order_id, happened_at);
CREATE INDEX ticket_customer_idx ON ticket (customer_id);

CREATE VIEW customer_summary AS
SELECT c.id, c.full_name, c.segment, count(o.id) AS orders, sum(o.gross) AS spent
FROM customer c LEFT JOIN "order" o ON o.customer_id = c.id
GROUP BY c.id, c.full_name, c.segment;
