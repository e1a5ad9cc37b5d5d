"""Numbers on the lattice that the data use: integers, multiples of five, two decimals, or a continuum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.base import contiguous

_MOST_DECIMALS = 6


@dataclass(frozen=True)
class NumericCodec:
    """value = (origin + raw) · unit; ``unit`` is 10⁻ᵈ or an integer step.  A continuum has unit 1 and no lattice."""

    type: str
    """Arrow type of the column: 'int64', 'float64' or 'decimal128(p, s)'."""
    unit: float
    origin: float
    lattice: bool
    bottom: float = -np.inf
    top: float = np.inf
    """Where the column has infinities or NaN, the extreme finite raw numbers: beyond them stand −∞, ∞ and NaN."""
    most: int | None = None
    """The largest number that the column holds, where that is less than its digits say."""

    @classmethod
    def fit(
        cls, values: pa.ChunkedArray | pa.Array, k: int = 1, entities: np.ndarray | None = None, most: int | None = None
    ) -> NumericCodec:
        """Learn the lattice from the values (any length, NULLs allowed)."""
        numbers = _numbers(values)
        endless = len(values) - values.null_count > np.isfinite(numbers).sum()
        numbers = numbers[np.isfinite(numbers)]
        unit, lattice = _unit(numbers, pa.types.is_integer(values.type))
        known = lattice and len(numbers) and k <= 1  # the least number is somebody's
        origin = float(np.round(numbers.min() / unit)) if known else 0.0
        codec = cls(str(values.type), unit, origin if abs(origin) > 2**52 else 0.0, lattice, most=most)
        return codec._with_ends(np.sort(numbers)[k - 1 : len(numbers) - k + 1]) if endless else codec

    def _with_ends(self, numbers: np.ndarray) -> NumericCodec:
        finite = self.measure(pa.array(numbers if len(numbers) else np.zeros(1)))
        return replace(self, bottom=float(finite.min()), top=float(finite.max()))

    @property
    def _beyond(self) -> float:
        """How far beyond the finite numbers ∞ stands; NaN stands twice as far."""
        return 1.0 if self.lattice else max(1.0, (self.top - self.bottom) / 100)

    def measure(self, values: pa.ChunkedArray | pa.Array) -> np.ndarray:
        """Lattice units, float64[n]; NaN where NULL."""
        numbers = _numbers(values)
        raw = numbers / self.unit - self.origin
        raw = np.round(raw) if self.lattice else raw
        if np.isfinite(self.top):
            raw[numbers == np.inf] = self.top + self._beyond
            raw[numbers == -np.inf] = self.bottom - self._beyond
            null = contiguous(values).is_null().to_numpy(zero_copy_only=False)
            raw[np.isnan(numbers) & ~null] = self.top + 2 * self._beyond
        return raw

    def restore(self, raw: np.ndarray) -> pa.Array:
        """Values of the column's type from lattice units."""
        null = np.isnan(raw)
        numbers = np.where(null, 0.0, raw) + self.origin
        if self.type.startswith("int"):
            whole = np.clip(np.round(numbers * self.unit), -(2.0**63), 2.0**63 - 1024).astype(np.int64)
            return pa.array(whole, mask=null)
        if self.type.startswith("decimal"):
            return self._decimals(numbers, null)
        plain = numbers * self.unit if self.unit >= 1 else np.round(numbers) / np.round(1 / self.unit)
        plain = plain if self.lattice else numbers
        if np.isfinite(self.top):
            ends = (raw < self.bottom, raw > self.top + 1.5 * self._beyond, raw > self.top)
            plain = np.select(ends, (-np.inf, np.nan, np.inf), plain)
        return pa.array(plain, mask=null)

    def _decimals(self, numbers: np.ndarray, null: np.ndarray) -> pa.Array:
        precision, scale = (int(p) for p in self.type[len("decimal128(") : -1].split(","))
        target = pa.decimal128(precision, scale)
        scaled = numbers * (self.unit * 10.0**scale)
        if precision <= 18:
            most = 10**precision - 1
            units = np.clip(np.round(scaled).astype(np.int64), -most, most)
            return pc.if_else(pa.array(null), pa.scalar(None, target), _from_units(units, scale).cast(target))
        # As integers: a float beside the largest number may be above it.
        roof = 10**precision - 1 if self.most is None else self.most * 10**scale
        whole = (max(min(int(v), roof), 1 - 10**precision) for v in np.round(scaled))
        exact = [None if n else Decimal(v).scaleb(-scale) for v, n in zip(whole, null, strict=True)]
        return pa.array(exact, type=target)


def _from_units(units: np.ndarray, scale: int) -> pa.Array:
    """units · 10⁻ˢ in Arrow's own 16-byte form: its decimal arithmetic would widen the precision beyond its limit."""
    words = np.stack([units, units >> 63], axis=1)
    return pa.Array.from_buffers(pa.decimal128(38, scale), len(units), [None, pa.py_buffer(words.tobytes())])


def _numbers(values: pa.ChunkedArray | pa.Array) -> np.ndarray:
    return contiguous(values).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)


def _unit(numbers: np.ndarray, whole: bool) -> tuple[float, bool]:
    """The coarsest step of which (practically) all numbers are multiples, and whether there is one."""
    if not len(numbers):
        return 1.0, True
    distinct = np.unique(numbers[:: max(1, len(numbers) // 100_000)])
    if whole or np.all(distinct == np.round(distinct)):
        exact = np.abs(distinct[np.abs(distinct) < 2**52]).astype(np.int64)
        return float(max(int(np.gcd.reduce(exact)) if len(distinct) > 1 else 1, 1)), True
    for decimals in range(1, _MOST_DECIMALS + 1):
        scaled = distinct * 10.0**decimals
        if np.all(np.abs(scaled - np.round(scaled)) <= 1e-6 * np.maximum(1.0, np.abs(scaled) * 1e-6)):
            return 10.0**-decimals, True
    return 1.0, False
