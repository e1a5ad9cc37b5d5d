"""Clones of random databases hold every constraint, whatever the shape of the schema."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from dbclone.cloning import clone
from dbclone.options import CloneOptions
from dbclone.progress import Silent
from dbclone.schema import Table
from tests.random_database import (
    Database,
    build_postgres,
    build_sqlite,
    constraint_counts,
    read_postgres,
    read_sqlite,
    strange_sizes,
    violations,
)
from tests.strategies import databases

# Every example makes its databases anew: what the fixtures give is only where they go.
reused = settings(suppress_health_check=[*settings.default.suppress_health_check, HealthCheck.function_scoped_fixture])
fewer = settings(reused, max_examples=max(10, settings.default.max_examples // 4))


@reused
@given(database=databases("sqlite"))
def test_generated_sources_satisfy_their_own_constraints_on_sqlite(tmp_path: Path, database: Database) -> None:
    build_sqlite(database, tmp_path / "source.sqlite")
    rows = read_sqlite(database.schema, tmp_path / "source.sqlite")
    assert violations(database.schema, rows) == []
    assert {n: len(r) for n, r in rows.items()} == {n: len(r) for n, r in database.rows.items()}


@fewer
@given(database=databases("postgresql"))
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


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_among_what_is_drawn(shape: str) -> None:
    found = find(databases("sqlite"), SHAPES[shape], settings=settings(max_examples=3_000, phases=[Phase.generate]))
    assert violations(found.schema, found.rows) == []


@reused
@given(database=databases("sqlite"))
def test_clones_hold_every_constraint_on_sqlite(tmp_path: Path, database: Database) -> None:
    source, target = tmp_path / "source.sqlite", tmp_path / "target.sqlite"
    build_sqlite(database, source)
    target.unlink(missing_ok=True)
    clone(f"sqlite:///{source}", f"sqlite:///{target}", CloneOptions(), Silent())
    rows = read_sqlite(database.schema, target)
    assert violations(database.schema, rows) == []
    assert strange_sizes(database, rows) == []


@pytest.fixture
def postgres_pair(new_postgres: Callable[[], str]) -> tuple[str, str]:
    return new_postgres(), new_postgres()


@fewer
@given(database=databases("postgresql"))
def test_clones_hold_every_constraint_on_postgresql(postgres_pair: tuple[str, str], database: Database) -> None:
    source, target = postgres_pair
    build_postgres(database, source)
    clone(source, target, CloneOptions(clean=True), Silent())
    rows = read_postgres(database.schema, target)
    assert violations(database.schema, rows) == []
    assert strange_sizes(database, rows) == []
    assert constraint_counts(target) == constraint_counts(source)
