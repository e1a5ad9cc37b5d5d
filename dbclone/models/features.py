"""What a decision tree sees of a column: one or more bytes per row, 0 for NULL or a missing row.

A coded column is one categorical byte.  A measured column is its quantile bin; a column of dates shows, besides, its
day of week, month, day of month and hour, so that calendars can be learned from dates that lie far apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dbclone.columns.soundness import require
from dbclone.columns.temporal import DAY
from dbclone.models.calendar import civil
from dbclone.models.compiled import kernel
from dbclone.models.holding import runs
from dbclone.privacy.protection import UNGUARDED, Guard

MOST_BINS = 63
WEEKDAY, MONTH, MONTHDAY, HOUR = 1, 2, 4, 8
"""Bits that say which calendar parts a column shows."""


@dataclass(frozen=True)
class CodedFeature:
    """One byte: the code, codes from 255 on folded into 255."""

    width: int = 1

    def __post_init__(self) -> None:
        require(self.width == 1, "a feature")

    def view(self, codes: np.ndarray) -> np.ndarray:
        """uint8[1, n] from int32[n]."""
        return np.minimum(codes, 255).astype(np.uint8)[None, :]

    @property
    def ordered(self) -> tuple[bool, ...]:
        return (False,)


@dataclass(frozen=True)
class MeasuredFeature:
    """Quantile bin of a lattice number, then the calendar parts in ``parts``."""

    edges: np.ndarray
    """float64, rising; the bin of x is 1 + how many edges are ≤ x."""
    parts: int = 0
    unit: float = 1.0
    """Microseconds per lattice step, for the calendar parts."""
    origin: float = 0.0
    """Microseconds since 1970 at lattice number 0."""
    known: np.ndarray = field(default_factory=lambda: np.zeros(0))
    types: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))
    """Rising numbers that many rows share, and the type (from 1) of each: which days are alike (models.grouping)."""

    def __post_init__(self) -> None:
        require(self.edges.ndim == 1 and self.known.ndim == 1 and self.known.shape == self.types.shape, "a feature")

    @classmethod
    def fit(
        cls, raw: np.ndarray, parts: int = 0, unit: float = 1.0, origin: float = 0.0, guard: Guard = UNGUARDED
    ) -> MeasuredFeature:
        """Place the edges so that bins hold like numbers of rows; a frequent value has a bin of its own.

        Guarded, each bin holds at least k entities and its edges lie half-way between two values.
        """
        if guard.on:
            return cls(_guarded_edges(raw, guard), parts, unit, origin)
        values = np.sort(raw[~np.isnan(raw)])
        if not len(values):
            return cls(np.zeros(0), parts, unit, origin)
        distinct = np.unique(values)
        if len(distinct) > MOST_BINS:
            at = values[np.linspace(0, len(values) - 1, MOST_BINS + 1).astype(np.int64)]
            heavy = np.flatnonzero(at[1:] == at[:-1])
            after = distinct[np.minimum(np.searchsorted(distinct, at[heavy], side="right"), len(distinct) - 1)]
            distinct = np.unique(np.concatenate([at, after]))[: 2 * MOST_BINS]
        return cls(distinct[1:].astype(np.float64), parts, unit, origin)

    @property
    def width(self) -> int:
        return 1 + self.parts.bit_count() + (1 if len(self.known) else 0)

    @property
    def ordered(self) -> tuple[bool, ...]:
        return (True,) * (1 + self.parts.bit_count()) + ((False,) if len(self.known) else ())

    def view(self, raw: np.ndarray) -> np.ndarray:
        """uint8[width, n] from float64[n]."""
        seen = np.zeros((len(raw), self.width), np.uint8)
        clock = (self.parts, float(self.unit), float(self.origin))
        _view(raw, self.edges, clock, self.known, self.types, seen)
        return np.ascontiguousarray(seen.T)


def _guarded_edges(raw: np.ndarray, guard: Guard) -> np.ndarray:
    """Edges of at most 2 · MOST_BINS runs of k entities and more; float64, rising."""
    held = np.flatnonzero(~np.isnan(raw))
    order = held[np.argsort(raw[held], kind="stable")]
    if not len(order):
        return np.zeros(0)
    values, entity = raw[order], guard.entities[order].astype(np.int64)
    distinct, rank, counts = np.unique(values, return_inverse=True, return_counts=True)
    fewest = max(guard.k, len(values) // MOST_BINS) if len(distinct) > MOST_BINS else guard.k
    alone = (counts >= fewest) & guard.take(order).held(rank, len(distinct))
    latest = np.full(int(entity.max()) + 1, -1, dtype=np.int64)
    starts, holding = runs(rank.astype(np.int64), entity, alone, fewest, guard.k, latest)
    kept = starts[holding >= guard.k]
    first = rank[kept[1:]]
    return (distinct[first] + distinct[first - 1]) / 2


def calendar_parts(unit: float, spread: float) -> int:
    """Which parts are worth showing: ``unit`` microseconds per step, ``spread`` microseconds between extremes."""
    parts = 0
    if spread >= 14 * DAY and unit <= DAY:
        parts |= WEEKDAY | MONTHDAY
    if spread >= 200 * DAY:
        parts |= MONTH
    if unit < DAY <= spread:
        parts |= HOUR
    return parts


@kernel
def measured_bytes(raw, edges, clock, known, types, out, at):  # type: ignore[no-untyped-def]
    """Write the bytes of one lattice number at out[at …]; all 0 for NaN.  ``clock`` is (parts, unit, origin)."""
    parts, unit, origin = clock
    if known.shape[0]:
        last = at + 1 + (parts & 1) + (parts >> 1 & 1) + (parts >> 2 & 1) + (parts >> 3 & 1)
        out[last] = 0
        if not np.isnan(raw):
            out[last] = types[min(np.searchsorted(known, raw), known.shape[0] - 1)]
    if np.isnan(raw):
        out[at] = 0
        for p in range(4):
            if parts & (1 << p):
                at += 1
                out[at] = 0
        return
    out[at] = np.searchsorted(edges, raw, side="right") + 1
    if parts == 0:
        return
    stamp = raw * unit + origin
    day = np.floor(stamp / 86_400_000_000.0)
    if parts & 1:
        at += 1
        out[at] = np.uint8((int(day) + 3) % 7 + 1)
    if parts & 6:
        _, month, monthday = civil(day)
        if parts & 2:
            at += 1
            out[at] = np.uint8(month)
        if parts & 4:
            at += 1
            out[at] = np.uint8(monthday)
    if parts & 8:
        at += 1
        out[at] = np.uint8(int((stamp - day * 86_400_000_000.0) / 3_600_000_000.0) + 1)


@kernel
def _view(raw, edges, clock, known, types, out):  # type: ignore[no-untyped-def]
    for i in range(raw.shape[0]):
        measured_bytes(raw[i], edges, clock, known, types, out[i], 0)
