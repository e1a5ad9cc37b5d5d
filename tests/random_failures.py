"""Clone many random databases and list each kind of failure once, with its smallest example.

    python -m tests.random_failures sqlite 2000 --seed 1 --tables 6

Hypothesis stops at the first failure and shrinks it; this goes on, so that one run shows all that is broken.
"""

import argparse
import contextlib
import itertools
import os
import re
import tempfile
import traceback
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from hypothesis import HealthCheck, Phase, given, seed, settings

from dbclone.cloning import clone
from dbclone.options import CloneOptions
from dbclone.progress import Silent
from tests import mariadb_proofs, mariadb_server, postgres_server, proofs
from tests.random_database import (
    Database,
    build_mariadb,
    build_postgres,
    build_sqlite,
    mariadb_shape,
    postgres_shape,
    read_mariadb,
    read_postgres,
    read_sqlite,
    sqlite_shape,
    strange_sizes,
    violations,
)
from tests.strategies import databases

Cloner = Callable[[Database], list[str]]


def clone_on_sqlite(folder: Path, database: Database) -> list[str]:
    """Build, clone, and say what is wrong with the clone."""
    source, target = folder / "source.sqlite", folder / "target.sqlite"
    build_sqlite(database, source)
    target.unlink(missing_ok=True)
    clone(f"sqlite:///{source}", f"sqlite:///{target}", CloneOptions(), Silent())
    rows = read_sqlite(database.schema, target)
    lost = _differences(sqlite_shape(source), sqlite_shape(target))
    return violations(database.schema, rows) + strange_sizes(database, rows) + lost


def clone_on_postgres(source: str, target: str, database: Database) -> list[str]:
    """The same between two PostgreSQL databases."""
    build_postgres(database, source)
    clone(source, target, CloneOptions(clean=True), Silent())
    rows = read_postgres(database.schema, target)
    lost = _differences(postgres_shape(source), postgres_shape(target))
    with psycopg.connect(target) as connection:
        broken = proofs.violations(connection)
    return violations(database.schema, rows) + broken + strange_sizes(database, rows) + lost


def clone_on_mariadb(source: str, target: str, database: Database) -> list[str]:
    """The same between two MariaDB databases."""
    build_mariadb(database, source)
    clone(source, target, CloneOptions(clean=True), Silent())
    rows = read_mariadb(database.schema, target)
    lost = _differences(mariadb_shape(source), mariadb_shape(target))
    broken = violations(database.schema, rows) + mariadb_proofs.violations(target)
    return broken + strange_sizes(database, rows) + lost


def _differences(source: list[tuple[str, str]], target: list[tuple[str, str]]) -> list[str]:
    only = set(source) ^ set(target)
    return [f"{sorted(only)}: schemas differ"] if only else []


@contextlib.contextmanager
def cloner(dialect: str) -> Iterator[Cloner]:
    """What clones a database of the dialect; its scratch databases are gone afterwards."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if dialect == "sqlite":
            yield lambda database: clone_on_sqlite(folder, database)
            return
        if dialect == "mysql":
            yield stack.enter_context(_mariadb_cloner())
            return
        server = stack.enter_context(postgres_server.server())
        if server is None:
            raise SystemExit("no PostgreSQL server")
        admin = stack.enter_context(psycopg.connect(server, autocommit=True))
        names = [f"random_failures_{admin.info.backend_pid}_{end}" for end in ("source", "target")]
        for name in names:
            admin.execute(f"CREATE DATABASE {name}")
            stack.callback(admin.execute, f"DROP DATABASE {name} WITH (FORCE)")
        source, target = (postgres_server.with_database(server, name) for name in names)
        yield lambda database: clone_on_postgres(source, target, database)


@contextlib.contextmanager
def _mariadb_cloner() -> Iterator[Cloner]:
    server = mariadb_server.server_url()
    if server is None:
        raise SystemExit("no MariaDB server")
    names = [f"random_failures_{os.getpid()}_{end}" for end in ("source", "target")]
    source, target = (mariadb_server.with_database(server, name) for name in names)
    mariadb_server.run(server, *(f"CREATE DATABASE {name} COLLATE utf8mb4_nopad_bin" for name in names))
    try:
        yield lambda database: clone_on_mariadb(source, target, database)
    finally:
        mariadb_server.run(server, *(f"DROP DATABASE IF EXISTS {name}" for name in names))


def kind_of(error: Exception) -> str:
    """The class of an error and where in dbclone it was raised."""
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "dbclone/" in f.filename]
    return f"{type(error).__name__} in " + " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in ours[:-4:-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dialect", choices=("sqlite", "postgresql", "mysql"))
    parser.add_argument("examples", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tables", type=int, default=12)
    parser.add_argument("--plain", action="store_true", help="keys and references only")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    failures: dict[str, list[tuple[str, str]]] = defaultdict(list)
    seen = itertools.count(1)

    def failed(number: int, kind: str, message: str, database: Database) -> None:
        failures[kind].append((message, repr(database)))
        print(f"example {number}: {kind}", flush=True)

    with cloner(asked.dialect) as attempt:

        @seed(asked.seed)
        @settings(
            max_examples=asked.examples, phases=[Phase.generate], database=None, deadline=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(databases(asked.dialect, asked.tables, rich=not asked.plain))
        def run(database: Database) -> None:
            number = next(seen)
            try:
                for wrong in attempt(database):
                    failed(number, re.sub(r"\d+", "", wrong.rsplit(":", 1)[-1]), wrong, database)
            except Exception as error:
                failed(number, kind_of(error), str(error), database)

        run()
    for kind, found in sorted(failures.items(), key=lambda item: -len(item[1])):
        message, example = min(found, key=lambda one: len(one[1]))
        print(f"\n=== {len(found)} × {kind}\n{message[:300]}\n{example}")
    print()
    for kind, found in sorted(failures.items(), key=lambda item: -len(item[1])):
        print(f"{len(found)} × {kind}")
    print(f"{asked.examples} examples, {sum(map(len, failures.values()))} failures of {len(failures)} kinds")


if __name__ == "__main__":
    main()
