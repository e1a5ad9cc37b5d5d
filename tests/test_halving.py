"""A database is split by the rows of one table, and everything follows the row that it hangs from."""

from pathlib import Path

import pytest

from dbclone.dialects.sqlite_source import SqliteSource
from dbclone.halving import Halves, halve
from dbclone.schema import Schema
from tests import hand_made
from tests.hand_made import name

SQL = """
CREATE TABLE genre (id INTEGER PRIMARY KEY, label TEXT);
CREATE TABLE person (id INTEGER PRIMARY KEY, boss_id INTEGER REFERENCES person (id));
CREATE TABLE book (
  id INTEGER PRIMARY KEY, owner_id INTEGER REFERENCES person (id), genre_id INTEGER REFERENCES genre (id)
);
CREATE TABLE page (id INTEGER PRIMARY KEY, book_id INTEGER NOT NULL REFERENCES book (id));
CREATE TABLE loan (lender INTEGER NOT NULL REFERENCES person (id), borrower INTEGER NOT NULL REFERENCES person (id));
"""
ROWS = {
    "genre": [(i, f"g{i}") for i in range(3)],
    "person": [(i, (i + 1) % 100) for i in range(100)],
    "book": [(i, i // 2 if i < 200 else None, i % 3) for i in range(210)],
    "page": [(i, i // 3) for i in range(630)],
    "loan": [(i % 100, i * 7 % 100) for i in range(400)],
}


@pytest.fixture
def library(tmp_path: Path) -> tuple[Schema, Halves]:
    source = SqliteSource(hand_made.build(tmp_path / "library.sqlite", SQL, ROWS))
    try:
        schema = source.reflect()
        tables = {t.name: source.read(t) for t in schema.tables}
    finally:
        source.close()
    return schema, halve(schema, tables, name("person"), seed=3)


def ids(half: object, table: str, column: str = "id") -> list[int]:
    return half[name(table)].column(column).to_pylist()  # type: ignore[index]


def test_the_unit_is_split_in_two(library: tuple[Schema, Halves]) -> None:
    halves = library[1]
    first, second = ids(halves.first, "person"), ids(halves.second, "person")
    assert len(first) == len(second) == 50
    assert sorted(first + second) == list(range(100))
    assert halves.split == {name(t) for t in ("person", "book", "page", "loan")}


def test_what_hangs_from_a_row_goes_with_it(library: tuple[Schema, Halves]) -> None:
    for half in (library[1].first, library[1].second):
        people = set(ids(half, "person"))
        owned = {i for i in ids(half, "book") if i < 200}
        assert owned == {i for i in range(200) if i // 2 in people}
        assert set(ids(half, "page")) == {i for i in range(630) if i // 3 in set(ids(half, "book"))}


def test_rows_that_hang_from_nobody_stay_in_both(library: tuple[Schema, Halves]) -> None:
    for half in (library[1].first, library[1].second):
        assert set(range(200, 210)) <= set(ids(half, "book"))
        assert ids(half, "genre") == [0, 1, 2]


def test_rows_between_the_halves_are_in_neither(library: tuple[Schema, Halves]) -> None:
    kept = 0
    for half in (library[1].first, library[1].second):
        people = set(ids(half, "person"))
        pairs = list(zip(ids(half, "loan", "lender"), ids(half, "loan", "borrower"), strict=True))
        assert all(set(pair) <= people for pair in pairs)
        kept += len(pairs)
    assert 0 < kept < 400
