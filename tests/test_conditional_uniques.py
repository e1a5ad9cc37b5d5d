"""Unique indexes over some rows or over expressions, and ranges that must not overlap, hold in a clone."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from dbclone.conditions.ranges import moved_apart, parse, unclear_exclusions
from dbclone.conditions.uniques import repeating, unclear_indexes, unique_indexes_of
from dbclone.schema import Column, Exclusion, Index, SqlType, Table, TableName, TypeFamily
from tests.commands import dbclone
from tests.dialects.places import Place

INTEGER = SqlType(TypeFamily.INTEGER, "integer", precision=32)
TEXT = SqlType(TypeFamily.TEXT, "text")


def table(*indexes: Index, exclusions: tuple[Exclusion, ...] = (), range_type: str = "int4range") -> Table:
    columns = (
        Column("a", INTEGER),
        Column("t", TEXT),
        Column("r", SqlType(TypeFamily.OPAQUE, range_type)),
    )
    return Table(TableName("public", "x"), columns, indexes=indexes, exclusions=exclusions)


def unique(*items: str, condition: str = "", nulls_distinct: bool = True) -> Index:
    return Index("i", (), True, "", items, condition, nulls_distinct)


ROWS = {"a": pa.array([1, 1, 1, None, None]), "t": pa.array(["x", "X", "y", "x", "x"])}


@pytest.mark.parametrize(
    ("index", "again"),
    [
        (unique("a", condition="t = 'x'"), []),
        (unique("a", condition="a = 1"), [1, 2]),
        (unique("lower(t)"), [1, 3, 4]),
        (unique("a", "lower(t)"), [1]),
        (unique("a", "lower(t)", nulls_distinct=False), [1, 4]),
    ],
)
def test_rows_that_repeat_are_found(index: Index, again: list[int]) -> None:
    (found,) = unique_indexes_of(table(index), "postgresql")
    assert repeating(found, ROWS, 5).tolist() == again


def test_an_index_that_is_not_understood_is_told() -> None:
    odd = table(unique("mystery(a)"))
    assert unique_indexes_of(odd, "postgresql") == ()
    assert [finding.code for finding in unclear_indexes(odd, "postgresql")] == ["unclear-index"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int4range", "[1,5)"),
        ("numrange", "[1.5,2.25)"),
        ("daterange", "[2024-01-01,2024-02-01)"),
        ("tsrange", '["2024-01-01 08:00:00","2024-01-01 09:30:00")'),
    ],
)
def test_a_range_is_read_and_printed_alike(kind: str, text: str) -> None:
    assert str(parse(text, kind)) == text


@pytest.mark.parametrize("text", ["empty", "[1,)", "(,5)", "[5,1)", "{[1,2)}"])
def test_other_ranges_are_not_understood(text: str) -> None:
    assert parse(text, "int4range") is None


def test_ranges_of_equal_rows_are_moved_apart() -> None:
    apart = table(exclusions=(Exclusion("e", (("a", "="), ("r", "&&"))),))
    columns = {
        "a": pa.array([1, 1, 2, 1, None]),
        "r": pa.array(["[0,10)", "[5,8)", "[5,8)", "[30,31)", "[0,9)"]),
    }
    moved = moved_apart(apart, columns, "postgresql")
    assert moved["r"].to_pylist() == ["[0,10)", "[10,13)", "[5,8)", "[30,31)", "[0,9)"]


def test_an_exclusion_that_is_not_understood_is_told() -> None:
    odd = table(exclusions=(Exclusion("e", (("r", "-|-"),)),))
    assert [finding.code for finding in unclear_exclusions(odd, "postgresql")] == ["unclear-exclusion"]


def test_they_hold_in_a_clone(new_postgres: Callable[[], str]) -> None:
    source, target = (Place("postgresql", new_postgres()) for _ in range(2))
    source.run(
        "CREATE TABLE room (id integer PRIMARY KEY)",
        "CREATE TABLE booking (id integer PRIMARY KEY, room_id integer NOT NULL REFERENCES room, guest text NOT NULL,"
        " state text NOT NULL, during int4range NOT NULL, EXCLUDE USING gist (during WITH &&))",
        "CREATE UNIQUE INDEX one_open ON booking (room_id) WHERE state = 'open'",
        "CREATE UNIQUE INDEX once_a_day ON booking (lower(during), room_id)",
        "INSERT INTO room SELECT generate_series(1, 40)",
        "INSERT INTO booking SELECT n, n % 40 + 1, 'guest ' || n % 9, CASE WHEN n <= 40 THEN 'open' ELSE 'done' END,"
        " int4range(n * 10, n * 10 + 1 + n % 9) FROM generate_series(1, 200) AS n",
    )
    outcome = dbclone("copy", "--json", source.url, target.url)
    assert outcome.code == 0, outcome.err
    kept = "SELECT count(*) FROM pg_class WHERE relname IN ('one_open', 'once_a_day', 'booking_during_excl')"
    assert target.rows(kept) == [(3,)]
    assert target.rows("SELECT count(*) > 100 FROM booking") == [(True,)]
