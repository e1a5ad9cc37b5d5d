"""What every pair of source and target must do alike: types, keys, references, conditions, names, all or nothing."""

import datetime as dt
import resource
import sqlite3
from pathlib import Path

import psycopg
import pyarrow as pa
import pymysql
import pytest

from dbclone.connection import open_source, open_target
from dbclone.errors import IntegrityError, TargetError, WriteError
from dbclone.schema import Schema, Table
from tests.dialects.places import PAIRS, Maker, Place, by_name, copy, read

pytestmark = [pytest.mark.postgres, pytest.mark.mariadb]
FAILURES = (psycopg.Error, sqlite3.Error, pymysql.MySQLError)


@pytest.fixture(params=PAIRS, ids=["-to-".join(pair) for pair in PAIRS])
def pair(request: pytest.FixtureRequest, make: Maker) -> tuple[Place, Place]:
    source, target = request.param
    return make(source), make(target)


# --- values ----------------------------------------------------------------------------------------------------------

COLUMNS: dict[str, dict[str, str]] = {
    "sqlite": {
        "id": "INTEGER PRIMARY KEY", "flag": "BOOLEAN", "number": "BIGINT", "price": "NUMERIC(12,3)", "ratio": "REAL",
        "name": "TEXT", "code": "VARCHAR(12)", "day": "DATE", "clock": "TIME", "moment": "TIMESTAMP",
        "instant": "TIMESTAMP WITH TIME ZONE", "uid": "UUID", "doc": "JSON", "raw": "BLOB",
    },
    "postgresql": {
        "id": "integer PRIMARY KEY", "flag": "boolean", "number": "bigint", "price": "numeric(12,3)",
        "ratio": "double precision", "name": "text", "code": "varchar(12)", "day": "date", "clock": "time",
        "moment": "timestamp", "instant": "timestamptz", "uid": "uuid", "doc": "json", "raw": "bytea",
    },
    "mysql": {
        "id": "integer PRIMARY KEY", "flag": "boolean", "number": "bigint", "price": "numeric(12,3)",
        "ratio": "double precision", "name": "text", "code": "varchar(12)", "day": "date", "clock": "time",
        "moment": "datetime", "instant": "datetime COMMENT 'in UTC'", "uid": "uuid", "doc": "json", "raw": "blob",
    },
}  # fmt: skip
UID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ROWS: list[tuple[object, ...]] = [
    (1, True, 42, "1234.500", 0.5, "plain", "abc", "2020-02-29", "13:14:15", "2020-02-29 13:14:15",
     "2020-02-29 13:14:15+00:00", UID, '{"a": [1, null]}', b"\x00\xff\n"),
    (2, *[None] * 13),
    (3, False, 0, "0.000", 0.0, "", "", "0001-01-01", "00:00:00", "0001-01-01 00:00:00",
     "1969-12-31 23:59:59+00:00", UID.upper().lower(), "{}", b""),
    (4, True, 2**63 - 1, "999999999.999", 1.7976931348623157e308, "日本 \\N é \t\n\r \"q\" 'q' , ; \\.", "ünïcödé-12ch",
     "9999-12-31", "23:59:59", "9999-12-31 23:59:59", "9999-12-31 23:59:59+00:00", UID, '"x"', bytes(range(256))),
    (5, False, -(2**63), "-999999999.999", 5e-324, "NULL", "\\N", "1582-10-15", "12:00:00", "1582-10-15 12:00:00",
     "2000-01-01 00:00:00+00:00", UID, "[]", b"\\x00"),
    (6, True, -1, "-0.001", -1.1, " spaces ", "'", "1970-01-01", "06:30:00", "1970-01-01 00:00:01",
     "1970-01-01 00:00:00+00:00", UID, "null", b"'"),
]  # fmt: skip


def build_types(place: Place) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS[place.dialect].items())
    place.run(f'CREATE TABLE "every_type" ({columns})')
    place.insert("every_type", [tuple(row) for row in ROWS])


def expected_types() -> list[dict[str, object]]:
    rows = [dict(zip(COLUMNS["sqlite"], row, strict=True)) for row in ROWS]
    for row in rows:
        if row["price"] is None:
            continue
        row["price"] = float(str(row["price"]))
        row["day"] = dt.date.fromisoformat(str(row["day"]))
        row["clock"] = dt.time.fromisoformat(str(row["clock"]))
        row["moment"] = dt.datetime.fromisoformat(str(row["moment"]))
        row["instant"] = dt.datetime.fromisoformat(str(row["instant"]))
    return rows


def test_every_kind_of_value_arrives_as_it_was(pair: tuple[Place, Place]) -> None:
    source, target = pair
    build_types(source)
    assert copy(source, target) == ()
    assert by_name(read(source)[1])["every_type"] == expected_types()
    schema, rows, findings = read(target)
    assert by_name(rows)["every_type"] == expected_types()
    assert findings == ()
    assert [c.type.family for c in schema.tables[0].columns] == [
        c.type.family for c in read(source)[0].tables[0].columns
    ]


def test_fractions_of_seconds_arrive(pair: tuple[Place, Place]) -> None:
    source, target = pair
    moment, clock = ("datetime(6)", "time(6)") if source.dialect == "mysql" else ("timestamp", "time")
    source.run(f"CREATE TABLE t (id integer PRIMARY KEY, at {moment}, c {clock})")
    source.insert("t", [(1, "2024-01-02 03:04:05.000006", "03:04:05.123456"), (2, "1900-01-02 03:04:05.500000", None)])
    copy(source, target)
    assert by_name(read(target)[1])["t"] == [
        {"id": 1, "at": dt.datetime(2024, 1, 2, 3, 4, 5, 6), "c": dt.time(3, 4, 5, 123456)},
        {"id": 2, "at": dt.datetime(1900, 1, 2, 3, 4, 5, 500000), "c": None},
    ]


def test_tables_without_rows_and_columns_without_values_arrive(pair: tuple[Place, Place]) -> None:
    source, target = pair
    source.run("CREATE TABLE a (x integer, y text)", "CREATE TABLE b (x numeric(5,2), d date, r real, f boolean)")
    source.insert("b", [(None, None, None, None)] * 3)
    copy(source, target)
    _, rows, _ = read(target)
    assert by_name(rows) == {"a": [], "b": [{"x": None, "d": None, "r": None, "f": None}] * 3}


# --- keys and references ---------------------------------------------------------------------------------------------

ORDER = """CREATE TABLE "Order" (
  shop integer NOT NULL, "no" integer NOT NULL, code varchar(9) NOT NULL UNIQUE, boss integer,
  PRIMARY KEY (shop, "no"))"""
SELECT = """CREATE TABLE "select" (
  "a b" integer NOT NULL, "from" integer, "Größe" integer, "say ""hi\"\"" varchar(20),
  CONSTRAINT pk PRIMARY KEY ("a b"), CONSTRAINT both_unique UNIQUE ("from", "Größe"),
  CONSTRAINT to_order FOREIGN KEY ("from", "Größe") REFERENCES "Order" (shop, "no") ON DELETE CASCADE,
  CONSTRAINT to_code FOREIGN KEY ("say ""hi\"\"") REFERENCES "Order" (code) ON DELETE SET NULL ON UPDATE CASCADE,
  CONSTRAINT to_self FOREIGN KEY ("from") REFERENCES "select" ("a b") DEFERRABLE INITIALLY DEFERRED)"""
INDEXES = ('CREATE INDEX "an index" ON "select" ("Größe")', 'CREATE UNIQUE INDEX one_boss ON "Order" (boss)')


def build_keys(place: Place) -> None:
    waits = " DEFERRABLE INITIALLY DEFERRED"  # which MariaDB's keys cannot
    place.run(ORDER, SELECT.replace(waits, "") if place.dialect == "mysql" else SELECT, *INDEXES)
    place.insert("Order", [(1, 1, "x", None), (1, 2, "y", None), (2, 1, "it's", 7)])
    place.insert("select", [(1, 1, 1, "x"), (2, 1, 2, "it's"), (3, 2, None, None), (4, None, None, None)])


def keys_of(schema: Schema) -> dict[str, object]:
    """What must survive: columns of keys, references with their actions, nullability, indexes.

    To MariaDB RESTRICT is another word for NO ACTION, and every reference has an index.
    """

    def of(table: Table) -> tuple[object, ...]:
        references = {
            (k.columns, k.parent.name, k.parent_columns,
             *(action.replace("RESTRICT", "NO ACTION") for action in (k.on_delete, k.on_update)))
            for k in table.foreign_keys
        }  # fmt: skip
        uniques = {key.columns for key in table.uniques}
        required = {column.name for column in table.columns if not column.nullable}
        indexes = {index.columns for index in table.indexes if not index.unique} - {k[0] for k in references}
        return table.primary_key and table.primary_key.columns, uniques, references, required, indexes

    return {table.name.name: of(table) for table in schema.tables}


def test_keys_references_indexes_and_odd_names_survive(pair: tuple[Place, Place]) -> None:
    source, target = pair
    build_keys(source)
    lost = target.dialect == "mysql" != source.dialect
    assert [finding.code for finding in copy(source, target)] == ["action"] * lost
    schema, rows, _ = read(source)
    copied, copied_rows, _ = read(target)
    assert keys_of(copied) == keys_of(schema)
    assert keys_of(schema)["select"] == (
        ("a b",),
        {("from", "Größe")},
        {
            (("from", "Größe"), "Order", ("shop", "no"), "CASCADE", "NO ACTION"),
            (('say "hi"',), "Order", ("code",), "SET NULL", "CASCADE"),
            (("from",), "select", ("a b",), "NO ACTION", "NO ACTION"),
        },
        {"a b"},
        {("Größe",)},
    )
    waits = {k.name: k.deferrable for k in copied.tables[-1].foreign_keys}
    assert waits == {"to_order": False, "to_code": False, "to_self": "mysql" not in (source.dialect, target.dialect)}
    assert by_name(copied_rows) == by_name(rows)


def test_the_target_enforces_what_the_source_did(pair: tuple[Place, Place]) -> None:
    source, target = pair
    build_keys(source)
    copy(source, target)
    for statement in (
        "INSERT INTO \"Order\" VALUES (1, 1, 'z', NULL)",
        "INSERT INTO \"Order\" VALUES (5, 1, 'x', NULL)",
        "INSERT INTO \"Order\" VALUES (5, 1, 'z', 7)",
        "INSERT INTO \"Order\" VALUES (NULL, 1, 'z', NULL)",
        'INSERT INTO "select" VALUES (9, 9, 9, NULL)',
        "INSERT INTO \"select\" VALUES (9, NULL, NULL, 'zzz')",
    ):
        with pytest.raises(FAILURES):
            target.run(statement)


def test_cycles_of_references_are_loaded(pair: tuple[Place, Place]) -> None:
    source, target = pair
    source.run("CREATE TABLE staff (id integer PRIMARY KEY, store integer NOT NULL)")
    source.run("CREATE TABLE store (id integer PRIMARY KEY, boss integer NOT NULL REFERENCES staff (id))")
    if source.dialect != "sqlite":
        source.insert("staff", [(1, 1), (2, 1)])
        source.insert("store", [(1, 2)])
        source.run("ALTER TABLE staff ADD FOREIGN KEY (store) REFERENCES store (id)")
    else:
        source.run("DROP TABLE staff")
        source.run("CREATE TABLE staff (id integer PRIMARY KEY, store integer NOT NULL REFERENCES store)")
        source.run("PRAGMA foreign_keys = OFF")
        with source.connect() as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("INSERT INTO staff VALUES (1, 1), (2, 1)")
            connection.execute("INSERT INTO store VALUES (1, 2)")
    copy(source, target)
    assert keys_of(read(target)[0])["staff"][2] == {(("store",), "store", ("id",), "NO ACTION", "NO ACTION")}  # type: ignore[index]


def test_the_next_insert_finds_a_free_number(pair: tuple[Place, Place]) -> None:
    source, target = pair
    kinds = {"sqlite": "", "postgresql": "GENERATED ALWAYS AS IDENTITY", "mysql": "AUTO_INCREMENT"}
    kind = f"INTEGER {kinds[source.dialect]} PRIMARY KEY"
    source.run(f"CREATE TABLE t (id {kind}, name text)", f"CREATE TABLE none (id {kind}, name text)")
    source.run(*["INSERT INTO t (name) VALUES ('x')"] * 5)
    copy(source, target)
    target.run("INSERT INTO t (name) VALUES ('new')", "INSERT INTO none (name) VALUES ('first')")
    assert target.rows("SELECT id FROM t WHERE name = 'new'") == [(6,)]
    assert target.rows("SELECT id FROM none") == [(1,)]


# --- conditions ------------------------------------------------------------------------------------------------------


def test_checks_defaults_and_generated_columns_survive(pair: tuple[Place, Place]) -> None:
    source, target = pair
    length = "char_length" if source.dialect == "mysql" else "length"  # which counts bytes there
    source.run(
        "CREATE TABLE t (id integer PRIMARY KEY, sex char(1) NOT NULL DEFAULT 'F' CHECK (sex IN ('M', 'F')),"
        " stars integer DEFAULT 3 CHECK (stars BETWEEN 1 AND 5), name text,"
        " low integer, high integer, open boolean NOT NULL DEFAULT true,"
        " width integer GENERATED ALWAYS AS (high - low) STORED, CHECK (low < high OR high IS NULL),"
        f" CONSTRAINT named CHECK ({length}(name) >= 2))"
    )
    source.run("INSERT INTO t (id, name, low, high) VALUES (1, 'ab', 1, 4), (2, NULL, NULL, NULL)")
    assert copy(source, target) == ()
    schema = read(target)[0]
    assert len(schema.tables[0].checks) == 4
    assert target.rows("SELECT width FROM t ORDER BY id") == [(3,), (None,)]
    target.run("INSERT INTO t (id) VALUES (3)")
    assert target.rows("SELECT sex, stars, name FROM t WHERE id = 3") == [("F", 3, None)]
    for values in (
        "(4, 'X', 1, 'ab', 1, 2)",
        "(4, 'M', 6, 'ab', 1, 2)",
        "(4, 'M', 1, 'a', 1, 2)",
        "(4, 'M', 1, 'ab', 2, 2)",
    ):
        with pytest.raises(FAILURES):
            target.run(f"INSERT INTO t (id, sex, stars, name, low, high) VALUES {values}")


# --- all or nothing --------------------------------------------------------------------------------------------------


def test_a_target_that_holds_tables_is_refused_unless_it_may_be_cleaned(pair: tuple[Place, Place]) -> None:
    source, target = pair
    build_keys(source)
    target.run("CREATE TABLE precious (x integer)", "INSERT INTO precious VALUES (1)")
    with pytest.raises(TargetError, match="not empty"):
        copy(source, target)
    assert target.rows("SELECT x FROM precious") == [(1,)]
    copy(source, target, clean=True)
    copy(source, target, clean=True)
    assert set(keys_of(read(target)[0])) == {"Order", "select"}


def load_twice(target: Place, schema: Schema, rows: pa.Table) -> None:
    with open_target(target.url) as written:
        written.create(schema, clean=True)
        written.load(schema.tables[0], rows.to_batches())
        written.load(schema.tables[0], rows.to_batches())
        written.finish(schema)


def test_nothing_remains_of_a_failure(pair: tuple[Place, Place], tmp_path: Path) -> None:
    source, target = pair
    build_keys(source)
    target.run("CREATE TABLE precious (x integer)", "INSERT INTO precious VALUES (1)")
    before = sorted(path.name for path in tmp_path.iterdir())
    with open_source(source.url) as opened:
        schema = opened.reflect()
        twice = opened.read(schema.tables[0])
    with pytest.raises(IntegrityError) as caught:
        load_twice(target, schema, twice)
    assert "it's" not in str(caught.value)
    assert target.rows("SELECT x FROM precious") == [(1,)]
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_nothing_is_visible_before_commit(pair: tuple[Place, Place]) -> None:
    source, target = pair
    build_keys(source)
    target.run("CREATE TABLE precious (x integer)")
    with open_source(source.url) as opened, open_target(target.url) as written:
        schema = opened.reflect()
        if target.dialect != "postgresql":  # where a reader would wait for the lock that dropping needs
            written.create(schema, clean=True)
            written.load(schema.tables[0], opened.read(schema.tables[0]).to_batches())
            assert target.rows("SELECT count(*) FROM precious") == [(0,)]
    with open_source(target.url) as untouched:
        assert [table.name.name for table in untouched.reflect().tables] == ["precious"]


def test_a_source_is_seen_as_it_was_when_it_was_opened(pair: tuple[Place, Place]) -> None:
    source, _ = pair
    if source.dialect == "sqlite":
        source.run("PRAGMA journal_mode = WAL")
    source.run("CREATE TABLE t (x integer)", "INSERT INTO t VALUES (1)")
    with open_source(source.url) as opened:
        schema = opened.reflect()
        source.run("INSERT INTO t VALUES (2)")
        assert opened.read(schema.tables[0]).to_pylist() == [{"x": 1}]
        assert opened.row_counts(schema)[schema.tables[0].name] == 1


@pytest.mark.parametrize("rows", [{"small": [99999]}, {"u": ["Ada Lovelace"]}])
def test_a_value_that_does_not_fit_is_named_by_its_column_alone(make: Maker, rows: dict[str, list[object]]) -> None:
    source, target = make("postgresql"), make("postgresql")
    source.run("CREATE TABLE t (small smallint, u uuid)")
    with open_source(source.url) as opened, open_target(target.url) as written:
        schema = opened.reflect()
        written.create(schema, clean=False)
        with pytest.raises(WriteError, match=f"column {next(iter(rows))}") as caught:
            written.load(schema.tables[0], pa.table(rows).to_batches())
    assert not any(value in str(caught.value) for value in ("99999", "Ada"))


def test_a_full_disk_leaves_the_target_as_it_was(make: Maker, tmp_path: Path) -> None:
    source, target = make("sqlite"), make("sqlite")
    source.run("CREATE TABLE t (x text)")
    source.insert("t", [("x" * 1000,)] * 2000)
    target.run("CREATE TABLE precious (x integer)")
    before = sorted(path.name for path in tmp_path.iterdir())
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limit[1]))
    try:
        with pytest.raises(WriteError, match=r"full|space"):
            copy(source, target, clean=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert target.rows("SELECT count(*) FROM precious") == [(0,)]
    assert sorted(path.name for path in tmp_path.iterdir()) == before
