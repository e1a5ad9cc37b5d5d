"""Dates, times and timestamps on the coarsest clock that the data keep to: days, quarter hours, seconds …"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from dbclone.columns.base import contiguous

DAY = 86_400_000_000
"""Microseconds."""
DECADE = 3_652 * DAY
_CLOCKS = (DAY, 3_600_000_000, 900_000_000, 60_000_000, 1_000_000, 1_000, 1)
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Years 1 to 9999, which every product can store."""


@dataclass(frozen=True)
class TemporalCodec:
    """Microseconds since 1970 (or since midnight) = origin + raw · unit."""

    type: str
    """'date32[day]', 'time64[us]', 'timestamp[us]' or 'timestamp[us, tz=UTC]'."""
    unit: int
    """Microseconds of one lattice step."""
    origin: int
    lattice: bool = True

    @classmethod
    def fit(cls, values: pa.ChunkedArray | pa.Array, k: int = 1, entities: np.ndarray | None = None) -> TemporalCodec:
        """Learn the clock from the values (any length, NULLs allowed); of fewer than k entities only the decade."""
        stamps, null = _microseconds(values)
        stamps = stamps[~null]
        if not len(stamps):
            return cls(str(values.type), DAY, 0)
        if k > 1 and (len(stamps) if entities is None else len(np.unique(entities[~null]))) < k:
            return cls._coarse(str(values.type), stamps)
        sample = stamps[:: max(1, len(stamps) // 100_000)]
        unit = next(u for u in _CLOCKS if not np.any(sample % u))
        middle = int(np.median(sample))
        if k > 1 and not str(values.type).startswith("time64"):
            year = np.datetime64(middle, "us").astype("datetime64[Y]")
            return cls(str(values.type), unit, int(year.astype("datetime64[us]").astype(np.int64)))
        return cls(str(values.type), unit, middle // DAY * DAY)

    @classmethod
    def _coarse(cls, kind: str, stamps: np.ndarray) -> TemporalCodec:
        """Steps of a decade from a day that none of the values is; of a time of day nothing is told."""
        if kind.startswith("time64"):
            return cls(kind, DAY, 0)
        years = np.datetime64(int(np.median(stamps)), "us").astype("datetime64[Y]").astype(np.int64)
        first = np.datetime64(int(years) // 10 * 10, "Y").astype("datetime64[us]").astype(np.int64)
        days = int(first) + DAY * np.arange(len(stamps) + 1)
        return cls(kind, DECADE, int(np.setdiff1d(days, stamps // DAY * DAY)[0]))

    @property
    def told_by_decade(self) -> bool:
        """Whether of its dates nothing is known but the decade."""
        return self.unit >= DECADE

    def on_any_day(self, raw: np.ndarray, rng: np.random.Generator) -> pa.Array:
        """Values on days drawn within the decades ``raw``."""
        days = np.floor(raw) * (DECADE // DAY) + rng.integers(DECADE // DAY, size=len(raw))
        return replace(self, unit=DAY).restore(days)

    @property
    def whole_days(self) -> bool:
        return self.unit >= DAY

    def measure(self, values: pa.ChunkedArray | pa.Array) -> np.ndarray:
        """Lattice steps since the origin, float64[n]; NaN where NULL."""
        stamps, null = _microseconds(values)
        raw = np.floor_divide(stamps - self.origin, self.unit).astype(np.float64)
        raw[null] = np.nan
        return raw

    def at_time(self, days: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Lattice steps since 1970 of whole days since the origin and steps of a time of day, float64[n]."""
        return days * round(DAY / self.unit) + times + self.origin // self.unit

    def restore(self, raw: np.ndarray) -> pa.Array:
        """Values of the column's type from lattice steps; beyond years 1 to 9999 they are clipped."""
        null = np.isnan(raw)
        steps = np.round(np.where(null, 0.0, raw))
        low, high = (0, DAY - 1) if self.type.startswith("time64") else (_EARLIEST, _LATEST)
        steps = np.clip(steps, (low - self.origin) // self.unit + (1 if low else 0), (high - self.origin) // self.unit)
        stamps = steps.astype(np.int64) * self.unit + self.origin
        if self.type.startswith("date32"):
            return pa.array((stamps // DAY).astype(np.int32), mask=null).cast(pa.date32())
        whole = pa.array(stamps, mask=null)
        if self.type.startswith("time64"):
            return whole.cast(pa.time64("us"))
        return whole.cast(pa.timestamp("us", tz="UTC" if "tz=" in self.type else None))


def _microseconds(values: pa.ChunkedArray | pa.Array) -> tuple[np.ndarray, np.ndarray]:
    flat = contiguous(values)
    null = flat.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_date32(flat.type):
        days = flat.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        return days * DAY, null
    if pa.types.is_timestamp(flat.type):
        flat = flat.cast(pa.timestamp("us", tz=flat.type.tz))
    return flat.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), null
