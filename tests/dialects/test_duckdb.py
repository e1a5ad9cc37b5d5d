"""DuckDB as a target: what every source's rows, keys and conditions become there, and what it cannot hold is told."""

import sqlite3
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from dbclone.connection import open_source, open_target
from dbclone.errors import IntegrityError, TargetError, UsageError, WriteError
from dbclone.findings import Finding
from tests.commands import dbclone, small_shop
from tests.dialects.places import DIALECTS, Maker, Place, copy
from tests.dialects.test_conformance import build_keys, build_types, expected_types, load_twice

pytestmark = [pytest.mark.postgres, pytest.mark.mariadb]


@pytest.fixture(params=DIALECTS)
def source(request: pytest.FixtureRequest, make: Maker) -> Place:
    return make(request.param)


@pytest.fixture
def target(make: Maker) -> Place:
    return make("duckdb")


def rows(place: Place, table: str) -> list[dict[str, object]]:
    with place.connect() as connection:
        found: pa.Table = connection.sql(f'SELECT * FROM "{table}" ORDER BY 1').to_arrow_table()
    return found.to_pylist()


def told(findings: tuple[Finding, ...]) -> set[tuple[str, str]]:
    return {(finding.code, finding.subject) for finding in findings}


def test_every_kind_of_value_arrives_as_it_was(source: Place, target: Place) -> None:
    build_types(source)
    assert copy(source, target) == ()
    arrived = rows(target, "every_type")
    for row in (row for row in arrived if row["price"] is not None):
        row["price"], row["uid"] = float(str(row["price"])), str(row["uid"])
    assert arrived == expected_types()
    kinds = dict(target.rows("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'every_type'"))
    assert kinds["price"] == "DECIMAL(12,3)"
    assert kinds["instant"] == "TIMESTAMP WITH TIME ZONE"
    assert (kinds["flag"], kinds["uid"], kinds["doc"], kinds["raw"]) == ("BOOLEAN", "UUID", "JSON", "BLOB")


def test_keys_references_indexes_and_odd_names_are_enforced(source: Place, target: Place) -> None:
    build_keys(source)
    findings = told(copy(source, target))
    where = "public.select" if source.dialect == "postgresql" else "select"
    keys = ("to_order", "to_code") if source.dialect == "mysql" else ("to_order", "to_code", "to_self")
    assert findings == {("action", f"foreign key {key} on {where}") for key in keys} | {
        ("not-copied", f"foreign key to_self on {where}")  # a row refers to itself
    }
    assert len(rows(target, "select")) == 4
    for statement in (
        "INSERT INTO \"Order\" VALUES (1, 1, 'z', NULL)",
        "INSERT INTO \"Order\" VALUES (5, 1, 'x', NULL)",
        "INSERT INTO \"Order\" VALUES (5, 1, 'z', 7)",
        "INSERT INTO \"Order\" VALUES (NULL, 1, 'z', NULL)",
        'INSERT INTO "select" VALUES (9, 9, 9, NULL)',
        "INSERT INTO \"select\" VALUES (9, NULL, NULL, 'zzz')",
    ):
        with pytest.raises(duckdb.ConstraintException):
            target.run(statement)
    assert target.rows("SELECT count(*) FROM duckdb_indexes() WHERE index_name = 'an index'") == [(1,)]


def test_conditions_defaults_generated_columns_and_numbers_work(make: Maker, target: Place) -> None:
    source = make("postgresql")
    source.run(
        "CREATE TYPE mood AS ENUM ('sad', 'it''s fine')",
        "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, low integer CHECK (low > 0),"
        " stars smallint NOT NULL DEFAULT 3, m mood DEFAULT 'sad', free numeric, big numeric(50,10),"
        " high integer, width integer GENERATED ALWAYS AS (high - low) STORED, CHECK (low < high OR high IS NULL))",
        "INSERT INTO t (low, high, free, big) VALUES (1, 4, 1.2345678901, 7), (2, NULL, NULL, NULL)",
    )
    assert {code for code, _ in told(copy(source, target))} == {"precision"}
    target.run("INSERT INTO t (low, high) VALUES (5, 7)")
    assert target.rows("SELECT id, stars, m, width FROM t ORDER BY id") == [
        (1, 3, "sad", 3), (2, 3, "sad", None), (3, 3, "sad", 2),
    ]  # fmt: skip
    assert str(target.rows("SELECT free FROM t WHERE id = 1")[0][0]) == "1.2345678901"
    for values in ("(0, 1, 'sad')", "(2, 2, 'sad')", "(1, 2, 'glad')"):
        with pytest.raises(duckdb.Error):
            target.run(f"INSERT INTO t (low, high, m) VALUES {values}")


def test_trees_are_loaded_by_level_and_what_has_none_is_told(make: Maker, target: Place) -> None:
    source = make("sqlite")
    tree = "(id INTEGER PRIMARY KEY, up INTEGER CONSTRAINT to_parent REFERENCES {} (id), level INTEGER, row INTEGER)"
    source.run(
        "CREATE TABLE tree " + tree.format("tree"),
        "CREATE TABLE loop " + tree.format("loop"),
        "CREATE TABLE arriving (levels INTEGER)",
        "CREATE TABLE levels (arriving INTEGER)",
    )
    source.run("INSERT INTO tree (id, up) VALUES (1, 3), (2, 1), (3, NULL), (4, 2)")
    source.run("INSERT INTO loop (id, up) VALUES (1, 1)")
    assert [(f.code, str(f.table)) for f in copy(source, target)] == [("not-copied", "loop")]
    assert len(rows(target, "tree")) == 4
    with pytest.raises(duckdb.ConstraintException):
        target.run("INSERT INTO tree (id, up) VALUES (5, 9)")
    target.run("INSERT INTO loop (id, up) VALUES (5, 9)")


def test_rows_of_two_trees_wait_for_both_and_a_column_may_be_called_rowid(make: Maker, target: Place) -> None:
    source = make("postgresql")
    source.run(
        "CREATE TABLE tree (rowid integer PRIMARY KEY, up integer REFERENCES tree, near integer REFERENCES tree)",
        # 1 waits for 2, which waits for 3 by the other key.
        "INSERT INTO tree VALUES (3, NULL, NULL), (2, NULL, 3), (1, 2, NULL)",
        "CREATE TABLE leaf (id integer PRIMARY KEY, rowid integer REFERENCES tree)",
        "INSERT INTO leaf VALUES (1, 3)",
    )
    assert copy(source, target) == ()
    assert target.rows("SELECT * FROM tree ORDER BY 1") == [(1, 2, None), (2, None, 3), (3, None, None)]
    assert target.rows("SELECT * FROM leaf") == [(1, 3)]
    for statement in ("INSERT INTO tree VALUES (4, 9, NULL)", "INSERT INTO tree VALUES (4, NULL, 9)"):
        with pytest.raises(duckdb.ConstraintException):
            target.run(statement)


def test_keys_over_generated_columns_are_told(make: Maker, target: Place) -> None:
    source = make("postgresql")
    source.run(
        "CREATE TABLE t (a integer PRIMARY KEY, b integer GENERATED ALWAYS AS (a * 2) STORED CONSTRAINT twice UNIQUE)",
        "CREATE INDEX halves ON t (b, a)",
        "CREATE TABLE u (b integer CONSTRAINT to_twice REFERENCES t (b))",
        "INSERT INTO t VALUES (1)",
        "INSERT INTO u VALUES (2)",
    )
    assert told(copy(source, target)) == {
        ("not-copied", "unique key twice on public.t"), ("not-copied", "index halves on public.t"),
        ("not-copied", "foreign key to_twice on public.u"),
    }  # fmt: skip
    assert target.rows("SELECT * FROM t") == [(1, 2)]


def test_cycles_between_tables_are_loaded_and_told(make: Maker, target: Place) -> None:
    source = make("postgresql")
    source.run(
        "CREATE TABLE a (id integer PRIMARY KEY, b integer)",
        "CREATE TABLE b (id bigint PRIMARY KEY, a bigint REFERENCES a)",
        "ALTER TABLE a ADD CONSTRAINT to_b FOREIGN KEY (b) REFERENCES b",
        "INSERT INTO a VALUES (1, NULL), (2, NULL)",
        "INSERT INTO b VALUES (1, 2)",
        "UPDATE a SET b = 1 WHERE id = 1",
    )
    assert len([finding for finding in copy(source, target) if finding.code == "not-copied"]) == 1
    assert target.rows("SELECT * FROM a ORDER BY 1") == [(1, 1), (2, None)]


def test_a_target_that_holds_anything_is_refused_unless_it_may_be_cleaned(make: Maker, target: Place) -> None:
    source = make("sqlite")
    build_keys(source)
    target.run("CREATE TABLE precious (x integer)", "INSERT INTO precious VALUES (1)")
    with pytest.raises(TargetError, match="not empty"):
        copy(source, target)
    assert target.rows("SELECT x FROM precious") == [(1,)]
    copy(source, target, clean=True)
    assert target.rows("SELECT count(*) FROM duckdb_tables()") == [(2,)]


def test_nothing_remains_of_a_failure(make: Maker, target: Place, tmp_path: Path) -> None:
    source = make("sqlite")
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


@pytest.mark.parametrize("values", [{"small": [99999]}, {"u": ["Ada Lovelace"]}])
def test_a_value_that_does_not_fit_is_named_by_its_column_alone(
    make: Maker, target: Place, values: dict[str, list[object]]
) -> None:
    source = make("postgresql")
    source.run("CREATE TABLE t (small smallint, u uuid)")
    with open_source(source.url) as opened, open_target(target.url) as written:
        schema = opened.reflect()
        written.create(schema, clean=False)
        written.load(schema.tables[0], pa.table(values).to_batches())
        with pytest.raises(WriteError, match=f"column {next(iter(values))}") as caught:
            written.finish(schema)
    assert not any(value in str(caught.value) for value in ("99999", "Ada"))


def test_the_command_writes_duckdb_files_and_says_what_it_does_not_do(tmp_path: Path) -> None:
    shop, url = small_shop(tmp_path / "shop.sqlite"), f"duckdb:///{tmp_path / 'shop.db'}"
    outcome = dbclone("copy", shop, url)
    assert outcome.code == 0, outcome.err
    with duckdb.connect(str(tmp_path / "shop.db")) as connection:
        assert connection.execute("SELECT count(*) FROM customer").fetchone() == (60,)
        assert connection.execute("SELECT count(*) FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'")
    assert dbclone("plan", url).code == UsageError.exit_code
    same = dbclone("copy", shop, f"duckdb:///{shop}", "--clean", "--yes")
    assert (same.code, same.sentence) == (5, "Source and target are the same database: name another target.")
    other = dbclone("copy", shop, tmp_path / "other.duckdb")
    assert other.code == 0
    sqlite_file = tmp_path / "other.sqlite"
    sqlite3.connect(sqlite_file).execute("CREATE TABLE x (y)")
    refused = dbclone("copy", shop, f"duckdb:///{sqlite_file}", "--clean", "--yes")
    assert refused.code == 5
    assert "is not a DuckDB database" in refused.sentence
