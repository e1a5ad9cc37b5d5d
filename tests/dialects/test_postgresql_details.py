"""What PostgreSQL keeps beside tables, keys and references is in the clone, as pg_dump prints it, or is told."""

import json
import shutil
from collections.abc import Callable

import psycopg
import pytest

from tests.commands import dbclone
from tests.dialects.places import Place, copy
from tests.inventory import inventory, unaccounted
from tests.proofs import normalised, schema_statements

pytestmark = pytest.mark.skipif(shutil.which("pg_dump") is None, reason="NO pg_dump: schemas cannot be compared")

EVERYTHING = """
CREATE SCHEMA "Other";
COMMENT ON SCHEMA "Other" IS 'It''s another one';
CREATE TYPE span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi);
CREATE TYPE words AS RANGE (SUBTYPE = text, COLLATION = "C");
CREATE TYPE labelled AS (label text COLLATE "C", place integer);
CREATE DOMAIN coded AS varchar(9) COLLATE "C" DEFAULT 'a';
CREATE DOMAIN longer AS coded CHECK (VALUE <> 'b');
CREATE DOMAIN named AS text NOT NULL CONSTRAINT short CHECK (length(VALUE) < 100);
COMMENT ON CONSTRAINT short ON DOMAIN named IS 'Fits on a label';
CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = pg_catalog.simple, STOPWORDS = 'english');
CREATE TEXT SEARCH CONFIGURATION "Other".search (PARSER = pg_catalog."default");
ALTER TEXT SEARCH CONFIGURATION "Other".search ADD MAPPING FOR word, asciiword WITH plain, simple;

CREATE TABLE person (
    id integer GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME person_number START 100 INCREMENT 5),
    name named,
    email text NOT NULL,
    seen tstzrange,
    about text,
    CONSTRAINT person_key PRIMARY KEY (id) INCLUDE (name),
    CONSTRAINT person_email UNIQUE (email) DEFERRABLE INITIALLY DEFERRED
) WITH (fillfactor = 70, toast.autovacuum_enabled = false);
CREATE INDEX person_search ON person USING gin (to_tsvector('"Other".search', about));
CREATE UNIQUE INDEX person_lower ON person (lower(email)) WHERE seen IS NULL;
ALTER INDEX person_lower ALTER COLUMN 1 SET STATISTICS 500;
ALTER TABLE person ALTER COLUMN email SET STATISTICS 300, ALTER COLUMN email SET (n_distinct = -0.5);
ALTER TABLE person ALTER COLUMN about SET STORAGE EXTERNAL, ALTER COLUMN about SET COMPRESSION pglz;
ALTER TABLE person CLUSTER ON person_key;
ALTER TABLE person REPLICA IDENTITY FULL;
CREATE STATISTICS person_names (dependencies) ON name, email FROM person;
COMMENT ON TABLE person IS 'Somebody';
COMMENT ON COLUMN person.email IS 'Where to write';
COMMENT ON INDEX person_lower IS 'Once only';
COMMENT ON CONSTRAINT person_email ON person IS 'At the end';
ALTER TABLE person ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON person AS RESTRICTIVE FOR UPDATE USING (name = current_user) WITH CHECK (email <> '');
CREATE POLICY reading ON person FOR SELECT USING (true);
COMMENT ON POLICY own ON person IS 'Hands off';

CREATE UNLOGGED TABLE fast (id bigserial PRIMARY KEY, place integer GENERATED ALWAYS AS IDENTITY (START 7));
CREATE SEQUENCE lasting;
ALTER TABLE fast ADD COLUMN kept bigint DEFAULT nextval('lasting');
ALTER SEQUENCE lasting OWNED BY fast.kept;

CREATE TABLE visit (
    person_id integer,
    number integer,
    day date NOT NULL,
    CONSTRAINT visit_key PRIMARY KEY (person_id, number)
);
CREATE TABLE bill (
    person_id integer,
    number integer,
    amount numeric CONSTRAINT positive CHECK (amount > 0) NO INHERIT,
    FOREIGN KEY (person_id, number) REFERENCES visit MATCH FULL ON DELETE SET NULL
);
CREATE TABLE reminder (
    person_id integer, number integer,
    CONSTRAINT reminder_visit FOREIGN KEY (person_id, number) REFERENCES visit ON DELETE SET NULL (number)
);
CREATE TABLE old_bill (note text) INHERITS (bill);
CREATE TABLE later_bill (due date, CONSTRAINT late CHECK (due > '2000-01-01')) INHERITS (bill);
CREATE TABLE latest_bill (CONSTRAINT late CHECK (due > '2000-01-01')) INHERITS (later_bill);
CREATE TABLE last_bill () INHERITS (latest_bill);

CREATE TABLE event (at date NOT NULL, person_id integer) PARTITION BY RANGE (at);
CREATE TABLE event_old PARTITION OF event FOR VALUES FROM (MINVALUE) TO ('2020-01-01') WITH (fillfactor = 50);
CREATE TABLE event_new PARTITION OF event FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
ALTER TABLE event_new ADD CONSTRAINT event_person FOREIGN KEY (person_id) REFERENCES person (id);

CREATE VIEW people WITH (security_barrier = true, check_option = local) AS SELECT id, email FROM person WHERE id > 0;
ALTER VIEW people ALTER COLUMN email SET DEFAULT 'nobody';
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM person WITH NO DATA;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER quiet BEFORE INSERT ON person FOR EACH ROW EXECUTE FUNCTION nothing();
ALTER TABLE person DISABLE TRIGGER quiet;
CREATE RULE kept AS ON DELETE TO visit DO INSTEAD NOTHING;
CREATE FUNCTION larger(numeric, numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT greatest($1, $2)';
CREATE AGGREGATE largest (numeric) (SFUNC = larger, STYPE = numeric, SORTOP = >, COMBINEFUNC = larger, PARALLEL = SAFE);
CREATE AGGREGATE "Other"."The total" (integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0', MSFUNC = int4pl,
  MINVFUNC = int4mi, MSTYPE = integer, MINITCOND = '0');
CREATE AGGREGATE rows_of (*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');
CREATE AGGREGATE middle (float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal,
  FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
COMMENT ON AGGREGATE largest (numeric) IS 'The most';
CREATE VIEW totals AS SELECT "Other"."The total"(id) AS total FROM person;
"""


def test_everything_beside_the_tables_is_in_the_clone(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(EVERYTHING)
    assert [finding.message for finding in copy(source, target)] == []
    theirs, ours = ({normalised(s) for s in schema_statements(place.url)} for place in (source, target))
    assert (theirs - ours, ours - theirs) == (set(), set())


NOT_RECREATED = """
CREATE TABLE part (a integer PRIMARY KEY) PARTITION BY LIST (a);
CREATE TABLE part_one PARTITION OF part FOR VALUES IN (1);
CREATE TABLE pointer (a integer CONSTRAINT to_one REFERENCES part_one);
ALTER TABLE pointer ADD CONSTRAINT small CHECK (a < 9) NOT VALID;
CREATE OPERATOR CLASS whole FOR TYPE integer USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(integer);
CREATE PUBLICATION changes FOR TABLE pointer;
GRANT SELECT ON pointer TO PUBLIC;
"""


def test_the_ledger_has_a_line_for_everything_and_each_is_true(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(EVERYTHING, NOT_RECREATED)
    outcome = dbclone("copy", "--json", source.url, target.url)
    assert outcome.code == 0, outcome.err
    ledger = json.loads(outcome.out)["ledger"]
    with psycopg.connect(source.url) as origin, psycopg.connect(target.url) as connection:
        assert unaccounted(ledger, inventory(origin), inventory(connection)) == []
    dropped = {line["kind"] for line in ledger if line["fate"] == "dropped"}
    assert dropped == {
        "foreign key",
        "operator class",
        "operator family",
        "publication",
        "owners",
        "grants",
    }
    planned = json.loads(dbclone("plan", "--json", source.url).out)["ledger"]
    assert {(line["kind"], line["name"], line["fate"]) for line in planned} == {
        (line["kind"], line["name"], line["fate"]) for line in ledger
    }


def test_what_is_not_recreated_is_told(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(NOT_RECREATED)
    said = " ".join(finding.message for finding in copy(source, target))
    for name in ("to_one", "small", "public.whole USING hash", "publication changes"):
        assert name in said, name


def test_what_a_user_says_of_an_extension_is_said_again(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run("CREATE TABLE t (a integer)")
    assert "comment" not in {line["kind"] for line in json.loads(dbclone("plan", "--json", source.url).out)["ledger"]}
    source.run("COMMENT ON EXTENSION plpgsql IS 'For triggers only'")
    assert copy(source, target) == ()
    assert target.rows("SELECT obj_description(oid) FROM pg_extension") == [("For triggers only",)]


def test_a_database_s_own_settings_are_the_clone_s(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    name = source.url.rpartition("/")[2]
    source.run(
        'CREATE SCHEMA "My App"', 'CREATE TABLE "My App".t (a integer)',
        f'ALTER DATABASE {name} SET search_path TO "My App", public',
        f"ALTER DATABASE {name} SET timezone TO 'Europe/Berlin'",
        f"ALTER DATABASE {name} SET bytea_output TO 'escape'",
        f"ALTER DATABASE {name} SET app.secret TO '100% it''s'",
        f"ALTER DATABASE {name} SET work_mem TO '5MB'",
    )  # fmt: skip
    outcome = dbclone("copy", "--json", source.url, target.url)
    assert outcome.code == 0, outcome.err
    for question in ("SHOW search_path", "SHOW timezone", "SHOW bytea_output"):
        assert target.rows(question) == source.rows(question)
    assert target.rows("SELECT count(*) FROM t") == [(0,)], "found as the application finds it"
    fates = {e["name"]: e["fate"] for e in json.loads(outcome.out)["ledger"] if e["kind"] == "database setting"}
    assert "it''s" not in outcome.out + outcome.err
    assert fates == {
        "search_path": "recreated", "timezone": "recreated", "bytea_output": "recreated",
        "app.secret": "dropped", "work_mem": "dropped",
    }  # fmt: skip


def test_settings_that_policies_and_triggers_ask_for_are_told(new_postgres: Callable[[], str]) -> None:
    source = Place("postgresql", new_postgres())
    source.run(
        "CREATE TABLE t (a integer, who text)",
        "CREATE POLICY mine ON t USING (who = current_setting('app.user') OR current_setting('app.role', true) = 'x')",
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.who := current_setting('app.clerk'); RETURN NEW; END $$",
        "CREATE TRIGGER signed BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note()",
        "CREATE TRIGGER other BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    )
    ledger = {line["name"]: line["reason"] for line in json.loads(dbclone("plan", "--json", source.url).out)["ledger"]}
    assert "the settings app.user, app.role:" in ledger["mine on public.t"]
    assert "the setting app.clerk:" in ledger["signed on public.t"]
    assert "setting" not in ledger["other on public.t"]


def test_a_policy_that_binds_the_owner_hides_no_row_from_the_proof(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(
        "CREATE TABLE t (a integer)",
        "INSERT INTO t VALUES (1), (2)",
        "CREATE POLICY nobody ON t USING (false)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    )
    assert copy(source, target) == ()
    with psycopg.connect(target.url) as connection:
        assert connection.execute("SELECT relforcerowsecurity FROM pg_class WHERE relname = 't'").fetchone() == (True,)
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)
