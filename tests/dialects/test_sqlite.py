"""SQLite's own ways: types that nothing enforces, text forms, statements kept word for word, things left out."""

import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from dbclone.connection import open_source, open_target
from dbclone.schema import Column, Table, TypeFamily
from tests.dialects.places import Place, copy, read


@pytest.fixture
def source(tmp_path: Path) -> Place:
    return Place("sqlite", str(tmp_path / "source.sqlite"))


@pytest.fixture
def target(tmp_path: Path) -> Place:
    return Place("sqlite", str(tmp_path / "target.sqlite"))


def column_of(place: Place, declared: str, *values: object) -> tuple[Column, list[object], list[str]]:
    """A column declared so and holding these: as reflected, as read, and the codes of what was found."""
    place.run(f"CREATE TABLE t (c {declared})")
    place.insert("t", [(value,) for value in values])
    schema, rows, findings = read(place)
    (table,) = schema.tables
    return table.columns[0], rows[table.name].column("c").to_pylist(), [finding.code for finding in findings]


DAY, MOMENT = dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 13, 14, 15)


@pytest.mark.parametrize(
    ("declared", "stored", "family", "value"),
    [
        ("DATE", "2024-02-29", TypeFamily.DATE, DAY),
        ("DATETIME", "2024-02-29", TypeFamily.DATE, DAY),
        ("DATE", "2024-02-29 13:14:15", TypeFamily.TIMESTAMP, MOMENT),
        ("DATETIME", "2024-02-29T13:14:15", TypeFamily.TIMESTAMP, MOMENT),
        ("TIMESTAMP", "2024-02-29 13:14", TypeFamily.TIMESTAMP, MOMENT.replace(second=0)),
        ("TIMESTAMP", "2024-02-29 13:14:15.250", TypeFamily.TIMESTAMP, MOMENT.replace(microsecond=250_000)),
        ("TIMESTAMP", "2024-02-29T13:14:15Z", TypeFamily.TIMESTAMP, MOMENT.replace(tzinfo=dt.UTC)),
        ("TIMESTAMP", "2024-02-29 13:14:15+00:00", TypeFamily.TIMESTAMP, MOMENT.replace(tzinfo=dt.UTC)),
        ("DATETIME", 1709212455, TypeFamily.INTEGER, 1709212455),
        ("DATETIME", 2460370.05, TypeFamily.FLOAT, 2460370.05),
        ("DATE", "29.02.2024", TypeFamily.TEXT, "29.02.2024"),
        ("DATE", "2023-02-29", TypeFamily.TEXT, "2023-02-29"),
        ("BOOLEAN", 1, TypeFamily.BOOLEAN, True),
        ("BOOLEAN", "t", TypeFamily.BOOLEAN, True),
        ("BOOL", "no", TypeFamily.BOOLEAN, False),
        ("BOOLEAN", 7, TypeFamily.INTEGER, 7),
        ("INTEGER", "seven", TypeFamily.TEXT, "seven"),
        ("INTEGER", 7.5, TypeFamily.FLOAT, 7.5),
        ("NUMERIC(10,2)", 9.25, TypeFamily.DECIMAL, 9.25),
        ("DECIMAL", 9, TypeFamily.INTEGER, 9),
        ("REAL", 2, TypeFamily.FLOAT, 2.0),
        ("VARCHAR(3)", "abcdef", TypeFamily.TEXT, "abcdef"),
        ("TEXT", b"\x00\x01", TypeFamily.BYTES, b"\x00\x01"),
        ("BLOB", "text", TypeFamily.TEXT, "text"),
        ("UUID", "not-a-uuid", TypeFamily.TEXT, "not-a-uuid"),
        ("JSON", "{broken", TypeFamily.TEXT, "{broken"),
        ("", 5, TypeFamily.INTEGER, 5),
        ("WHATEVER", "x", TypeFamily.TEXT, "x"),
    ],
)
def test_a_column_is_what_its_values_are_and_goes_back_in_their_form(
    source: Place, target: Place, declared: str, stored: object, family: TypeFamily, value: object
) -> None:
    column, values, _ = column_of(source, declared, stored, None)
    assert (column.type.family, values) == (family, [value, None])
    copy(source, target)
    assert target.rows("SELECT c, typeof(c) FROM t") == source.rows("SELECT c, typeof(c) FROM t")


@pytest.mark.parametrize(
    ("first", "last", "family"),
    [
        ("2024-02-29", "2024-12-31", TypeFamily.DATE),
        ("2024-02-29T10:00", "2024-12-31T23:59", TypeFamily.TIMESTAMP),
        ("2024-02-29", "2024-02-30", TypeFamily.TEXT),
        ("2024-02-29", "2024-12-31 10:00:00", TypeFamily.TEXT),
        ("2024-02-29", "later", TypeFamily.TEXT),
    ],
)
def test_texts_that_are_all_written_as_dates_are_dates(
    source: Place, target: Place, first: str, last: str, family: TypeFamily
) -> None:
    column, _, codes = column_of(source, "VARCHAR(20)", *[first] * 30, last)
    assert column.type.family is family
    assert column.type.sql == "VARCHAR(20)"
    assert codes == ([] if family is TypeFamily.TEXT else ["type-fallback"])
    copy(source, target)
    assert target.rows("SELECT c, typeof(c) FROM t") == source.rows("SELECT c, typeof(c) FROM t")


def test_texts_of_a_key_stay_texts_whatever_they_say(source: Place) -> None:
    days = [f"2024-01-{n:02}" for n in range(1, 31)]
    source.run("CREATE TABLE t (c TEXT PRIMARY KEY)", *(f"INSERT INTO t VALUES ('{day}')" for day in days))
    assert only_table(source).columns[0].type.family is TypeFamily.TEXT


def test_a_few_values_of_another_type_are_read_as_null_and_reported(source: Place) -> None:
    column, values, codes = column_of(source, "DATE", *["2024-02-29"] * 30, "soon", "0000-00-00")
    assert column.type.family is TypeFamily.TEXT  # more than one in twenty
    assert values[-2:] == ["soon", "0000-00-00"]
    assert codes == ["type-fallback"]


def test_one_value_in_a_hundred_is_a_misfit(tmp_path: Path) -> None:
    for number, (declared, good, bad) in enumerate([("DATE", "2024-02-29", "soon"), ("INTEGER", 5, "five")]):
        place = Place("sqlite", str(tmp_path / f"{number}.sqlite"))
        column, values, codes = column_of(place, declared, *[good] * 99, bad)
        assert column.type.family is not TypeFamily.TEXT
        assert values[-1] is None
        assert codes == ["type-fallback"]


def test_a_required_column_never_loses_a_value(source: Place) -> None:
    column, values, _ = column_of(source, "INTEGER NOT NULL", *[5] * 99, "five")
    assert column.type.family is TypeFamily.TEXT
    assert values[-1] == "five"


def test_a_declared_length_that_values_exceed_is_not_promised(source: Place) -> None:
    column, _, codes = column_of(source, "VARCHAR(3)", "abcd")
    assert (column.type.length, codes) == (None, ["length"])


def test_text_that_is_not_utf8_is_read(source: Place) -> None:
    source.run("CREATE TABLE t (c text)", "INSERT INTO t VALUES (CAST(x'4DFC6C6C6572' AS TEXT)), ('ok')")
    assert [row["c"] for row in next(iter(read(source)[1].values())).to_pylist()] == ["M\ufffdller", "ok"]


# --- schema ----------------------------------------------------------------------------------------------------------


def only_table(place: Place) -> Table:
    return next(table for table in read(place)[0].tables if table.name.name == "t")


def test_parents_are_found_whatever_the_case_and_without_named_columns(source: Place) -> None:
    source.run(
        "CREATE TABLE Artist (ArtistId INTEGER PRIMARY KEY)",
        "CREATE TABLE t (a REFERENCES ARTIST, b REFERENCES artist(ARTISTID))",
    )
    keys = only_table(source).foreign_keys
    assert [(k.columns, k.parent.name, k.parent_columns) for k in keys] == [
        (("a",), "Artist", ("ArtistId",)),
        (("b",), "Artist", ("ArtistId",)),
    ]


def test_a_reference_to_nothing_is_reported_and_left_out(source: Place, target: Place) -> None:
    source.run("CREATE TABLE t (id INTEGER PRIMARY KEY, a int REFERENCES gone(x), b int REFERENCES t)")
    _, _, findings = read(source)
    assert [finding.code for finding in findings] == ["dangling-key"]
    copy(source, target)
    target.run("INSERT INTO t VALUES (1, 5, NULL)")
    assert [key.columns for key in only_table(target).foreign_keys] == [("b",)]


def test_keys_are_told_apart_from_rowids(source: Place) -> None:
    source.run(
        "CREATE TABLE alias (id INTEGER PRIMARY KEY)", "CREATE TABLE plain (id INT PRIMARY KEY)",
        "CREATE TABLE without (id INTEGER PRIMARY KEY, x) WITHOUT ROWID",
        "CREATE TABLE two (a INTEGER, b INTEGER, PRIMARY KEY (b, a))",
    )  # fmt: skip
    tables = {table.name.name: table for table in read(source)[0].tables}
    assert {name: table.columns[0].identity for name, table in tables.items()} == {
        "alias": "rowid", "plain": None, "without": None, "two": None,
    }  # fmt: skip
    two = tables["two"].primary_key
    assert two is not None
    assert two.columns == ("b", "a")


def test_unique_indexes_are_keys_only_if_total_and_plain(source: Place) -> None:
    source.run(
        "CREATE TABLE t (a int UNIQUE, b int, c text, CONSTRAINT named UNIQUE (b, c))",
        "CREATE UNIQUE INDEX total ON t (c, a)", "CREATE UNIQUE INDEX partial ON t (b) WHERE a > 1",
        "CREATE UNIQUE INDEX lowered ON t (lower(c))",
    )  # fmt: skip
    table = only_table(source)
    assert {(key.name, key.columns) for key in table.uniques} == {
        ("t_a_key", ("a",)), ("named", ("b", "c")), ("total", ("c", "a")),
    }  # fmt: skip
    assert {index.name for index in table.indexes} == {"total", "partial", "lowered"}


def test_views_triggers_and_indexes_come_word_for_word(source: Place, target: Place) -> None:
    source.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, n text COLLATE NOCASE /* kept */,"
        " log int DEFAULT (1+1))",
        "CREATE INDEX i ON t (lower(n)) WHERE log > 1", "CREATE VIEW v AS SELECT id FROM t",
        "CREATE VIEW w AS SELECT * FROM v",
        "CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET log = 99 WHERE id = new.id; END",
    )  # fmt: skip
    source.insert("t", [(7, "a", 5)])
    copy(source, target)
    sql = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    assert target.rows(sql) == source.rows(sql)
    target.run("INSERT INTO t (n) VALUES ('b')")
    (kept,) = source.rows("SELECT log FROM t WHERE id = 7")
    assert target.rows("SELECT id, log FROM t ORDER BY id") == [(7, *kept), (8, 99)]


def test_virtual_tables_with_what_is_behind_them_are_left_out_and_reported(source: Place) -> None:
    source.run("CREATE TABLE t (x int)")
    try:
        source.run("CREATE VIRTUAL TABLE words USING fts5(body)")
    except sqlite3.OperationalError:
        pytest.skip("this SQLite has no FTS5")
    schema, _, findings = read(source)
    assert [table.name.name for table in schema.tables] == ["t"]
    assert [(finding.code, str(finding.table)) for finding in findings] == [("not-copied", "words")]


def test_a_view_on_a_table_that_is_left_out_is_reported(source: Place, target: Place) -> None:
    source.run("CREATE TABLE t (x int)", "CREATE TABLE gone (x int)", "CREATE VIEW v AS SELECT * FROM gone")
    with open_source(source.url) as opened, open_target(target.url) as written:
        schema = opened.reflect()
        kept = type(schema)("sqlite", tuple(t for t in schema.tables if t.name.name == "t"), epilogue=schema.epilogue)
        written.create(kept, clean=False)
        assert [finding.code for finding in written.finish(kept)] == ["not-copied"]
        written.commit()
    assert target.rows("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%'") == [("t",)]


def test_rows_come_in_the_order_of_their_key(source: Place) -> None:
    source.run("CREATE TABLE t (d DATE, n int, PRIMARY KEY (n, d))")
    source.insert("t", [("2024-01-02", 2), ("2024-01-01", 2), ("2024-01-03", 1)])
    (rows,) = read(source)[1].values()
    assert [(row["n"], row["d"].day) for row in rows.to_pylist()] == [(1, 3), (2, 1), (2, 2)]


def test_a_subset_of_columns_is_read_in_the_order_asked(source: Place) -> None:
    source.run("CREATE TABLE t (a int, b int, c int AS (a + b))")
    source.run("INSERT INTO t (a, b) VALUES (1, 2)")
    with open_source(source.url) as opened:
        table = opened.reflect().tables[0]
        assert opened.read(table).to_pylist() == [{"a": 1, "b": 2}]
        assert opened.read(table, ["b", "a"]).column_names == ["b", "a"]


def test_the_numbers_by_which_applications_know_their_file_are_kept(source: Place, target: Place) -> None:
    source.run("CREATE TABLE t (x int)", "PRAGMA user_version = 42", "PRAGMA application_id = 7")
    copy(source, target)
    assert target.rows("PRAGMA user_version") + target.rows("PRAGMA application_id") == [(42,), (7,)]
