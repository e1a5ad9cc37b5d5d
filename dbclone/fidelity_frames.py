"""What a classifier is shown of a table: its own columns, with aggregates of children, or with its parents' columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.fidelity_folds import Linked
from dbclone.matching import Rows
from dbclone.privacy.audit_values import descriptive, numbers, shared_codes
from dbclone.schema import ForeignKey, TableName

Floats = npt.NDArray[np.float64]

FEW_LEVELS = 50
"""Levels of a category up to which each is a feature of its own."""
NAMING_SHARE = 0.5
"""Share of distinct values from which on a category names rows and is not shown."""
COUNTED_LEVELS = 1_000
"""Levels up to which the different ones among children are counted."""
_PARTS = ("year", "month", "day", "hour", "minute", "second")


def own_columns(data: Linked, name: TableName) -> pa.Table:
    """The rows without their identifiers."""
    return data.tables[name].select([c.name for c in descriptive(data.schema.table(name))])


def with_children(data: Linked, real: Linked, name: TableName) -> pa.Table | None:
    """The rows with, per foreign key of another table to this one, the number of children, the mean of each of their
    numbers and the number of different categories; None if there is no such key.  ``real`` says what is a category."""
    frame = own_columns(data, name)
    keys = [(t.name, k) for t in data.schema.tables if t.name != name for k in t.foreign_keys if k.parent == name]
    for child, key in keys:
        owners, rows = data.parents(child, key), data.rows(name)
        label = f"{child}({', '.join(key.columns)})"
        frame = frame.append_column(f"{label}: count", pa.array(_count(owners, rows)))
        for column in descriptive(data.schema.table(child)):
            values, known = (d.tables[child].column(column.name) for d in (data, real))
            if _is_number(known.type):
                frame = frame.append_column(f"{label}: mean {column.name}", pa.array(_mean(values, owners, rows)))
            elif _is_text(known.type) and len(known.unique()) <= COUNTED_LEVELS:
                different = pa.array(_distinct(values, owners, rows))
                frame = frame.append_column(f"{label}: distinct {column.name}", different)
    return frame if keys else None


def with_parents(data: Linked, name: TableName, keys: Sequence[ForeignKey]) -> pa.Table:
    """The rows with the columns of the parents that ``keys`` lead to."""
    frame = own_columns(data, name)
    for place, key in enumerate(keys):
        parents = data.parents(name, key)
        rows = own_columns(data, key.parent)
        rows = rows.drop_columns([c for c in rows.column_names if c in key.parent_columns])
        rows = rows.take(pa.array(parents, mask=parents < 0))
        for column in rows.column_names:
            frame = frame.append_column(f"{key.parent}.{place}.{column}", rows.column(column))
    return frame


def encode(real: pa.Table, clone: pa.Table) -> tuple[Floats, Floats]:
    """Both frames as [rows, features]: dates in parts, categories one-hot or numbered, NULL as the mean."""
    parts = [part for name in real.column_names for part in _encoded(real.column(name), clone.column(name))]
    if not parts:
        return np.zeros((real.num_rows, 0)), np.zeros((clone.num_rows, 0))
    joint = np.column_stack(parts)
    known = ~np.isnan(joint)
    means = np.where(known, joint, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    joint = np.where(known, joint, means)
    joint = joint[:, joint.min(axis=0) < joint.max(axis=0)] if len(joint) else joint
    return joint[: real.num_rows], joint[real.num_rows :]


def _encoded(real: pa.ChunkedArray, clone: pa.ChunkedArray) -> Iterator[Floats]:
    if clone.type != real.type:
        real, clone = _alike(real, clone)
    if pa.types.is_date(real.type) or pa.types.is_timestamp(real.type):
        both = [column.cast(pa.timestamp("us"), safe=False) for column in (real, clone)]
        yield from (np.concatenate([numbers(getattr(pc, part)(c)) for c in both]) for part in _PARTS)
    elif _is_number(real.type) or pa.types.is_boolean(real.type) or pa.types.is_time(real.type):
        yield np.concatenate([numbers(real), numbers(clone)])
    elif _is_text(real.type):
        yield from _categories(np.concatenate(shared_codes([real, clone])))


def _categories(codes: npt.NDArray[np.int64]) -> Iterator[Floats]:
    """Codes are renumbered from the most frequent level down; NULL has none of the levels, or −1.

    Chance decides among equally frequent levels: in their first order all real ones would come before all synthetic.
    """
    levels, times = np.unique(codes[codes >= 0], return_counts=True)
    if len(levels) > FEW_LEVELS and len(levels) > NAMING_SHARE * len(codes):
        return
    rank = np.full(int(levels.max(initial=-1)) + 2, -1)
    chance = np.random.default_rng(0).permutation(len(levels))
    rank[levels[np.lexsort((chance, -times))]] = np.arange(len(levels))
    ranked = rank[codes]
    if len(levels) <= FEW_LEVELS:
        yield from ((ranked == level).astype(np.float64) for level in range(len(levels)))
    else:
        yield ranked.astype(np.float64)


def _alike(real: pa.ChunkedArray, clone: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Products differ in types: the clone's values as the source's, where they can be that."""
    try:
        return real, clone.cast(real.type, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return real.cast(pa.string()), clone.cast(pa.string())


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind))


def _count(owners: Rows, rows: int) -> Floats:
    return np.bincount(owners[owners >= 0], minlength=rows).astype(np.float64)


def _mean(values: pa.ChunkedArray, owners: Rows, rows: int) -> Floats:
    """NaN where there are no children."""
    plain = numbers(values)
    known = (owners >= 0) & ~np.isnan(plain)
    size = np.bincount(owners[known], minlength=rows)
    total = np.bincount(owners[known], plain[known], minlength=rows)
    return np.where(size > 0, total / np.maximum(size, 1), np.nan)


def _distinct(values: pa.ChunkedArray, owners: Rows, rows: int) -> Floats:
    """0 where there are no children."""
    codes = shared_codes([values])[0]
    known = (owners >= 0) & (codes >= 0)
    width = int(codes.max(initial=0)) + 1
    pairs = np.unique(owners[known] * width + codes[known])
    return np.bincount(pairs // width, minlength=rows).astype(np.float64)
