"""Discretising a measured column: spikes (values that repeat) and quantile bins between them.

A code is an interval [low, high] of lattice units; a spike has low = high.  Codes rise with the values, code 0 is NULL.
A draw from a bin is uniform over its lattice points, so a decoded number keeps the lattice but is no real one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dbclone.columns.base import NULL

MOST_BINS = 400
_BIN_ROWS = 8
"""Fewest rows in a bin: fewer would pin single real values."""
_SPIKE_ROWS = 5
"""Rows from which a value is one that people share (a price, a round number) and not one of a continuum."""


@dataclass(frozen=True)
class Atoms:
    """low, high: float64[size − 1], the intervals of codes 1 …; edges between them lie half-way."""

    low: np.ndarray
    high: np.ndarray
    lattice: bool

    @property
    def size(self) -> int:
        return len(self.low) + 1

    @classmethod
    def fit(cls, raw: np.ndarray, lattice: bool, k: int = 1) -> Atoms:
        """Learn intervals from lattice numbers (NaN is NULL); none holds fewer than k rows."""
        values = np.sort(raw[~np.isnan(raw)])
        if k > 1 and len(values) > 2 * k:
            values = np.clip(values, values[k - 1], values[-k])
        if not len(values):
            return cls(np.zeros(0), np.zeros(0), lattice)
        distinct, counts = np.unique(values, return_counts=True)
        crowded = lattice and len(values) < _SPIKE_ROWS * 4 * len(distinct)
        density = len(values) / max((values[-1] - values[0]) if lattice else 1.0, 1.0) if crowded else 0.0
        spike = counts >= max(k, _SPIKE_ROWS, 3 * density)
        starts = _starts(counts, spike, max(k, _BIN_ROWS, int(np.ceil(len(values) / MOST_BINS))))
        ends = np.append(starts[1:], len(distinct)) - 1
        return cls(distinct[starts], distinct[ends], lattice)

    def encode(self, raw: np.ndarray) -> np.ndarray:
        """int32 codes; numbers between two intervals go to the nearer one."""
        if not len(self.low):
            return np.zeros(len(raw), dtype=np.int32)
        edges = (self.high[:-1] + self.low[1:]) / 2
        codes = np.searchsorted(edges, np.nan_to_num(raw), side="left") + 1
        return np.where(np.isnan(raw), NULL, codes).astype(np.int32)


def _starts(counts: np.ndarray, spike: np.ndarray, fewest: int) -> np.ndarray:
    """Index of the first distinct value of every interval: spikes alone, runs between them cut by number of rows."""
    starts: list[int] = []
    held = 0
    open_ = False
    for i, (count, alone) in enumerate(zip(counts.tolist(), spike.tolist(), strict=True)):
        if alone or not open_ or held >= fewest:
            if open_ and held < fewest // 2 and not alone and starts:
                held += count
                continue
            starts.append(i)
            held = 0
        held += count
        open_ = not alone
    return np.array(starts, dtype=np.int64)
