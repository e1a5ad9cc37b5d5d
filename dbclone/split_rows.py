"""Rows of split tables (see ``virtual_keys``): taken apart when they are read, joined when they were generated."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.schema import Table, Virtual
from dbclone.virtual_keys import Part, parts_of


def split_rows(table: Table, rows: pa.Table) -> pa.Table:
    """Rows of the whole table as rows of the split one: each value stands in the part of its discriminator."""
    parts = parts_of(table)
    if not parts:
        return rows
    columns: dict[str, pa.ChunkedArray] = {}
    for column in table.insertable:
        mine = [part for part in parts if part.column == column.name]
        part = next((p for p in parts if p.name == column.name and p.name != p.column), None)
        if part is not None:
            columns[column.name] = _only(rows, part)
        elif mine:
            columns[column.name] = _rest(rows, mine)
        else:
            columns[column.name] = rows.column(column.name)
    return pa.table(columns)


def joined_rows(table: Table, rows: pa.Table, seed: int) -> pa.Table:
    """Rows of the split table as rows of the whole one.

    Where the whole column must have a value and a row has none, another row of the same discriminator lends its own.
    """
    parts, original = parts_of(table), table.whole
    if original is None:
        return rows
    rng = np.random.default_rng(seed)
    columns = {column.name: rows.column(column.name) for column in original.insertable}
    for part in parts:
        applies = _applies(rows, part.virtual)
        values = rows.column(part.name)
        if part.virtual.nothing is not None:
            values = pc.fill_null(values, pa.scalar(part.virtual.nothing).cast(values.type))
        elif not original.column(part.column).nullable:
            values = _lent(values, applies, rng)
        columns[part.column] = pc.if_else(applies, values, columns[part.column])
    return pa.table(columns)


def referring(rows: pa.Table, column: str, virtual: Virtual) -> pa.ChunkedArray:
    """The values of a column in the rows of the whole table that a key is about; NULL elsewhere."""
    return _only(rows, Part(column, column, virtual))


def _applies(rows: pa.Table, virtual: Virtual) -> pa.ChunkedArray:
    """bool[n]: the rows that a key is about."""
    if virtual.where is None:
        return pa.chunked_array([pa.array(np.ones(rows.num_rows, dtype=bool))])
    column, label = virtual.where
    return pc.fill_null(pc.equal(rows.column(column).cast(pa.string()), label), False)


def _only(rows: pa.Table, part: Part) -> pa.ChunkedArray:
    values = rows.column(part.column)
    found = pc.if_else(_applies(rows, part.virtual), values, pa.scalar(None, values.type))
    if part.virtual.nothing is None:
        return found
    nothing = pc.fill_null(pc.equal(found.cast(pa.string()), part.virtual.nothing), False)
    return pc.if_else(nothing, pa.scalar(None, values.type), found)


def _rest(rows: pa.Table, parts: list[Part]) -> pa.ChunkedArray:
    """What no part takes."""
    if any(part.virtual.where is None for part in parts):
        return _only(rows, parts[0])
    values = rows.column(parts[0].column)
    for part in parts:
        values = pc.if_else(_applies(rows, part.virtual), pa.scalar(None, values.type), values)
    return values


def _lent(values: pa.ChunkedArray, applies: pa.ChunkedArray, rng: np.random.Generator) -> pa.ChunkedArray:
    there = np.flatnonzero(values.is_valid().to_numpy())
    lacking = np.flatnonzero(applies.to_numpy() & ~values.is_valid().to_numpy())
    if not len(there) or not len(lacking):
        return values
    at = np.arange(len(values))
    at[lacking] = rng.choice(there, size=len(lacking))
    return values.take(pa.array(at))
