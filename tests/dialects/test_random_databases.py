"""Random databases, of every shape and type, travel unchanged between the products."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbclone.schema import TableName
from tests.dialects.places import Place, by_name, copy, read
from tests.random_database import Database, build_mariadb, build_postgres, build_sqlite
from tests.strategies import databases

shared = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=15
)


def unordered(rows: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    """Tables by name, rows in no order: SQLite sorts texts by bytes, PostgreSQL by its collation.

    Whole numbers are told as such: SQLite's decimals without fractions are integers.
    """

    def told(value: object) -> str:
        return repr(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)

    return {name: sorted([told(v) for v in row.values()] for row in table) for name, table in rows.items()}


def travels(source: Place, target: Place) -> None:
    copy(source, target, clean=True)
    assert unordered(by_name(read(target)[1])) == unordered(by_name(read(source)[1]))


@shared
@given(database=databases("sqlite"))
def test_from_sqlite_to_sqlite(tmp_path: Path, database: Database) -> None:
    build_sqlite(database, tmp_path / "a.sqlite")
    travels(Place("sqlite", str(tmp_path / "a.sqlite")), Place("sqlite", str(tmp_path / "b.sqlite")))


@pytest.mark.postgres
@shared
@given(database=databases("sqlite"))
def test_from_sqlite_to_postgresql_and_back(tmp_path: Path, postgres_url: str, database: Database) -> None:
    build_sqlite(database, tmp_path / "a.sqlite")
    source, middle = Place("sqlite", str(tmp_path / "a.sqlite")), Place("postgresql", postgres_url)
    travels(source, middle)
    travels(middle, Place("sqlite", str(tmp_path / "b.sqlite")))


@pytest.mark.postgres
@shared
@given(database=databases("postgresql"), to_sqlite=st.booleans())
def test_from_postgresql(tmp_path: Path, postgres_pair: tuple[str, str], database: Database, to_sqlite: bool) -> None:
    build_postgres(database, postgres_pair[0])
    target = Place("sqlite", str(tmp_path / "b.sqlite")) if to_sqlite else Place("postgresql", postgres_pair[1])
    travels(Place("postgresql", postgres_pair[0]), target)


@pytest.mark.postgres
@pytest.mark.mariadb
@settings(shared, max_examples=5)
@given(data=st.data())
def test_through_mariadb(
    tmp_path: Path, postgres_pair: tuple[str, str], new_mariadb: Callable[[], str], data: st.DataObject
) -> None:
    """From any product into MariaDB, on to another database of it, and from there to any product."""
    first, last = (data.draw(st.sampled_from(("sqlite", "postgresql", "mysql"))) for _ in range(2))
    database = data.draw(databases(first))
    one, other = Place("mysql", new_mariadb()), Place("mysql", new_mariadb())
    if first == "mysql":
        build_mariadb(database, one.url)
    elif first == "sqlite":
        build_sqlite(database, tmp_path / "a.sqlite")
        travels(Place("sqlite", str(tmp_path / "a.sqlite")), one)
    else:
        build_postgres(database, postgres_pair[0])
        travels(Place("postgresql", postgres_pair[0]), one)
    targets = {"sqlite": str(tmp_path / "b.sqlite"), "postgresql": postgres_pair[1], "mysql": other.url}
    travels(one, Place(last, targets[last]))


@settings(shared, max_examples=6)
@given(database=databases("sqlite"))
def test_into_duckdb(tmp_path: Path, database: Database) -> None:
    build_sqlite(database, tmp_path / "a.sqlite")
    source, target = Place("sqlite", str(tmp_path / "a.sqlite")), Place("duckdb", str(tmp_path / "b.duckdb"))
    copy(source, target, clean=True)
    arrived = {TableName("", name): arrow_rows(target, name) for name in table_names(target)}
    assert unordered(by_name(arrived)) == unordered(by_name(read(source)[1]))


def table_names(place: Place) -> list[str]:
    return [name for (name,) in place.rows("SELECT table_name FROM duckdb_tables()")]


def arrow_rows(place: Place, table: str) -> pa.Table:
    """All rows of a DuckDB table."""
    name = table.replace('"', '""')
    with place.connect() as connection:
        found: pa.Table = connection.sql(f'SELECT * FROM "{name}"').to_arrow_table()
    return found


@pytest.fixture
def postgres_pair(new_postgres: Callable[[], str]) -> tuple[str, str]:
    pair = new_postgres(), new_postgres()
    for url in pair:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER DATABASE {} SET synchronous_commit = off".format(url.rsplit("/", 1)[1]))
    return pair
