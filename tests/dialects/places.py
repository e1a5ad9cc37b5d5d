"""Databases of every product as tests see them: SQL in, rows out, nothing of dbclone's between; and a plain copy."""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa

from dbclone.checking import check
from dbclone.connection import open_source, open_target, refuse_same
from dbclone.findings import Finding
from dbclone.schema import Schema, TableName
from tests import mariadb_server

DIALECTS = ("sqlite", "postgresql", "mysql")
"""Those that are read and written; DuckDB is only written."""
PAIRS = tuple((source, target) for source in DIALECTS for target in DIALECTS)


@dataclass(frozen=True)
class Place:
    """One database."""

    dialect: str
    url: str

    @contextlib.contextmanager
    def connect(self) -> Iterator[Any]:
        if self.dialect == "sqlite":
            with contextlib.closing(sqlite3.connect(self.url, isolation_level=None)) as connection:
                connection.execute("PRAGMA foreign_keys = ON")
                yield connection
        elif self.dialect == "mysql":
            with contextlib.closing(_Mariadb(self.url)) as connection:
                yield connection
        elif self.dialect == "duckdb":
            with contextlib.closing(duckdb.connect(self.url)) as connection:
                yield connection
        else:
            with psycopg.connect(self.url, autocommit=True) as connection:
                yield connection

    def run(self, *statements: str) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def insert(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        mark = "?" if self.dialect == "sqlite" else "%s"
        name = table.replace('"', '""').replace("%", "%" if mark == "?" else "%%")
        with self.connect() as connection, contextlib.closing(connection.cursor()) as cursor:
            if self.dialect == "mysql":
                rows = [[_without_zone(value) for value in row] for row in rows]
            cursor.executemany(f'INSERT INTO "{name}" VALUES ({", ".join([mark] * len(rows[0]))})', rows)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return list(connection.execute(sql).fetchall())


class _Mariadb:
    """A session that is used as those of the other products are."""

    def __init__(self, url: str) -> None:
        self._connection = mariadb_server.connect(url)
        self.cursor, self.close = self._connection.cursor, self._connection.close

    def execute(self, sql: str) -> Any:
        cursor = self._connection.cursor()
        cursor.execute(sql)
        return cursor


def _without_zone(value: object) -> object:
    """MariaDB takes no time with a zone."""
    return re.sub(r"(?<=:\d\d)\+00:00$", "", value) if isinstance(value, str) else value


Maker = Callable[[str], Place]


def maker(folder: Path, servers: Callable[[str], Callable[[], str]]) -> Maker:
    """Makes empty databases by dialect; ``servers`` gives what makes those of a server."""
    numbers = iter(range(100))

    def make(dialect: str) -> Place:
        if dialect in ("sqlite", "duckdb"):
            return Place(dialect, str(folder / f"db{next(numbers)}.{dialect}"))
        return Place(dialect, servers(dialect)())

    return make


def read(place: Place) -> tuple[Schema, dict[TableName, pa.Table], tuple[Finding, ...]]:
    with open_source(place.url) as source:
        schema = source.reflect()
        return schema, {table.name: source.read(table) for table in schema.tables}, source.findings


def copy(source: Place, target: Place, clean: bool = False) -> tuple[Finding, ...]:
    """The very rows of the source into the target, proved there; what was found on the way."""
    with open_source(source.url) as opened, open_target(target.url) as written:
        refuse_same(opened, written)
        schema = opened.reflect()
        findings = written.create(schema, clean)
        for table in schema.tables:
            rows = opened.read(table)
            assert written.load(table, rows.to_batches(max_chunksize=1000)) == len(rows)
        findings += written.finish(schema)
        assert check(written, schema) == ()
        written.commit()
        return findings + opened.findings


def by_name(tables: dict[TableName, pa.Table]) -> dict[str, list[dict[str, object]]]:
    """Rows as plain values by bare table name, decimals as floats since SQLite has no others."""
    return {name.name: [_plain(row) for row in table.to_pylist()] for name, table in tables.items()}


def _plain(row: dict[str, object]) -> dict[str, object]:
    return {name: float(v) if type(v).__name__ == "Decimal" else v for name, v in row.items()}  # type: ignore[arg-type]
