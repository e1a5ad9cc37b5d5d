"""``check`` proves every kind of constraint by itself: planted violations are found and counted, in both products."""

from dataclasses import replace
from pathlib import Path

import pytest

from dbclone.checking import check, orphans
from dbclone.connection import open_source
from dbclone.findings import Finding, Severity
from dbclone.schema import Check, ForeignKey, Key, Schema, TableName
from tests.dialects.places import DIALECTS, Maker, Place

pytestmark = pytest.mark.postgres


@pytest.fixture(params=DIALECTS)
def place(request: pytest.FixtureRequest, make: Maker) -> Place:
    """Tables without any constraint, and rows that keep none."""
    made = make(request.param)
    made.run(
        "CREATE TABLE parent (a integer, b integer, code text)", "CREATE TABLE child (id integer, a integer, b integer)"
    )
    made.insert("parent", [(1, 1, "x"), (1, 1, "x"), (1, 2, None), (1, 3, None), (None, 4, "y")])
    made.insert("child", [(1, 1, 1), (2, 1, 9), (3, 9, 1), (4, 9, None), (5, None, None)])
    return made


def named(schema: Schema, name: str) -> TableName:
    return next(table.name for table in schema.tables if table.name.name == name)


def check_with(place: Place, table: str, **constraints: object) -> tuple[Finding, ...]:
    """What ``check`` finds if one table is said to have these constraints."""
    with open_source(place.url) as source:
        schema = source.reflect()
        changed = [replace(t, **constraints) if t.name.name == table else t for t in schema.tables]  # type: ignore[arg-type]
        return check(source, replace(schema, tables=tuple(changed)))


def summary(findings: tuple[Finding, ...]) -> set[tuple[str, tuple[str, ...], int]]:
    assert all(finding.severity is Severity.VIOLATION for finding in findings)
    return {(finding.code, finding.columns, finding.count) for finding in findings}


def test_a_database_without_constraints_violates_none(place: Place) -> None:
    assert check_with(place, "parent") == ()


def test_a_primary_key_is_unique_and_not_null(place: Place) -> None:
    found = check_with(place, "parent", primary_key=Key("pk", ("a", "b")))
    assert summary(found) == {("duplicate-key", ("a", "b"), 1), ("null", ("a",), 1)}


def test_a_unique_key_distinguishes_nulls_unless_told_otherwise(place: Place) -> None:
    assert summary(check_with(place, "parent", uniques=(Key("u", ("code",)),))) == {("duplicate-key", ("code",), 1)}
    if place.dialect == "postgresql":
        same = check_with(place, "parent", uniques=(Key("u", ("code",), nulls_distinct=False),))
        assert summary(same) == {("duplicate-key", ("code",), 2)}


def test_a_composite_reference_counts_only_where_it_is_complete(place: Place) -> None:
    with open_source(place.url) as source:
        parent = named(source.reflect(), "parent")
    key = ForeignKey("fk", ("a", "b"), parent, ("a", "b"))
    assert summary(check_with(place, "child", foreign_keys=(key,))) == {("orphans", ("a", "b"), 2)}


def test_a_required_column_holds_no_null(place: Place) -> None:
    with open_source(place.url) as source:
        columns = tuple(
            replace(c, nullable=False) for c in source.reflect().table(named(source.reflect(), "parent")).columns
        )
    found = check_with(place, "parent", columns=columns)
    assert summary(found) == {("null", ("a",), 1), ("null", ("code",), 2)}


def test_a_check_fails_where_it_is_false_not_where_it_is_unknown(place: Place) -> None:
    found = check_with(place, "child", checks=(Check("small", "a < 5"),))
    assert summary(found) == {("check", (), 2)}
    assert "small" in found[0].message


def test_a_domain_s_condition_holds_for_its_columns(place: Place) -> None:
    with open_source(place.url) as source:
        child = source.reflect().table(named(source.reflect(), "child"))
    domain = replace(child.column("a").type, checks=("VALUE < 5 AND 'VALUE' <> 'x'",))
    columns = tuple(replace(c, type=domain) if c.name == "a" else c for c in child.columns)
    assert summary(check_with(place, "child", columns=columns)) == {("check", ("a",), 2)}


def test_messages_hold_no_values(place: Place) -> None:
    found = check_with(place, "parent", primary_key=Key("pk", ("code",)), uniques=(Key("u", ("a", "b")),))
    assert found
    assert not any("x" in f.message.split() or "'y'" in f.message for f in found)


def test_orphans_of_a_source_are_warnings_with_counts(tmp_path: Path) -> None:
    place = Place("sqlite", str(tmp_path / "o.sqlite"))
    place.run("CREATE TABLE p (id integer PRIMARY KEY)", "CREATE TABLE c (p_id integer REFERENCES p, q integer)")
    with place.connect() as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("INSERT INTO c VALUES (1, 1), (2, 1), (NULL, 1)")
    with open_source(place.url) as source:
        (found,) = orphans(source, source.reflect())
    assert (found.severity, found.code, found.columns, found.count) == (Severity.WARNING, "orphans", ("p_id",), 2)


def test_rows_of_inheriting_tables_do_not_count_for_their_parent(make: Maker) -> None:
    place = make("postgresql")
    place.run("CREATE TABLE base (id integer PRIMARY KEY)", "CREATE TABLE more () INHERITS (base)")
    place.run("INSERT INTO base VALUES (1)", "INSERT INTO more VALUES (1), (1)")
    with open_source(place.url) as source:
        schema = source.reflect()
        assert check(source, schema) == ()
        assert {
            table.name.name: n for table, n in zip(schema.tables, source.row_counts(schema).values(), strict=True)
        } == {
            "base": 1,
            "more": 2,
        }
