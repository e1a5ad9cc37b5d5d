"""Columns that repeat a value standing elsewhere: the price in a line, the customer's city on an invoice.

Some do so always, and are not drawn at all.  Others do so in some rows (most goods go to the one who bought them): of
these it is drawn in which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.models.rows import Database, Hop, follow
from dbclone.schema import TableName

SUPPORT = 0.995
_HOPS, _FAR = 2, 3
"""How many references away a repeated column is looked for: any one, and one of personal data."""
_FEWEST = 20
_SKETCH = 2_000
_CHANCE = 0.8
"""Two columns that would agree as often by chance say nothing."""
_SOMETIMES = 0.2
_TIMES_CHANCE = 4.0
"""No chance is what agrees in a fifth of the rows, and so many times as often as in rows put together by chance."""
MADE, REPEATED = 1, 2
"""Codes of a column that repeats another in some rows; 0 is NULL."""

References = Mapping[TableName, Mapping[str, TableName]]


@dataclass(frozen=True)
class Copied:
    """``column`` repeats ``source`` of the row at the end of the hops (none: of the same row)."""

    column: str
    hops: tuple[Hop, ...]
    table: TableName
    source: str
    support: float
    sometimes: bool = False
    """Only in the rows whose code is REPEATED."""


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
    if n < _FEWEST or not columns:
        return ()
    pick = np.random.default_rng(0).permutation(n)[:_SKETCH]
    chains = [(hops, end, follow(database, table, hops)) for hops, end in _chains(table, references, _HOPS)]
    found: dict[str, Copied] = {}
    for name in columns:
        values = data[table].column(name).combine_chunks()
        for hops, end, rows in chains:
            if name in found or (name in required and (rows < 0).any()):
                continue
            for source in data[end].column_names:
                there = data[end].column(source)
                if there.type != values.type or (end == table and _circular(found, table, name, source, columns)):
                    continue
                if _agree(values, there, rows, pick) < SUPPORT - 0.005:
                    continue
                support = _agree(values, there, rows, np.arange(n))
                if support >= SUPPORT and _by_chance(values) < _CHANCE:
                    found[name] = Copied(name, hops, end, source, support)
                    break
    return tuple(sorted(found.values(), key=lambda copy: copy.table == table))


def find_sometimes(
    table: TableName,
    columns: tuple[str, ...],
    *,
    data: Mapping[TableName, pa.Table],
    database: Database,
    references: References,
) -> Iterator[tuple[Copied, np.ndarray]]:
    """For each of the columns the one that it repeats most often, if that is no chance, and in which rows: bool[n].

    The arguments are those of ``find_copies``; the other column may also stand in the same row.
    """
    n = database[table].n
    if n < _FEWEST or not columns:
        return
    rng = np.random.default_rng(0)
    pick, chains = rng.permutation(n)[:_SKETCH], [((), table), *_chains(table, references, _FAR)]
    ends = [(hops, end, follow(database, table, hops)) for hops, end in chains]
    found: dict[str, Copied] = {}
    for name in columns:
        values = data[table].column(name).combine_chunks()
        for hops, end, rows in ends:
            for source in data[end].column_names:
                there = data[end].column(source)
                if there.type != values.type or (end == table and _circular(found, table, name, source, columns)):
                    continue
                often = _share(values, there, rows, pick)
                best = found[name].support if name in found else _SOMETIMES
                if often > best and often > _TIMES_CHANCE * _share(values, there, rng.permutation(rows), pick):
                    found[name] = Copied(name, hops, end, source, often, sometimes=True)
    for name, copy in found.items():
        rows = follow(database, table, copy.hops)
        yield copy, _same(data[table].column(name).combine_chunks(), data[copy.table].column(copy.source), rows)


def _circular(found: Mapping[str, Copied], table: TableName, name: str, source: str, columns: tuple[str, ...]) -> bool:
    """Whether a column of the table could not be filled from this one of the same table: that one is filled later."""
    own = [copy for copy in found.values() if copy.table == table and copy.column != name]
    filled = source in columns and source != name and source not in {copy.column for copy in own}
    return not filled or name in {copy.source for copy in own}


def _chains(table: TableName, references: References, most: int) -> Iterator[tuple[tuple[Hop, ...], TableName]]:
    """Ways of one to ``most`` hops to other tables, shorter ones first, and of one hop within the table."""
    found: list[tuple[tuple[Hop, ...], TableName]] = [((), table)]
    for _ in range(most):
        passed = [(hops, end, {table, *(h.parent for h in hops)}) for hops, end in found if not hops or end != table]
        found = [
            ((*hops, Hop(reference, parent)), parent)
            for hops, end, before in passed
            for reference, parent in references.get(end, {}).items()
            if not hops or parent not in before
        ]
        yield from found


def _agree(values: pa.Array, there: pa.ChunkedArray, rows: np.ndarray, pick: np.ndarray) -> float:
    here = values.take(pa.array(pick))
    other = there.take(pa.array(np.maximum(rows[pick], 0), mask=rows[pick] < 0)).combine_chunks()
    same = pc.or_(pc.fill_null(pc.equal(here, other), False), pc.and_(pc.is_null(here), pc.is_null(other)))
    return float(pc.mean(same.cast(pa.int8())).as_py() or 0.0)


def _same(values: pa.Array, there: pa.ChunkedArray, rows: np.ndarray) -> np.ndarray:
    """In which rows both have one and the same value.  bool[n]."""
    other = there.take(pa.array(np.maximum(rows, 0), mask=rows < 0)).combine_chunks()
    return pc.fill_null(pc.equal(values, other), False).to_numpy(zero_copy_only=False)


def _share(values: pa.Array, there: pa.ChunkedArray, rows: np.ndarray, pick: np.ndarray) -> float:
    """Of the picked rows that have a value, how many have the other column's."""
    here = values.take(pa.array(pick))
    return float(_same(here, there, rows[pick]).sum()) / max(len(here) - here.null_count, 1)


def _by_chance(values: pa.Array) -> float:
    """Probability that two random rows agree."""
    counts = np.array(pc.value_counts(values).field("counts").to_numpy(), dtype=np.float64)
    return float(((counts / counts.sum()) ** 2).sum())
