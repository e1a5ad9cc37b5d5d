"""A database in two halves: the rows of one table at random, each with all that hangs from it along foreign keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dbclone.graph import Reference, descendants, references
from dbclone.matching import parent_rows
from dbclone.schema import Schema, TableName

Tables = Mapping[TableName, pa.Table]
"""The rows of every table of a database."""
Sides = npt.NDArray[np.int8]

BOTH = 2
"""A row that hangs from no entity: it stands in both halves."""
NEITHER = -1
"""A row that hangs from entities of both halves: it stands in none."""


@dataclass(frozen=True)
class Halves:
    """Tables that hang from no entity stand whole in both halves.

    Keys of the entities themselves (to each other, or back down in a cycle) may lead into the other half: such a
    reference is an orphan in its half and counts as NULL.
    """

    first: Tables
    second: Tables
    split: frozenset[TableName]
    """The table that was split, and those that hang from it."""


def halve(schema: Schema, tables: Tables, unit: TableName, seed: int) -> Halves:
    """Split the rows of ``unit`` in two random halves of equal size (but for one row), and all that hangs from them.

    A row with several parents that were split stays only if all of them are in the same half.
    """
    split = descendants(schema, unit) | {unit}
    sides = _sides(schema, tables, unit, split, seed)
    first, second = ({n: _part(t, sides.get(n), half) for n, t in tables.items()} for half in (0, 1))
    return Halves(first, second, split)


def _sides(
    schema: Schema, tables: Tables, unit: TableName, split: frozenset[TableName], seed: int
) -> dict[TableName, Sides]:
    sides = {name: np.full(tables[name].num_rows, BOTH, dtype=np.int8) for name in split}
    sides[unit] = (np.random.default_rng(seed).permutation(tables[unit].num_rows) % 2).astype(np.int8)
    edges = [r for r in references(schema) if {r.child, r.parent} <= split and not r.is_self and r.child != unit]
    parents = {r: parent_rows(tables[r.child], tables[r.parent], r.foreign_key) for r in edges}
    while _pass_on(sides, parents):
        pass
    return sides


def _pass_on(sides: dict[TableName, Sides], parents: Mapping[Reference, npt.NDArray[np.int64]]) -> bool:
    """Every row takes its parents' side; whether any row changed.  Ends, as a row changes at most twice."""
    changed = False
    for reference, rows in parents.items():
        own, above = sides[reference.child], sides[reference.parent]
        theirs = np.where(rows >= 0, above[np.maximum(rows, 0)], BOTH) if len(above) else np.full_like(own, BOTH)
        both = np.where(own == BOTH, theirs, np.where((theirs == BOTH) | (theirs == own), own, NEITHER))
        changed |= bool((both != own).any())
        sides[reference.child] = both.astype(np.int8)
    return changed


def _part(table: pa.Table, sides: Sides | None, half: int) -> pa.Table:
    return table if sides is None else table.filter(pa.array((sides == half) | (sides == BOTH)))
