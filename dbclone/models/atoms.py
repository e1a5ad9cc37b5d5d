"""Discretising a measured column: spikes (values that repeat) and quantile bins between them.

A code is an interval [low, high] of lattice units; a spike has low = high.  Codes rise with the values, code 0 is NULL.
A draw from a bin is uniform over its lattice points, so a decoded number keeps the lattice but is no real one.

With k > 1 every interval holds at least k entities, and its ends are no single real numbers: bins meet half-way
between their outermost values, and where there is a gap a bin ends half-way between its last two (unless it fills most
of its lattice points, of which none tells anything then).  The outermost bins begin and end beyond the k-th entity.
Values too few for an interval of their own count as the nearest one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dbclone.columns.base import NULL
from dbclone.columns.soundness import require_vectors
from dbclone.models.holding import runs
from dbclone.privacy.protection import Guard

MOST_BINS = 400
_BIN_ROWS = 8
"""Fewest rows in a bin: fewer would pin single real values."""
_NEAR = 4.0
"""Gap between two bins, in mean gaps within a bin, up to which they meet half-way."""
_UNEVEN = 0.5 - 1 / 32 - 1 / 4099
"""Half-way on a continuum: the middle of two whole numbers would often be a third one."""
_SPIKE_ROWS = 5
"""Rows from which a value is one that people share (a price, a round number) and not one of a continuum."""


@dataclass(frozen=True)
class Atoms:
    """low, high: float64[size − 1], the intervals of codes 1 …; edges between them lie half-way."""

    low: np.ndarray
    high: np.ndarray
    lattice: bool

    def __post_init__(self) -> None:
        require_vectors("a set of intervals", "f", self.low, self.high)

    @property
    def size(self) -> int:
        return len(self.low) + 1

    @classmethod
    def fit(
        cls, raw: np.ndarray, lattice: bool, k: int = 1, entities: np.ndarray | None = None, *, tails: bool = False
    ) -> Atoms:
        """Learn intervals from lattice numbers (NaN is NULL); none holds fewer than k entities (rows if None).

        With ``tails`` the outermost bins go as far beyond the k-th entity as that one lies from the 2k-th: cut there,
        a heavy tail would lose much of its mean.
        """
        held = np.flatnonzero(~np.isnan(raw))
        order = held[np.argsort(raw[held], kind="stable")]
        values = raw[order]
        if not len(values):
            return cls(np.zeros(0), np.zeros(0), lattice)
        entity = order if entities is None or k <= 1 else entities[order]
        distinct, rank, counts = np.unique(values, return_inverse=True, return_counts=True)
        alone = _spikes(distinct, counts, lattice, k)
        if k > 1:
            alone &= _holders(rank, entity, len(distinct)) >= k
        fewest = max(k, _BIN_ROWS, int(np.ceil(len(values) / MOST_BINS)))
        latest = np.full(int(entity.max()) + 1, -1, dtype=np.int64)
        starts, holding = runs(rank.astype(np.int64), entity.astype(np.int64), alone, fewest, max(k, 1), latest)
        starts, ends = _joined(starts, holding, alone[rank[starts]], len(values), k)
        if not len(starts):
            return cls._coarse(values, lattice)
        low, high = values[starts], values[ends]
        if k > 1:
            low, high = _inside(distinct, (rank[starts], rank[ends]), lattice)
            low, high = _cut(low, high, (values, rank, entity, distinct), k, lattice, tails=tails)
        return cls(low, high, lattice)

    @classmethod
    def _coarse(cls, values: np.ndarray, lattice: bool) -> Atoms:
        """Of fewer than k entities only the magnitude is told."""
        middle = float(f"{float(np.median(values)):.0e}")
        at = np.array([np.round(middle) if lattice else middle])
        return cls(at, at.copy(), lattice)

    def encode(self, raw: np.ndarray) -> np.ndarray:
        """int32 codes; numbers between two intervals go to the nearer one."""
        if not len(self.low):
            return np.zeros(len(raw), dtype=np.int32)
        edges = (self.high[:-1] + self.low[1:]) / 2
        codes = np.searchsorted(edges, np.nan_to_num(raw), side="left") + 1
        return np.where(np.isnan(raw), NULL, codes).astype(np.int32)


def _spikes(distinct: np.ndarray, counts: np.ndarray, lattice: bool, k: int) -> np.ndarray:
    """bool[distinct]: values of enough rows, and of far more than chance would give them on a crowded lattice."""
    rows = int(counts.sum())
    crowded = lattice and rows < _SPIKE_ROWS * 4 * len(distinct)
    density = rows / max((distinct[-1] - distinct[0]) if lattice else 1.0, 1.0) if crowded else 0.0
    spikes: np.ndarray = counts >= max(k, _SPIKE_ROWS, 3 * density)
    return spikes


def _holders(rank: np.ndarray, entity: np.ndarray, size: int) -> np.ndarray:
    pairs = np.unique(rank.astype(np.int64) * (int(entity.max(initial=0)) + 1) + entity)
    return np.bincount(pairs // (int(entity.max(initial=0)) + 1), minlength=size)


def _joined(
    starts: np.ndarray, holding: np.ndarray, alone: np.ndarray, n: int, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """First and last row of each run; one too small joins the bin before it, or is left to the nearest interval."""
    first: list[int] = []
    last: list[int] = []
    ends = np.append(starts[1:], n) - 1
    sizes = ends - starts + 1
    open_ = False
    for i in range(len(starts)):
        small = not alone[i] and (holding[i] < k or sizes[i] < _BIN_ROWS // 2)
        if small and open_:
            last[-1] = int(ends[i])
        elif holding[i] >= k:
            first.append(int(starts[i]))
            last.append(int(ends[i]))
            open_ = not alone[i]
        else:
            open_ = False
    return np.array(first, dtype=np.int64), np.array(last, dtype=np.int64)


def _inside(distinct: np.ndarray, at: tuple[np.ndarray, np.ndarray], lattice: bool) -> tuple[np.ndarray, np.ndarray]:
    """The ends of each run: half-way to the next run, or where that is far, half-way back into a sparse run."""
    first, last = at
    low, high = distinct[first].copy(), distinct[last].copy()
    points = high - low + 1 if lattice else np.full(len(low), np.inf)
    sparse = (last > first) & (points > 2 * (last - first + 1))
    second, before = distinct[np.minimum(first + 1, last)], distinct[np.maximum(last - 1, first)]
    part = 0.5 if lattice else _UNEVEN
    inner_low, inner_high = low + part * (second - low), high - part * (high - before)
    two = last == first + 1
    inner_low = np.where(two, low + part / 2 * (high - low), inner_low)
    inner_high = np.where(two, high - part / 2 * (high - low), inner_high)
    if lattice:
        inner_low, inner_high = np.ceil(inner_low), np.floor(inner_high)
    inner_low = np.where(sparse, inner_low, low)
    inner_high = np.where(sparse, np.maximum(inner_high, inner_low), high)
    usual = np.maximum(high - low, 0.0) / np.maximum(last - first, 1)
    bins = last > first
    before, after = np.append(-np.inf, high[:-1]), np.append(low[1:], np.inf)
    near_low, near_high = bins & (low - before <= _NEAR * usual), bins & (after - high <= _NEAR * usual)
    outer_low, outer_high = low - part * (low - before), high + part * (after - high)
    if lattice:
        outer_low, outer_high = np.floor(outer_low) + 1, np.floor(outer_high)
    return np.where(near_low, outer_low, inner_low), np.where(near_high, outer_high, inner_high)


def _cut(
    low: np.ndarray, high: np.ndarray, rows: tuple[np.ndarray, ...], k: int, lattice: bool, *, tails: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The outermost bins without what lies beyond the k-th entity from either end."""
    if low[0] < high[0]:
        cut = lower_cut(rows, k, lattice)
        low[0] = 2 * cut - lower_cut(rows, 2 * k, lattice) if tails else max(low[0], min(cut, high[0]))
    if low[-1] < high[-1]:
        values, rank, entity, distinct = rows
        mirrored = (-values[::-1], len(distinct) - 1 - rank[::-1], entity[::-1], -distinct[::-1])
        cut = -lower_cut(mirrored, k, lattice)
        high[-1] = 2 * cut + lower_cut(mirrored, 2 * k, lattice) if tails else min(high[-1], max(cut, low[-1]))
    return low, high


def lower_cut(rows: tuple[np.ndarray, ...], k: int, lattice: bool) -> float:
    """A number just beyond the value of the k-th entity, or that value where k entities hold it: sorted values, their
    ranks and entities, distinct values."""
    _, rank, entity, distinct = rows
    first = np.sort(np.unique(entity, return_index=True)[1])
    at = int(rank[first[min(k, len(first)) - 1]])
    if at == 0 or at + 1 >= len(distinct) or len(np.unique(entity[rank == at])) >= k:
        return float(distinct[at])
    between = distinct[at] + (0.5 if lattice else _UNEVEN) * (distinct[at + 1] - distinct[at])
    return float(np.ceil(between) if lattice else between)


def extremes(raw: np.ndarray, lattice: bool, guard: Guard, *, tails: bool = False) -> tuple[float, float]:
    """Lowest and highest number, beyond the k-th entity where they are guarded (0 and 0 where there is none)."""
    held = np.flatnonzero(~np.isnan(raw))
    if not len(held):
        return 0.0, 0.0
    if not guard.on:
        return float(raw[held].min()), float(raw[held].max())
    atoms = Atoms.fit(raw, lattice, guard.k, guard.entities, tails=tails)
    return float(atoms.low[0]), float(atoms.high[-1])
