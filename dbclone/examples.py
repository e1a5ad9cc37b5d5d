"""The example databases: where their files are, how they are built, and which facts are planted in them."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sqlite3
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, TypeAlias

from dbclone.errors import ConnectionFailed, DbcloneError, TargetError, UsageError

if TYPE_CHECKING:
    import sqlalchemy

Value: TypeAlias = bool | int | float | str | list[str] | dict[str, str | int] | None
Rows: TypeAlias = Mapping[str, Mapping[str, Sequence[Value]]]
"""Tables in load order, each as values per column."""

AFTER_DATA = "-- after the data"
"""Below this line of postgresql.sql statements wait until the rows are in: a cycle cannot be filled before."""

_PACKAGE = "dbclone_schemas"


@dataclass(frozen=True)
class Fact:
    """Something that is true of an example's data by construction, and the number that proves it."""

    id: str
    kind: str
    """Which structure it stands for: 'parent-child', 'running-total', 'tree', …"""
    sentence: str
    sqlite: str
    postgresql: str
    """A query that yields one number, per dialect."""
    expected: float
    tolerance: float
    """How far the source may be from ``expected``, whatever the seed."""
    retained: float
    """How far a clone may be from ``expected`` and still count as having kept the fact."""
    lost: float
    """The number that a clone without the fact would show; for a hard fact NaN."""
    hard: bool
    """An exact rule: the number counts violations and must be 0."""

    def sql(self, dialect: Literal["sqlite", "postgresql"]) -> str:
        """The query for that dialect."""
        return self.sqlite if dialect == "sqlite" else self.postgresql

    def holds_in_source(self, value: float) -> bool:
        """Whether ``value`` is what the generator planted."""
        return abs(value - self.expected) <= self.tolerance

    def holds_in_clone(self, value: float) -> bool:
        """Whether ``value``, measured in a clone, means that the fact was kept."""
        return abs(value - self.expected) <= self.retained


def names() -> tuple[str, ...]:
    """The examples there are, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in _home().glob("*/facts.toml")))


def facts(name: str) -> tuple[Fact, ...]:
    """The facts planted in the example, in the order of its file."""
    entries = tomllib.loads(_file(name, "facts.toml").read_text(encoding="utf-8"))
    return tuple(_fact(identifier, entry) for identifier, entry in entries.items())


def generate(name: str, seed: int = 1, scale: float = 1.0) -> Rows:
    """The rows of the example, tables in load order; UsageError for a bad name or scale."""
    _file(name, "data.py")
    if scale <= 0:
        raise UsageError("The scale of an example must be greater than 0.")
    rows: Rows = _schemas_module(name).generate(seed, scale)
    return rows


def build_sqlite(name: str, path: Path, seed: int = 1, scale: float = 1.0) -> None:
    """Write the example as a new SQLite file; the same seed and scale give the same bytes.

    Raises TargetError if the file is there already, UsageError for a name that is no example.
    """
    ddl, rows = _file(name, "sqlite.sql").read_text(encoding="utf-8"), generate(name, seed, scale)
    if path.exists():
        raise TargetError(f"{path} exists already; name another file or remove it.")
    connection = sqlite3.connect(path)
    try:
        connection.executescript(ddl)
        for table, columns in rows.items():
            marks = ", ".join("?" for _ in columns)
            values = zip(*([_sqlite_value(v) for v in column] for column in columns.values()), strict=True)
            connection.executemany(f"INSERT INTO {_quote(table)} ({_names(columns)}) VALUES ({marks})", values)
        connection.commit()
    finally:
        connection.close()


def build_postgresql(name: str, url: str, seed: int = 1, scale: float = 1.0, extras: bool = False) -> None:
    """Create and fill the example's tables in the database at ``url``, in one transaction.

    ``extras`` adds what a plain clone need not know: triggers, policies, partitions, rules.  Raises ConnectionFailed if
    the server cannot be reached, TargetError if the database refuses the tables, UsageError for a bad name or URL.
    """
    before, _, after = _file(name, "postgresql.sql").read_text(encoding="utf-8").partition(AFTER_DATA)
    rows = generate(name, seed, scale)
    inserts = [(_postgresql_insert(table, columns), _as_json(columns)) for table, columns in rows.items()]
    scripts = [after] + ([_file(name, "postgresql_extras.sql").read_text(encoding="utf-8")] if extras else [])
    _run_postgresql(url, before, inserts, scripts)


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m dbclone.examples NAME URL``: build an example where the URL (or the path of a SQLite file) says."""
    parser = argparse.ArgumentParser(prog="python -m dbclone.examples", description="Build an example database.")
    parser.add_argument("name", choices=names())
    parser.add_argument("url", help="postgresql://…, sqlite:///FILE, or the path of a new SQLite file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument(
        "--extras", action="store_true", help="PostgreSQL only: also triggers, policies, partitions, rules"
    )
    parser.add_argument(
        "--if-empty", action="store_true", help="PostgreSQL only: do nothing where the database has tables already"
    )
    given = parser.parse_args(arguments)
    try:
        if given.if_empty and not _is_empty(given.url):
            sys.stdout.write("The database has tables already: nothing was changed.\n")
            return 0
        if given.url.startswith("postgresql"):
            build_postgresql(given.name, given.url, given.seed, given.scale, given.extras)
        else:
            build_sqlite(given.name, Path(given.url.removeprefix("sqlite:///")), given.seed, given.scale)
    except DbcloneError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{given.name}: ready.\n")
    return 0


def _home() -> Path:
    """Beside the package's modules in an installed wheel, beside the package in a checkout."""
    installed = Path(__file__).parent / "schemas"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "schemas"


def _file(name: str, file: str) -> Path:
    if name not in names():
        raise UsageError(f"There is no example {name!r}; there are {', '.join(names())}.")
    return _home() / name / file


def _schemas_module(name: str) -> ModuleType:
    """``data`` of the example, imported under one package name wherever the files are."""
    if _PACKAGE not in sys.modules:
        home = _home()
        spec = importlib.util.spec_from_file_location(
            _PACKAGE, home / "__init__.py", submodule_search_locations=[str(home)]
        )
        assert spec is not None
        assert spec.loader is not None
        sys.modules[_PACKAGE] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[_PACKAGE])
    return import_module(f"{_PACKAGE}.{name}.data")


def _fact(identifier: str, entry: Mapping[str, str | float | bool]) -> Fact:
    hard, both = bool(entry.get("hard", False)), entry.get("sql", "")
    expected, tolerance, retained, lost = (
        (0.0, 0.0, 0.0, math.nan)
        if hard
        else (float(entry[key]) for key in ("expected", "tolerance", "retained", "lost"))
    )
    return Fact(
        id=identifier, kind=str(entry["kind"]), sentence=str(entry["sentence"]),
        sqlite=str(entry.get("sqlite", both)), postgresql=str(entry.get("postgresql", both)),
        expected=expected, tolerance=tolerance, retained=retained, lost=lost, hard=hard,
    )  # fmt: skip


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _names(columns: Mapping[str, Sequence[Value]]) -> str:
    return ", ".join(_quote(name) for name in columns)


def _sqlite_value(value: Value) -> bool | int | float | str | None:
    """SQLite has no arrays and no JSON type: both are JSON text there."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def _as_json(columns: Mapping[str, Sequence[Value]]) -> str:
    return json.dumps([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])


def _postgresql_insert(table: str, columns: Mapping[str, Sequence[Value]]) -> str:
    """The whole table as one JSON parameter: the server itself turns texts and lists into the columns' types."""
    listed = _names(columns)
    source = f"json_populate_recordset(NULL::{_quote(table)}, CAST(%(rows)s AS json))"
    return f"INSERT INTO {_quote(table)} ({listed}) OVERRIDING SYSTEM VALUE SELECT {listed} FROM {source}"


@contextmanager
def _postgresql(url: str) -> Iterator[sqlalchemy.Connection]:
    """A connection with a transaction that is committed at the end of the block, undone if the block fails."""
    import sqlalchemy as sa

    try:
        engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    except sa.exc.ArgumentError as error:
        raise UsageError(
            "The target is not a valid database URL; write postgresql://USER@HOST:PORT/DATABASE."
        ) from error
    try:
        connection = engine.connect().execution_options(no_parameters=True)
    except sa.exc.OperationalError as error:
        raise ConnectionFailed(f"Cannot connect to {engine.url.render_as_string(hide_password=True)}.") from error
    with connection, connection.begin():
        yield connection


def _is_empty(url: str) -> bool:
    with _postgresql(url) as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")
        return int(found.scalar_one()) == 0


def _run_postgresql(url: str, before: str, inserts: Sequence[tuple[str, str]], scripts: Sequence[str]) -> None:
    from sqlalchemy.exc import DBAPIError

    try:
        with _postgresql(url) as connection:
            connection.exec_driver_sql(before)
            for statement, rows in inserts:
                connection.exec_driver_sql(statement, {"rows": rows})
            for script in scripts:
                connection.exec_driver_sql(script)
    except DBAPIError as error:
        raise TargetError(
            f"The database refused the example ({type(error.orig).__name__}); it must have no table of the same name."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
