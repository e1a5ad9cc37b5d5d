"""Columns of values with their NULLs, on which the operators work: NumPy arrays, for text Arrow arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.conditions.tree import ColumnValue, Constant, Kind

Flags = npt.NDArray[np.bool_]
Numbers: TypeAlias = "npt.NDArray[Any]"
"""int64, float64 or, where 64 bits do not suffice, Python integers."""

DAY = 86_400_000_000
"""Microseconds."""
_SAFE = 2**62


@dataclass(frozen=True)
class Vector:
    """n values, or one that stands for all.  Where ``null`` is set, ``data`` holds anything of its type."""

    kind: Kind
    data: Any
    """bool, int64, float64 or object [n]; an Arrow string array for TEXT, nothing useful for OPAQUE."""
    null: Flags
    scale: int = 0
    """Digits after the point of a DECIMAL, whose ``data`` are integers."""

    @property
    def alone(self) -> bool:
        """Whether it is one value that stands for all."""
        return len(self.null) == 1

    def with_null(self, null: Flags) -> Vector:
        """The same values with other NULLs."""
        return replace(self, null=null)


def booleans(true: Flags, null: Flags) -> Vector:
    """Truth values; FALSE stands in the data where they are NULL."""
    return Vector(Kind.BOOLEAN, true & ~null, null)


def constant(node: Constant) -> Vector:
    """One value that stands for all."""
    null = np.array([node.value is None])
    if node.kind is Kind.TEXT:
        return Vector(node.kind, pa.array([node.value], pa.string()), null)
    if node.kind in (Kind.FLOAT, Kind.APPROXIMATE):
        return Vector(node.kind, np.array([float(node.value or 0)]), null)
    if node.kind in (Kind.BOOLEAN, Kind.NULL):
        return Vector(node.kind, np.array([bool(node.value)]), null)
    whole = int(node.value or 0)
    kept = np.int64 if abs(whole) < _SAFE else object
    return Vector(node.kind, np.array([whole], dtype=kept), null, node.scale)


def load(array: pa.Array, column: ColumnValue) -> Vector:
    """A column's values; ArrowInvalid if they are of another kind than its type promised."""
    null = np.asarray(array.is_null().to_numpy(zero_copy_only=False))
    kind = column.kind
    if kind is Kind.TEXT:
        return Vector(kind, array.cast(pa.string()), null)
    if column.form == "octets":
        return Vector(kind, _plain(pc.binary_length(array), 0).astype(np.int64), null)
    if kind is Kind.OPAQUE:
        return Vector(kind, null, null)
    if kind is Kind.BOOLEAN:
        return booleans(_plain(array.cast(pa.bool_()), False), null)
    if kind is Kind.FLOAT:
        return Vector(kind, _plain(_as_floats(array), 0.0), null)
    if kind is Kind.DECIMAL:
        return _load_decimals(array, null)
    return Vector(kind, _whole(array), null)


def _plain(array: pa.Array, filling: bool | int | float) -> Numbers:
    return np.asarray(array.fill_null(filling).to_numpy(zero_copy_only=False))


def _as_floats(array: pa.Array) -> pa.Array:
    # Arrow's own cast of decimals to floats is off in the last digit; text is not.
    exact = array.cast(pa.string()) if pa.types.is_decimal(array.type) else array
    return exact.cast(pa.float64(), safe=False)


def _whole(array: pa.Array) -> Numbers:
    """Integers as they are; temporal values in microseconds."""
    if pa.types.is_date32(array.type):
        return _plain(array.cast(pa.int32()), 0).astype(np.int64) * DAY
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us", tz=array.type.tz), safe=False)
    if pa.types.is_time(array.type):
        array = array.cast(pa.time64("us"), safe=False)
    return _plain(array.cast(pa.int64()), 0)


def _load_decimals(array: pa.Array, null: Flags) -> Vector:
    if not pa.types.is_decimal(array.type):
        return Vector(Kind.INTEGER, _whole(array), null)
    array = array.cast(pa.decimal128(38, array.type.scale)).fill_null(0)
    buffer = array.buffers()[1]
    words = np.frombuffer(buffer, dtype="<i8").reshape(-1, 2)[array.offset : array.offset + len(array)]
    low, high = words[:, 0], words[:, 1]
    data: Numbers = low.copy()
    if np.any(high != low >> 63):
        data = (high.astype(object) << 64) + low.astype("<u8").astype(object)
    return Vector(Kind.DECIMAL, data, null, array.type.scale)


def magnitude(data: Numbers) -> int:
    """The largest absolute value."""
    return max(abs(int(data.max())), abs(int(data.min()))) if len(data) else 0


def roomy(data: Numbers, bound: int) -> Numbers:
    """Integers wide enough for results up to the bound."""
    return data if data.dtype == object or bound < _SAFE else data.astype(object)


def rescaled(vector: Vector, scale: int) -> Numbers:
    """A whole number's or decimal's integers for more digits after the point."""
    if scale == vector.scale:
        return vector.data
    factor = 10 ** (scale - vector.scale)
    wide: Numbers = roomy(vector.data, magnitude(vector.data) * factor) * factor
    return wide


def floats(vector: Vector) -> Numbers:
    """A number's values as float64."""
    if vector.kind in (Kind.FLOAT, Kind.APPROXIMATE):
        return vector.data
    return np.asarray(vector.data / 10**vector.scale if vector.scale else vector.data).astype(np.float64)


def stretched(vector: Vector, n: int) -> Vector:
    """The vector with n values of its own."""
    if len(vector.null) == n:
        return vector
    null = np.broadcast_to(vector.null, n)
    if vector.kind is Kind.TEXT:
        return replace(vector, data=vector.data.take(pa.array(np.zeros(n, dtype=np.int64))), null=null)
    return replace(vector, data=np.broadcast_to(vector.data, n), null=null)


def choose(first: Flags, one: Vector, other: Vector) -> Vector:
    """``one`` where the flag is set, else ``other``; both of comparable kinds."""
    if Kind.NULL in (one.kind, other.kind):
        held = other if one.kind is Kind.NULL else one
        n = max(len(first), len(one.null), len(other.null))
        null = np.where(first, one.null, other.null)
        return stretched(held, n).with_null(np.broadcast_to(null, n))
    null = np.where(first, one.null, other.null)
    if one.kind is Kind.TEXT:
        return Vector(Kind.TEXT, _chosen_texts(first, one, other), null)
    kind, left, right, scale = aligned(one, other)
    return Vector(kind, np.where(first, left, right), null, scale)


def _chosen_texts(first: Flags, one: Vector, other: Vector) -> pa.Array:
    n = max(len(first), len(one.null), len(other.null))
    here, there = stretched(one, n).data, stretched(other, n).data
    index = np.where(np.broadcast_to(first, n), np.arange(n), np.arange(n) + n)
    return pa.concat_arrays([here, there]).take(pa.array(index))


def aligned(one: Vector, other: Vector) -> tuple[Kind, Numbers, Numbers, int]:
    """Both vectors' data on one scale, with the wider kind."""
    kinds = {one.kind, other.kind}
    for wider in (Kind.APPROXIMATE, Kind.FLOAT):
        if wider in kinds:
            return wider, floats(one), floats(other), 0
    scale = max(one.scale, other.scale)
    kind = Kind.DECIMAL if Kind.DECIMAL in kinds else Kind.MOMENT if Kind.MOMENT in kinds else one.kind
    return kind, rescaled(one, scale), rescaled(other, scale), scale
