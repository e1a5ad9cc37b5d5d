"""PostgreSQL's own ways: types of its own, values that others cannot hold, partitions, order of creation, sequences."""

import datetime as dt
from decimal import Decimal

import psycopg
import pytest

from dbclone.connection import open_source, open_target
from dbclone.dialects.postgresql_session import describe
from dbclone.errors import SourceError, TargetError
from dbclone.schema import Schema, TypeFamily
from tests.dialects.places import Maker, Place, copy, read

pytestmark = pytest.mark.postgres


@pytest.fixture
def source(make: Maker) -> Place:
    return make("postgresql")


@pytest.fixture
def target(make: Maker) -> Place:
    return make("postgresql")


def value_of(place: Place, kind: str, value: str) -> tuple[TypeFamily, object, list[str]]:
    """One value of a type as read, the family of the type, and the codes of what was found."""
    place.run(f"CREATE TABLE t (c {kind})", f"INSERT INTO t VALUES ({value}), (NULL)")
    schema, rows, findings = read(place)
    first, second = rows[schema.tables[0].name].column("c").to_pylist()
    assert second is None
    return schema.tables[0].columns[0].type.family, first, [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("kind", "value", "family", "expected"),
    [
        ("smallint", "-32768", TypeFamily.INTEGER, -32768),
        ("oid", "4294967295", TypeFamily.OPAQUE, "4294967295"),
        ("numeric", "12345678901234567890.123456789", TypeFamily.DECIMAL, Decimal("12345678901234567890.123456789")),
        ("numeric(38,37)", "1.5", TypeFamily.DECIMAL, Decimal("1.5")),
        ("numeric(5,2)", "-0.05", TypeFamily.DECIMAL, Decimal("-0.05")),
        ("numeric", "1e60", TypeFamily.DECIMAL, 1e60),
        ("real", "0.1", TypeFamily.FLOAT, 0.1),
        ("double precision", "'-Infinity'", TypeFamily.FLOAT, float("-inf")),
        ("char(5)", "'ab'", TypeFamily.TEXT, "ab"),
        ("name", "'x'", TypeFamily.TEXT, "x"),
        ("time", "'23:59:59.999999'", TypeFamily.TIME, dt.time(23, 59, 59, 999999)),
        ("timetz", "'10:00+02'", TypeFamily.OPAQUE, "10:00:00+02"),
        ("timestamp(0)", "'2024-01-01 10:00:00.6'", TypeFamily.TIMESTAMP, dt.datetime(2024, 1, 1, 10, 0, 1)),
        ("timestamptz", "'2024-01-01 10:00+02'", TypeFamily.TIMESTAMP, dt.datetime(2024, 1, 1, 8, tzinfo=dt.UTC)),
        ("interval", "'1 mon -2 days 03:04:05'", TypeFamily.INTERVAL, "1 mon -2 days +03:04:05"),
        ("jsonb", '\'{"b": 1, "a": [null]}\'', TypeFamily.JSON, '{"a": [null], "b": 1}'),
        ("integer[]", "'{{1,2},{3,NULL}}'", TypeFamily.ARRAY, "{{1,2},{3,NULL}}"),
        ("text[]", "ARRAY['a,b', '']", TypeFamily.ARRAY, '{"a,b",""}'),
        ("int4range", "'[1,5)'", TypeFamily.OPAQUE, "[1,5)"),
        ("inet", "'10.0.0.1/8'", TypeFamily.OPAQUE, "10.0.0.1/8"),
        ("money", "1.5", TypeFamily.OPAQUE, None),
        ("bit(3)", "B'101'", TypeFamily.OPAQUE, "101"),
        ("tsvector", "'a:1 b:2'", TypeFamily.OPAQUE, "'a':1 'b':2"),
        ("point", "'(1,2)'", TypeFamily.OPAQUE, "(1,2)"),
        ("xml", "'<a/>'", TypeFamily.OPAQUE, "<a/>"),
    ],
)
def test_values_of_every_type_are_read_and_written_back(
    source: Place, target: Place, kind: str, value: str, family: TypeFamily, expected: object
) -> None:
    found, read_value, codes = value_of(source, kind, value)
    assert found is family
    assert read_value == expected or expected is None
    assert codes == []
    copy(source, target)
    assert target.rows("SELECT c::text FROM t") == source.rows("SELECT c::text FROM t")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", "'infinity'"), ("timestamp", "'-infinity'"), ("timestamptz", "'infinity'"),
        ("date", "'0044-03-15 BC'"),
        ("timestamp", "'12024-01-01'"), ("time", "'24:00'"), ("numeric", "'NaN'"), ("numeric(5,2)", "'NaN'"),
    ],
)  # fmt: skip
def test_values_that_others_cannot_hold_become_null_and_are_reported(source: Place, kind: str, value: str) -> None:
    _, found, codes = value_of(source, kind, value)
    assert (found, codes) == (None, ["type-fallback"])


def test_types_of_the_users_own_are_recreated(source: Place, target: Place) -> None:
    source.run(
        "CREATE SCHEMA app",
        "CREATE TYPE app.mood AS ENUM ('sad', 'it''s ok', 'Happy')",
        "CREATE DOMAIN app.positive AS integer NOT NULL CHECK (VALUE > 0) CHECK (VALUE < 100)",
        "CREATE DOMAIN small AS app.positive CHECK (VALUE < 10)",
        "CREATE TYPE pair AS (a app.mood, b integer)",
        "CREATE TYPE span AS RANGE (SUBTYPE = double precision)",
        "CREATE TABLE app.t (m app.mood, p app.positive, s small, c pair, r span, ms app.mood[])",
        "INSERT INTO app.t VALUES ('it''s ok', 7, 3, ROW('sad', 1), '[1,2.5)', '{sad,Happy}')",
    )
    copy(source, target)
    everything = "SELECT m::text, p, s, c::text, r::text, ms::text FROM app.t"
    assert target.rows(everything) == source.rows(everything) == [
        ("it's ok", 7, 3, '(sad,1)', "[1,2.5)", "{sad,Happy}"),
    ]  # fmt: skip
    schema = read(target)[0]
    table = schema.tables[0]
    assert table.column("m").type.values == ("sad", "it's ok", "Happy")
    assert not table.column("p").nullable
    assert len(table.column("s").type.checks) == 3
    with pytest.raises(psycopg.Error):
        target.run("INSERT INTO app.t (p, s) VALUES (100, 3)")


LEAVES = ("log_23", "log_24_a", "log_24_rest")


def test_partitions_are_recreated_and_loaded_through_their_root(source: Place, target: Place) -> None:
    source.run(
        "CREATE TABLE parent (id integer PRIMARY KEY)",
        "CREATE TABLE log (id integer, day date NOT NULL, kind text NOT NULL, parent integer,"
        " PRIMARY KEY (id, day, kind)) PARTITION BY RANGE (day)",
        "CREATE INDEX log_kind ON log (kind)",
        "CREATE TABLE log_23 PARTITION OF log FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')",
        "CREATE TABLE log_24 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')"
        " PARTITION BY LIST (kind)",
        "CREATE TABLE log_24_a PARTITION OF log_24 FOR VALUES IN ('a')",
        "CREATE TABLE log_24_rest PARTITION OF log_24 DEFAULT",
        *[
            f"ALTER TABLE {leaf} ADD FOREIGN KEY (parent) REFERENCES parent"
            for leaf in ("log_23", "log_24_a", "log_24_rest")
        ],
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO log VALUES (1, '2023-05-05', 'x', 1), (2, '2024-05-05', 'a', NULL), (3, '2024-06-06', 'b', 1)",
    )
    schema, rows, _ = read(source)
    assert [table.name.name for table in schema.tables] == ["log", "parent"]
    assert [key.columns for key in schema.tables[0].foreign_keys] == [("parent",)]
    assert len(rows[schema.tables[0].name]) == 3
    assert copy(source, target) == ()
    where = "SELECT tableoid::regclass::text, id FROM log ORDER BY id"
    assert target.rows(where) == source.rows(where) == [("log_23", 1), ("log_24_a", 2), ("log_24_rest", 3)]
    indexes = (
        "SELECT count(*) FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relname LIKE 'log%' AND indisvalid"
    )
    assert target.rows(indexes) == source.rows(indexes)


def test_functions_triggers_views_and_rules_come_in_whatever_order_they_need(source: Place, target: Place) -> None:
    source.run(
        "CREATE FUNCTION is_even(n integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n % 2 = 0'",
        "CREATE TABLE z (n integer CHECK (public.is_even(n)), "
        " twice integer GENERATED ALWAYS AS (n * 2) STORED, log text)",
        "CREATE FUNCTION all_of_z() RETURNS SETOF z LANGUAGE sql AS 'SELECT * FROM public.z'",
        "CREATE VIEW b AS SELECT n FROM z", "CREATE VIEW a AS SELECT * FROM b",
        "CREATE MATERIALIZED VIEW m AS SELECT n FROM a",
        "CREATE UNIQUE INDEX m_n ON m (n)",
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.log := 'seen'; RETURN NEW; END $$",
        "CREATE TABLE x () INHERITS (z)", "INSERT INTO z (n) VALUES (2)",
        "CREATE TRIGGER note BEFORE INSERT ON z FOR EACH ROW EXECUTE FUNCTION note()",
        "CREATE RULE keep AS ON DELETE TO z DO INSTEAD NOTHING",
    )  # fmt: skip
    assert copy(source, target) == ()
    target.run("INSERT INTO z (n) VALUES (4)", "DELETE FROM z")
    assert target.rows("SELECT n, twice, log FROM all_of_z() ORDER BY 1") == [(2, 4, None), (4, 8, "seen")]
    assert target.rows("SELECT n FROM m") == [(2,)]


def test_functions_that_need_tables_are_used_by_tables(source: Place, target: Place) -> None:
    if source.rows("SELECT current_setting('server_version_num')::int < 140000") == [(True,)]:
        pytest.skip("BEGIN ATOMIC came with PostgreSQL 14")
    source.run(
        "CREATE TABLE z (id integer PRIMARY KEY, n integer)",
        "CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM z; END",
        "CREATE FUNCTION is_good(z) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1.n >= 0'",
        "CREATE TABLE a (id integer PRIMARY KEY, x bigint DEFAULT counted())",
        "CREATE TABLE more () INHERITS (a)",
        "ALTER TABLE z ADD CONSTRAINT good CHECK (is_good(z.*))",
        "INSERT INTO z VALUES (1, 3), (2, 4)", "INSERT INTO a VALUES (1)", "INSERT INTO more VALUES (4, 4)",
    )  # fmt: skip
    assert copy(source, target) == ()
    target.run("INSERT INTO a VALUES (2)", "INSERT INTO more (id) VALUES (5)")
    assert target.rows("SELECT x FROM ONLY a ORDER BY id") == [(2,), (2,)]
    assert target.rows("SELECT x FROM more ORDER BY id") == [(4,), (2,)]
    with pytest.raises(psycopg.errors.CheckViolation):
        target.run("INSERT INTO z VALUES (3, -1)")


@pytest.mark.parametrize("kind", ["serial", "bigserial", "integer GENERATED ALWAYS AS IDENTITY",
                                  "smallint GENERATED BY DEFAULT AS IDENTITY (INCREMENT BY -1)"])  # fmt: skip
def test_sequences_continue_behind_the_values_in_use(source: Place, target: Place, kind: str) -> None:
    source.run(f"CREATE TABLE t (id {kind}, x integer)", *["INSERT INTO t (x) VALUES (1)"] * 3)
    assert read(source)[0].tables[0].columns[0].identity is not None
    copy(source, target)
    for place in (source, target):
        place.run("INSERT INTO t (x) VALUES (2)")
    assert target.rows("SELECT id FROM t WHERE x = 2") == source.rows("SELECT id FROM t WHERE x = 2")
    owner = "SELECT pg_get_serial_sequence('t', 'id')"
    assert target.rows(owner) == source.rows(owner)


def test_a_sequence_that_tables_share_goes_behind_all_of_them(source: Place, target: Place) -> None:
    source.run("CREATE SEQUENCE ids", *[f"CREATE TABLE {t} (id integer DEFAULT nextval('ids'), x text)" for t in "ab"])
    source.run("INSERT INTO a VALUES (5)", "INSERT INTO b VALUES (9)")
    copy(source, target)
    target.run("INSERT INTO a (x) VALUES ('new')")
    assert target.rows("SELECT id FROM a WHERE x = 'new'") == [(10,)]


def test_a_sequence_of_numbers_of_a_domain_goes_behind_them(source: Place, target: Place) -> None:
    source.run(
        "CREATE DOMAIN number AS integer", "CREATE DOMAIN counted AS number CHECK (VALUE > 0)", "CREATE SEQUENCE ids",
        "CREATE TABLE t (id counted DEFAULT nextval('ids'), x text)", *["INSERT INTO t (x) VALUES ('old')"] * 3,
    )  # fmt: skip
    copy(source, target)
    target.run("INSERT INTO t (x) VALUES ('new')")
    assert target.rows("SELECT id FROM t WHERE x = 'new'") == [(4,)]


def test_sequences_that_only_the_application_knows_go_behind_its_keys(source: Place, target: Place) -> None:
    source.run(
        "CREATE SEQUENCE customer_id_seq INCREMENT 50", "CREATE SEQUENCE everything", "CREATE SEQUENCE ticket",
        "CREATE SEQUENCE untouched START 5",
        "CREATE TABLE customer (id bigint PRIMARY KEY)", "CREATE TABLE bill (id integer PRIMARY KEY, x integer)",
        "CREATE TABLE paid (id integer PRIMARY KEY REFERENCES bill)",
        "CREATE TABLE flake (id bigint PRIMARY KEY)",
        "INSERT INTO customer SELECT generate_series(1, 90)", "INSERT INTO bill SELECT generate_series(1, 40)",
        "INSERT INTO flake VALUES (7000000000001), (7000000000009)",
        "SELECT setval('ticket', 1234)",
    )  # fmt: skip
    copy(source, target)
    drawn = "SELECT nextval('customer_id_seq'), nextval('everything'), nextval('ticket')"
    ((customer, everything, ticket),) = target.rows(drawn)
    assert customer == 90 + 50
    assert (everything, ticket) == (91, 1235), "behind all keys that are counted, and not before where it stood"


def test_constraints_of_every_kind_survive(source: Place, target: Place) -> None:
    source.run(
        "CREATE TABLE p (a integer, b integer, CONSTRAINT p_key PRIMARY KEY (b, a))",
        "CREATE TABLE c (a integer, b integer, r int4range, u integer, n text COLLATE \"C\" NOT NULL,"
        " CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES p (a, b) ON UPDATE CASCADE ON DELETE SET NULL"
        " DEFERRABLE INITIALLY DEFERRED,"
        " CONSTRAINT no_overlap EXCLUDE USING gist (r WITH &&), CONSTRAINT odd CHECK (u % 2 = 1))",
        "CREATE UNIQUE INDEX lowered ON c (lower(n)) WHERE u > 5",
        "CREATE UNLOGGED TABLE fast (x integer) WITH (fillfactor=50)",
    )  # fmt: skip
    assert copy(source, target) == ()
    for question in (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'c'::regclass ORDER BY 1",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        "SELECT relname, relpersistence, reloptions FROM pg_class WHERE relname = 'fast'",
        "SELECT collation_name FROM information_schema.columns WHERE table_name = 'c' ORDER BY ordinal_position",
    ):
        assert target.rows(question) == source.rows(question)


def test_keys_to_a_partitioned_table_find_their_names_free(source: Place, target: Place) -> None:
    source.run(
        "CREATE TABLE p (a integer PRIMARY KEY) PARTITION BY HASH (a)",
        "CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        "CREATE TABLE c (a integer)",
        "ALTER TABLE c ADD FOREIGN KEY (a) REFERENCES p (a)",  # c_a_fkey; its own for the partitions follow
        "ALTER TABLE c ADD CONSTRAINT a_first FOREIGN KEY (a) REFERENCES p (a)",  # created, it would take c_a_fkey
    )
    copy(source, target)
    declared = (
        "SELECT conname, contype::text FROM pg_constraint"
        " WHERE conrelid = 'c'::regclass AND conparentid = 0 ORDER BY 1"
    )  # fmt: skip
    assert target.rows(declared) == source.rows(declared) == [("a_first", "f"), ("c_a_fkey", "f")]


def test_unique_nulls_not_distinct(source: Place, target: Place) -> None:
    if source.rows("SELECT current_setting('server_version_num')::int < 150000") == [(True,)]:
        pytest.skip("NULLS NOT DISTINCT came with PostgreSQL 15")
    source.run(
        "CREATE TABLE t (x integer, CONSTRAINT once UNIQUE NULLS NOT DISTINCT (x))", "INSERT INTO t VALUES (NULL)"
    )
    copy(source, target)
    assert [key.nulls_distinct for key in read(target)[0].tables[0].uniques] == [False]
    with pytest.raises(psycopg.Error):
        target.run("INSERT INTO t VALUES (NULL)")


def test_what_extensions_bring_is_not_the_users(source: Place, target: Place) -> None:
    try:
        source.run("CREATE EXTENSION citext")
    except psycopg.Error:
        pytest.skip("this server has no contrib extensions")
    source.run("CREATE TABLE t (x citext UNIQUE)", "INSERT INTO t VALUES ('Ada')")
    copy(source, target)
    assert target.rows("SELECT x::text FROM t WHERE x = 'ADA'") == [("Ada",)]
    copy(source, target, clean=True)
    assert target.rows("SELECT count(*) FROM t") == [(1,)]


def test_cleaning_leaves_other_schemas_alone(source: Place, target: Place) -> None:
    source.run("CREATE TABLE t (x integer)")
    target.run(
        "CREATE SCHEMA other", "CREATE TABLE other.precious (x integer)", "CREATE TYPE e AS ENUM ('a')",
        "CREATE TABLE t (x e)", "CREATE VIEW v AS SELECT * FROM t",
        "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    )  # fmt: skip
    copy(source, target, clean=True)
    assert target.rows("SELECT count(*) FROM other.precious") == [(0,)]
    gone = "SELECT to_regclass('v')::text, to_regtype('e')::text, to_regproc('f')::text"
    assert target.rows(gone) == [(None, None, None)]


def test_what_is_left_in_an_otherwise_empty_target_is_not_overwritten(source: Place, target: Place) -> None:
    source.run("CREATE TYPE e AS ENUM ('a')", "CREATE TABLE t (x e)")
    target.run("CREATE TYPE e AS ENUM ('b')")
    with pytest.raises(TargetError, match="--clean"):
        copy(source, target)


def test_hidden_rows_are_an_error_not_a_smaller_clone(source: Place) -> None:
    role = "row_reader_of_tests"
    source.run("CREATE TABLE t (x integer)", "INSERT INTO t VALUES (1)", "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
               f"DROP ROLE IF EXISTS {role}", f"CREATE ROLE {role} LOGIN", f"GRANT SELECT ON t TO {role}")  # fmt: skip
    try:
        url = source.url.replace("//postgres@", f"//{role}@")
        with open_source(url) as opened, pytest.raises(SourceError, match="hides rows"):
            opened.row_counts(opened.reflect())
    finally:
        source.run(f"REVOKE ALL ON t FROM {role}", f"DROP ROLE {role}")


def test_a_table_left_out_takes_its_children_s_inheritance_with_it(source: Place, target: Place) -> None:
    source.run("CREATE TABLE base (x integer)", "CREATE TABLE more (y integer) INHERITS (base)")
    with open_source(source.url) as opened, open_target(target.url) as written:
        schema = opened.reflect()
        kept = Schema("postgresql", tuple(t for t in schema.tables if t.name.name == "more"), schema.preamble)
        written.create(kept, clean=False)
        written.finish(kept)
        written.commit()
    assert [column.name for column in read(target)[0].tables[0].columns] == ["x", "y"]


def test_errors_name_constraints_and_columns_but_never_values(source: Place) -> None:
    source.run("CREATE TABLE t (code text CONSTRAINT code_once UNIQUE, n smallint)", "INSERT INTO t VALUES ('Ada', 1)")
    for statement, words in (
        ("INSERT INTO t VALUES ('Ada', 1)", "code_once"),
        ("INSERT INTO t VALUES ('Bob', 99999)", "out of range"),
        ("SELECT 'Lovelace'::integer", "does not fit"),
    ):
        with pytest.raises(psycopg.Error) as caught:
            source.run(statement)
        text = describe(caught.value)
        assert words in text
        assert not any(value in text for value in ("Ada", "Bob", "99999", "Lovelace"))


@pytest.mark.parametrize("dialect", ["mysql", "sqlite", "duckdb"])
def test_a_table_without_columns_has_one_where_there_must_be_one(source: Place, make: Maker, dialect: str) -> None:
    target = make(dialect)
    source.run("CREATE TABLE hollow ()", "CREATE TABLE t (a integer)", "INSERT INTO t VALUES (1)")
    assert [finding.subject for finding in copy(source, target)] == ["table public.hollow"]
    assert target.rows("SELECT count(*) FROM hollow") == [(0,)]
    assert target.rows("SELECT a FROM t") == [(1,)]


def test_decimals_of_more_digits_than_arrow_has_keep_their_size(make: Maker) -> None:
    source, target = make("postgresql"), make("postgresql")
    source.run(
        "CREATE TABLE t (id integer PRIMARY KEY, wide numeric(40,20) NOT NULL)",
        "INSERT INTO t VALUES (1, 12345678901234567890.12345678901234567891), (2, -0.5)",
    )
    assert copy(source, target) == ()
    close = "SELECT id, abs(wide - CASE id WHEN 1 THEN 12345678901234567890 ELSE -0.5 END) < 10000 FROM t ORDER BY 1"
    assert target.rows(close) == [(1, True), (2, True)]
