"""Which parent row each child row refers to, as integer arrays: how everything later sees a foreign key."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.schema import ForeignKey

Rows = npt.NDArray[np.int64]

NULL = -1
"""The child refers to nothing: one of its columns is NULL."""
ORPHAN = -2
"""The child refers to a parent that does not exist."""


def parent_rows(child: pa.Table, parent: pa.Table, foreign_key: ForeignKey) -> Rows:
    """For each child row the position of its parent in ``parent``, or NULL, or ORPHAN."""
    if len(foreign_key.columns) == 1:
        return _single(child.column(foreign_key.columns[0]), parent.column(foreign_key.parent_columns[0]))
    null = np.zeros(child.num_rows, dtype=bool)
    child_code = np.zeros(child.num_rows, dtype=np.int64)
    parent_code = np.zeros(parent.num_rows, dtype=np.int64)
    for name, parent_name in zip(foreign_key.columns, foreign_key.parent_columns, strict=True):
        values, parents = _comparable(child.column(name), parent.column(parent_name))
        null |= values.is_null().to_numpy(zero_copy_only=False)
        child_code, parent_code = _combine(child_code, parent_code, values, parents)
    rows = _positions(child_code, parent_code)
    rows[null] = NULL
    return rows


def _single(child: pa.ChunkedArray, parent: pa.ChunkedArray) -> Rows:
    """``parent_rows`` of a key of one column; of several parents with one value the first is meant."""
    values, parents = _comparable(child, parent)
    rows = _index_in(values, parents)
    if values.null_count:
        rows[values.is_null().to_numpy(zero_copy_only=False)] = NULL
    return rows


def _comparable(values: pa.ChunkedArray, parents: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Both columns as plain arrays of one type: the parent's, or text where a child value does not fit it."""
    left, right = flat(values), flat(parents)
    if left.type == right.type:
        return left, right
    try:
        return left.cast(right.type), right
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return left.cast(pa.string()), right.cast(pa.string())


def flat(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array, without a copy where it is one already."""
    if column.num_chunks == 1:
        return column.chunk(0)
    array = column.combine_chunks()
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array


def _combine(child_code: Rows, parent_code: Rows, values: pa.Array, parents: pa.Array) -> tuple[Rows, Rows]:
    """Refine the codes by one more column: equal codes mean equal values in all columns so far; ORPHAN stays."""
    domain = pc.unique(parents.drop_null())
    size = max(len(domain), 1)
    parent_part = _index_in(parents, domain)
    child_part = _index_in(values, domain)
    joint = np.where((parent_code < 0) | (parent_part < 0), ORPHAN, parent_code * size + parent_part)
    known, dense = np.unique(joint, return_inverse=True)
    wanted = np.where((child_code < 0) | (child_part < 0), ORPHAN, child_code * size + child_part)
    parent_dense = np.where(joint < 0, ORPHAN, dense).astype(np.int64)
    return _look_up(wanted, known, np.arange(len(known), dtype=np.int64)), parent_dense


def _index_in(values: pa.Array, domain: pa.Array) -> Rows:
    found = pc.index_in(values, value_set=domain)
    rows = found.to_numpy(zero_copy_only=False)
    if found.null_count:
        # Arrow's places are 32 bits wide: as floats, with NaN for NULL, they lose nothing.
        rows[np.isnan(rows)] = ORPHAN
    return np.asarray(rows, dtype=np.int64)


def _positions(child_code: Rows, parent_code: Rows) -> Rows:
    """Codes to parent positions; of several parents with one code (a broken key) the first is meant."""
    order = np.argsort(parent_code, kind="stable").astype(np.int64)
    known, first = np.unique(parent_code[order], return_index=True)
    return _look_up(child_code, known, order[first])


def _look_up(wanted: Rows, known: Rows, result: Rows) -> Rows:
    """``result[i]`` where ``wanted == known[i]`` (sorted), ORPHAN where it is unknown or negative."""
    if len(known) == 0:
        return np.full(len(wanted), ORPHAN, dtype=np.int64)
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    hit = (known[place] == wanted) & (wanted >= 0)
    return np.where(hit, result[place], ORPHAN).astype(np.int64)
