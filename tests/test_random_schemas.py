"""Clones of random databases hold every constraint, whatever the shape of the schema.

That these are judged rightly is tested too: sources satisfy their own constraints, and every shape is among what is
drawn.  ``python -m tests.random_failures`` runs as many more as wished.
"""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from dbclone.cloning import clone
from dbclone.options import CloneOptions
from dbclone.progress import Silent
from dbclone.schema import Table
from tests import mariadb_proofs, proofs, rich_strategies
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

# Every example makes its databases anew: what the fixtures give is only where they go.
reused = settings(suppress_health_check=[*settings.default.suppress_health_check, HealthCheck.function_scoped_fixture])
fewer = settings(reused, max_examples=max(10, settings.default.max_examples // 4))


either = st.booleans()  # whether a schema has more than keys and references


@reused
@given(database=either.flatmap(lambda rich: databases("sqlite", rich=rich)))
def test_generated_sources_satisfy_their_own_constraints_on_sqlite(tmp_path: Path, database: Database) -> None:
    build_sqlite(database, tmp_path / "source.sqlite")
    rows = read_sqlite(database.schema, tmp_path / "source.sqlite")
    assert violations(database.schema, rows) == []
    assert {n: len(r) for n, r in rows.items()} == {n: len(r) for n, r in database.rows.items()}


@fewer
@given(database=either.flatmap(lambda rich: databases("postgresql", rich=rich)))
def test_generated_sources_satisfy_their_own_constraints_on_postgresql(postgres_url: str, database: Database) -> None:
    build_postgres(database, postgres_url)
    rows = read_postgres(database.schema, postgres_url)
    assert violations(database.schema, rows) == []
    assert {n: len(r) for n, r in rows.items()} == {n: len(r) for n, r in database.rows.items()}


def overlap(table: Table) -> bool:
    """Two references share some but not all of their columns."""
    sets = [set(fk.columns) for fk in table.foreign_keys]
    return any(a & b and a != b for i, a in enumerate(sets) for b in sets[:i])


def one_to_one(table: Table) -> bool:
    return table.primary_key is not None and any(fk.columns == table.primary_key.columns for fk in table.foreign_keys)


def in_a_cycle(database: Database) -> bool:
    below = {t.name: {fk.parent for fk in t.foreign_keys} - {t.name} for t in database.schema.tables}
    while leaves := [name for name, parents in below.items() if not parents & below.keys()]:
        for leaf in leaves:
            del below[leaf]
    return bool(below)


def any_table(holds: Callable[[Table], bool]) -> Callable[[Database], bool]:
    """A database in which some table with rows has that shape."""
    return lambda database: any(holds(t) and database.rows[t.name] for t in database.schema.tables)


SHAPES: dict[str, Callable[[Database], bool]] = {
    "self-reference": any_table(lambda t: any(fk.parent == t.name for fk in t.foreign_keys)),
    "composite reference": any_table(lambda t: any(len(fk.columns) > 1 for fk in t.foreign_keys)),
    "overlapping references": any_table(overlap),
    "one to one": any_table(one_to_one),
    "reference to a UNIQUE key": lambda d: any(
        fk.parent_columns in {u.columns for u in d.schema.table(fk.parent).uniques} and d.rows[t.name]
        for t in d.schema.tables for fk in t.foreign_keys
    ),
    "no primary key": any_table(lambda t: t.primary_key is None),
    "cycle": in_a_cycle,
    "empty table": lambda d: any(not rows for rows in d.rows.values()),
    "column of NULLs": lambda d: any(
        len(d.rows[t.name]) > 1 and all(r[c.name] is None for r in d.rows[t.name])
        for t in d.schema.tables for c in t.columns
    ),
    "twelve tables": lambda d: len(d.schema.tables) == 12,
}  # fmt: skip


RICH: dict[str, Callable[[Database], bool]] = {
    "check": any_table(lambda t: bool(t.checks)),
    "domain": any_table(lambda t: any(c.type in rich_strategies.DOMAIN_KINDS for c in t.columns)),
    "generated column": any_table(lambda t: any(c.generated for c in t.columns)),
    "unique generated column": any_table(lambda t: any({*i.columns} & _computed(t) for i in t.indexes)),
    "unique among some rows": any_table(lambda t: any(" WHERE " in i.ddl for i in t.indexes)),
    "unique but for case": any_table(lambda t: any("lower(" in i.ddl for i in t.indexes)),
    "deferrable key": any_table(lambda t: any("DEFERRABLE" in key.definition for key in t.uniques)),
    "key with NULL as a value": any_table(lambda t: any(not key.nulls_distinct for key in t.uniques)),
    "exclusion of overlaps": any_table(lambda t: any("&&" in c.sql for c in t.completions)),
    "exclusion of equal values": any_table(lambda t: any("btree" in c.sql for c in t.completions)),
    "partitions by range": any_table(lambda t: "RANGE" in t.suffix),
    "partitions by list": any_table(lambda t: "LIST" in t.suffix),
    "partitions by hash": any_table(lambda t: "HASH" in t.suffix),
    "unique within a partition": any_table(lambda t: any(part.kind == "index" for part in t.attachments)),
    "condition of a partition": any_table(lambda t: any(part.kind == "check" for part in t.attachments)),
    "partitions of partitions": any_table(lambda t: any("PARTITION BY" in part.sql for part in t.attachments)),
    "reference to a partitioned table": lambda d: any(
        d.schema.table(fk.parent).suffix and d.rows[t.name] for t in d.schema.tables for fk in t.foreign_keys
    ),
}  # fmt: skip


def _computed(table: Table) -> set[str]:
    return {column.name for column in table.columns if column.generated}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_among_what_is_drawn(shape: str) -> None:
    found = find(databases("sqlite"), SHAPES[shape], settings=settings(max_examples=3_000, phases=[Phase.generate]))
    assert violations(found.schema, found.rows) == []


RICH_IN_MARIADB: dict[str, Callable[[Database], bool]] = {
    "check": RICH["check"],
    "set": any_table(lambda t: any(c.type.sql.startswith("set(") for c in t.columns)),
    "generated column": RICH["generated column"],
    "unique generated column": RICH["unique generated column"],
    "unique in the beginning": any_table(lambda t: any("(8)" in i.ddl for i in t.indexes)),
    "unique but for case": any_table(
        lambda t: any("COLLATE" in t.column(c).type.sql for key in t.uniques for c in key.columns)
    ),
    "partitions": any_table(lambda t: "PARTITION" in t.suffix),
}


@pytest.mark.parametrize("shape", RICH_IN_MARIADB)
def test_every_shape_is_among_the_rich_ones_of_mariadb(shape: str) -> None:
    found = find(
        databases("mysql", rich=True),
        RICH_IN_MARIADB[shape],
        settings=settings(max_examples=3_000, phases=[Phase.generate]),
    )
    assert violations(found.schema, found.rows) == []


@pytest.mark.parametrize("shape", RICH)
def test_every_shape_is_among_the_rich_ones(shape: str) -> None:
    found = find(
        databases("postgresql", rich=True), RICH[shape], settings=settings(max_examples=3_000, phases=[Phase.generate])
    )
    assert violations(found.schema, found.rows) == []


@reused
@given(database=either.flatmap(lambda rich: databases("sqlite", rich=rich)))
def test_clones_hold_every_constraint_on_sqlite(tmp_path: Path, database: Database) -> None:
    source, target = tmp_path / "source.sqlite", tmp_path / "target.sqlite"
    build_sqlite(database, source)
    target.unlink(missing_ok=True)
    clone(f"sqlite:///{source}", f"sqlite:///{target}", CloneOptions(), Silent())
    rows = read_sqlite(database.schema, target)
    assert violations(database.schema, rows) == []
    assert strange_sizes(database, rows) == []
    assert sqlite_shape(target) == sqlite_shape(source)


@pytest.fixture
def postgres_pair(new_postgres: Callable[[], str]) -> tuple[str, str]:
    return new_postgres(), new_postgres()


@reused
@given(database=either.flatmap(lambda rich: databases("postgresql", rich=rich)))
def test_clones_hold_every_constraint_on_postgresql(postgres_pair: tuple[str, str], database: Database) -> None:
    source, target = postgres_pair
    build_postgres(database, source)
    clone(source, target, CloneOptions(clean=True), Silent())
    rows = read_postgres(database.schema, target)
    assert violations(database.schema, rows) == []
    with psycopg.connect(target) as connection:
        assert proofs.violations(connection) == []
    assert strange_sizes(database, rows) == []
    assert postgres_shape(target) == postgres_shape(source)


@pytest.fixture
def mariadb_pair(new_mariadb: Callable[[], str]) -> tuple[str, str]:
    return new_mariadb(), new_mariadb()


@pytest.mark.mariadb
@fewer
@given(database=either.flatmap(lambda rich: databases("mysql", rich=rich)))
def test_clones_hold_every_constraint_on_mariadb(mariadb_pair: tuple[str, str], database: Database) -> None:
    source, target = mariadb_pair
    build_mariadb(database, source)
    assert violations(database.schema, read_mariadb(database.schema, source)) == []
    clone(source, target, CloneOptions(clean=True), Silent())
    rows = read_mariadb(database.schema, target)
    assert violations(database.schema, rows) == []
    assert mariadb_proofs.violations(target) == []
    assert strange_sizes(database, rows) == []
    assert mariadb_shape(target) == mariadb_shape(source)
