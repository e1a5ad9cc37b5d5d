"""Real databases travel from product to product, and every one of their rows and constraints with them."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dbclone.findings import Finding, Severity
from tests.dialects.places import Place, by_name, copy, read
from tests.real_data import SQLITE_SETS

pytestmark = pytest.mark.real_data


CATALOGUE = (
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2""",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
    """SELECT table_name, column_name, ordinal_position, column_default, is_nullable, domain_name, udt_name
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 3""",
    "SELECT inhrelid::regclass::text, inhparent::regclass::text FROM pg_inherits ORDER BY 1, 2",
    "SELECT enumlabel FROM pg_enum ORDER BY enumsortorder",
)


def same_rows(one: Place, other: Place) -> None:
    mine, theirs = by_name(read(one)[1]), by_name(read(other)[1])
    assert mine.keys() == theirs.keys()
    for name, rows in mine.items():
        assert rows == theirs[name], name


def serious(findings: Iterable[Finding]) -> list[Finding]:
    """All but notes, such as that texts are dates."""
    return [finding for finding in findings if finding.severity is not Severity.NOTE]


@pytest.mark.parametrize("name", SQLITE_SETS)
def test_a_sqlite_database_is_copied_byte_for_byte(
    name: str, real_sqlite: Callable[[str], Path], tmp_path: Path
) -> None:
    source, target = Place("sqlite", str(real_sqlite(name))), Place("sqlite", str(tmp_path / "copy.sqlite"))
    assert serious(copy(source, target)) == []
    tables = [
        table
        for (table,) in source.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    ]
    for table in tables:
        everything = f'SELECT * FROM "{table}"'
        assert sorted(target.rows(everything), key=repr) == sorted(source.rows(everything), key=repr)
    sql = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
    assert target.rows(sql) == source.rows(sql)


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["chinook", "biodegradability", "synthea27nj", "movielens100k"])
def test_a_sqlite_database_goes_through_postgresql_and_back(
    name: str, real_sqlite: Callable[[str], Path], new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    source = Place("sqlite", str(real_sqlite(name)))
    first, second = Place("postgresql", new_postgres()), Place("postgresql", new_postgres())
    back = Place("sqlite", str(tmp_path / "back.sqlite"))
    assert serious(copy(source, first)) == []
    assert copy(first, second) == ()
    assert serious(copy(second, back)) == []
    same_rows(source, back)


@pytest.mark.postgres
def test_sakila_is_copied_with_its_views_types_sequences_and_inheritance(
    sakila_url: str, new_postgres: Callable[[], str]
) -> None:
    source, target = Place("postgresql", sakila_url), Place("postgresql", new_postgres())
    assert copy(source, target) == ()
    same_rows(source, target)
    for question in CATALOGUE:
        assert target.rows(question) == source.rows(question)
    free = source.rows("SELECT max(rental_id) + 1 FROM rental")
    assert target.rows("SELECT nextval('rental_rental_id_seq')") == free


@pytest.mark.postgres
def test_sakila_goes_to_sqlite(sakila_url: str, tmp_path: Path) -> None:
    source, target = Place("postgresql", sakila_url), Place("sqlite", str(tmp_path / "sakila.sqlite"))
    findings = copy(source, target)
    assert {finding.code for finding in findings} == {"default", "not-copied", "inheritance"}
    same_rows(source, target)
    assert target.rows("PRAGMA foreign_key_check") == []
    assert target.rows("PRAGMA integrity_check") == [("ok",)]
