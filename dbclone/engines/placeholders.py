"""Values for columns that must have one and for which nothing may be learned: too few rows, or too rare values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pyarrow as pa

from dbclone.schema import Column, Table, TypeFamily

_TEXT = "unknown"
_DAY = dt.date(2000, 1, 1)
_EPOCH = np.datetime64("2000-01-01T00:00:00", "us")


def filled(values: pa.Array, column: Column) -> pa.Array:
    """The values with every NULL replaced by a plain one of the column's type; each is different if it can be."""
    missing = values.is_null().to_numpy(zero_copy_only=False)
    number = np.cumsum(missing) - 1
    made = _plain(column, values.type, np.maximum(number, 0))
    return values if made is None else values.fill_null(made)


def with_one_key(table: Table, columns: Mapping[str, pa.Array], referring: set[str]) -> dict[str, pa.Array]:
    """Columns of UNIQUE keys that are all NULL, with a value in the first row: somebody may have to refer to it."""
    keyed = {name for key in table.uniques for name in key.columns} - referring
    empty = {name: a for name, a in columns.items() if name in keyed and len(a) and a.null_count == len(a)}
    return {name: pa.concat_arrays([filled(a[:1], table.column(name)), a[1:]]) for name, a in empty.items()}


def _plain(column: Column, kind: pa.DataType, number: np.ndarray) -> pa.Array | None:
    if column.type.values:
        labels = np.array(column.type.values)
        return pa.array(labels[number % len(labels)], pa.string()).cast(kind)
    if pa.types.is_string(kind):
        return _texts(column, number)
    if pa.types.is_boolean(kind):
        return pa.array(number % 2 == 1)
    if pa.types.is_date32(kind):
        return pa.array([_DAY + dt.timedelta(days=int(n)) for n in number], kind)
    if pa.types.is_timestamp(kind):
        return pa.array(_EPOCH + number.astype("timedelta64[D]"), pa.timestamp("us")).cast(kind)
    if pa.types.is_time(kind):
        return pa.array(number % 86_400 * 1_000_000, pa.int64()).cast(kind)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([b""] * len(number), kind)
    if pa.types.is_decimal(kind):
        most = 10 ** max(kind.precision - kind.scale, 0)
        return pa.array([Decimal(int(n) % most) for n in number], kind)
    return pa.array(number, pa.int64()).cast(kind)


def _texts(column: Column, number: np.ndarray) -> pa.Array | None:
    """Texts of the families that are texts in Arrow; None for those whose form is not known."""
    if column.type.family is TypeFamily.TEXT:
        length = column.type.length or len(_TEXT) + 20
        texts = [_TEXT if n == 0 else f"{_TEXT[: max(length - len(str(n)), 0)]}{n}" for n in number.tolist()]
        return pa.array([text[:length] for text in texts], pa.string())
    if column.type.family is TypeFamily.JSON:
        return pa.array(["{}"] * len(number), pa.string())
    if column.type.family is TypeFamily.UUID:
        return pa.array([f"00000000-0000-4000-8000-{n:012d}" for n in number.tolist()], pa.string())
    return None
