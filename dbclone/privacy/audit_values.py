"""Columns and rows of several databases as numbers that are equal where the values are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.schema import Column, Table, TypeFamily

Codes = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

NUMBERS = frozenset(
    {
        TypeFamily.BOOLEAN, TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT,
        TypeFamily.DATE, TypeFamily.TIME, TypeFamily.TIMESTAMP,
    }
)  # fmt: skip
TEXTS = frozenset({TypeFamily.TEXT, TypeFamily.ENUM})
_TEMPORAL = frozenset({TypeFamily.DATE, TypeFamily.TIME, TypeFamily.TIMESTAMP})


def descriptive(table: Table) -> tuple[Column, ...]:
    """Columns that say something of a row: neither its single-column primary key nor a reference, dates excepted."""
    key = table.primary_key.columns if table.primary_key and len(table.primary_key.columns) == 1 else ()
    technical = {*key, *(name for fk in table.foreign_keys for name in fk.columns)}
    return tuple(c for c in table.insertable if c.name not in technical or c.type.family in _TEMPORAL)


def numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Numbers, booleans and times as floats; NULL is NaN."""
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.int32() if column.type.bit_width == 32 else pa.int64())
    elif pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy(), dtype=np.float64)


def shared_codes(columns: Sequence[pa.ChunkedArray]) -> list[Codes]:
    """Per column the code of each row; equal values have equal codes in all of the columns; NULL is −1."""
    same = [_as_type(column, columns[0].type) for column in columns]
    if any(column.type != columns[0].type for column in same):
        same = [column.cast(pa.string()) for column in columns]
    joint = pa.chunked_array([chunk for column in same for chunk in column.chunks], type=same[0].type)
    encoded = joint.combine_chunks().dictionary_encode() if len(joint) else None
    if encoded is None:
        return [np.zeros(0, dtype=np.int64) for _ in columns]
    indices = (encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded).indices
    codes = np.asarray(pc.fill_null(indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False), dtype=np.int64)
    return np.split(codes, np.cumsum([len(column) for column in columns])[:-1])


def row_hashes(tables: Sequence[pa.Table], columns: Sequence[str]) -> list[Hashes]:
    """Per table a number for each row, equal for rows that agree in all ``columns`` (but for one chance in 2^64)."""
    hashes = [np.zeros(table.num_rows, dtype=np.uint64) for table in tables]
    for name in columns:
        codes = shared_codes([table.column(name) for table in tables])
        hashes = [_mixed(h, c) for h, c in zip(hashes, codes, strict=True)]
    return hashes


def _as_type(column: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    try:
        return column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return column


def _mixed(hashes: Hashes, codes: Codes) -> Hashes:
    """One round of the splitmix64 generator, which scatters neighbouring codes over all 64 bits."""
    x = hashes + codes.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)), dtype=np.uint64)
