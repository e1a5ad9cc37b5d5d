"""The columns of a foreign key, once it is known which parent row each row refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from dbclone.schema import ForeignKey, Table


def mend(up: np.ndarray, key: ForeignKey, child: Table, known: np.ndarray, rng: np.random.Generator) -> None:
    """Choose, in place, another parent for rows that must refer to one and refer to none, or to one without key.

    ``up`` int64[rows] are positions in the parent, −1 for none; ``known`` bool[parents] says which can be referred to.
    """
    if not known.any():
        return
    strange = (up >= 0) & ~known[np.maximum(up, 0)]
    if not any(child.column(name).nullable for name in key.columns):
        strange |= up < 0
    if strange.any():
        up[strange] = rng.choice(np.flatnonzero(known), size=int(strange.sum()))


def referable(key: ForeignKey, child: Table, parent: Mapping[str, pa.Array], rows: int) -> np.ndarray:
    """Parent rows that have a value wherever the child must have one (a UNIQUE key may hold NULL), bool[rows]."""
    known = np.ones(rows, dtype=bool)
    for column, parent_column in zip(key.columns, key.parent_columns, strict=True):
        values = parent.get(parent_column)
        if values is not None and values.null_count and not child.column(column).nullable:
            known &= values.is_valid().to_numpy(zero_copy_only=False)
    return known


def referring_columns(
    up: np.ndarray, key: ForeignKey, child: Table, parent: Mapping[str, pa.Array], rng: np.random.Generator
) -> Iterator[tuple[str, pa.Array | None]]:
    """(column, its values) of the key; None where the parent's column is not there yet.

    A row that refers to nothing has NULL, but in a column that must have a value that of any parent: one NULL among
    its columns is enough for a key to refer to nothing.
    """
    for column, parent_column in zip(key.columns, key.parent_columns, strict=True):
        values, at = parent.get(parent_column), up
        if values is not None and not child.column(column).nullable and (up < 0).any():
            there = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
            at = np.where(up < 0, rng.choice(there, size=len(up)), up) if len(there) else up
        yield column, None if values is None else values.take(pa.array(np.maximum(at, 0), mask=at < 0))
