"""Columns that repeat a value standing elsewhere: the price in a line, the customer's city on an invoice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.models.rows import Database, Hop, follow
from dbclone.schema import TableName

SUPPORT = 0.995
_SKETCH = 2_000
_CHANCE = 0.8
"""Two columns that would agree as often by chance say nothing."""

References = Mapping[TableName, Mapping[str, TableName]]


@dataclass(frozen=True)
class Copied:
    """``column`` repeats ``source`` of the row at the end of the hops (none: of the same row)."""

    column: str
    hops: tuple[Hop, ...]
    table: TableName
    source: str
    support: float


def find_copies(
    table: TableName,
    columns: tuple[str, ...],
    required: frozenset[str],
    *,
    data: Mapping[TableName, pa.Table],
    database: Database,
    references: References,
) -> tuple[Copied, ...]:
    """For each of the columns the nearest one that it repeats in ≥ 99.5% of the rows.

    ``required`` are the columns that may not be NULL, ``data`` the rows of all tables as numbered in ``database``.
    """
    n = database[table].n
    if n < 20 or not columns:
        return ()
    pick = np.random.default_rng(0).permutation(n)[:_SKETCH]
    chains = [(hops, end, follow(database, table, hops)) for hops, end in _chains(table, references)]
    found: dict[str, Copied] = {}
    for name in columns:
        values = data[table].column(name).combine_chunks()
        for hops, end, rows in chains:
            if name in found or (name in required and (rows < 0).any()):
                continue
            for source in data[end].column_names:
                there = data[end].column(source)
                if there.type != values.type or (not hops and (source == name or source in found or source in columns)):
                    continue
                if _agree(values, there, rows, pick) < SUPPORT - 0.005:
                    continue
                support = _agree(values, there, rows, np.arange(n))
                if support >= SUPPORT and _by_chance(values) < _CHANCE:
                    found[name] = Copied(name, hops, end, source, support)
                    break
    return tuple(found.values())


def _chains(table: TableName, references: References) -> Iterator[tuple[tuple[Hop, ...], TableName]]:
    for reference, parent in references.get(table, {}).items():
        yield (Hop(reference, parent),), parent
    for reference, parent in references.get(table, {}).items():
        for further, grandparent in references.get(parent, {}).items():
            if grandparent not in (table, parent):
                yield (Hop(reference, parent), Hop(further, grandparent)), grandparent


def _agree(values: pa.Array, there: pa.ChunkedArray, rows: np.ndarray, pick: np.ndarray) -> float:
    here = values.take(pa.array(pick))
    other = there.take(pa.array(np.maximum(rows[pick], 0), mask=rows[pick] < 0)).combine_chunks()
    same = pc.or_(pc.fill_null(pc.equal(here, other), False), pc.and_(pc.is_null(here), pc.is_null(other)))
    return float(pc.mean(same.cast(pa.int8())).as_py() or 0.0)


def _by_chance(values: pa.Array) -> float:
    """Probability that two random rows agree."""
    counts = np.array(pc.value_counts(values).field("counts").to_numpy(), dtype=np.float64)
    return float(((counts / counts.sum()) ** 2).sum())
