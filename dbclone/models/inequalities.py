"""Inequalities between a measured column and what it can be counted from: shipping after the order, and the like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SUPPORT = 0.999
_CHANCE = 0.97
"""Share of random pairs that may agree: an inequality that holds between any two rows says nothing."""
_CHANCE_EXACT, _MANY = 0.998, 1_000
"""The same for what holds without exception in at least so many rows."""
MOST = 3
_SAMPLE = 20_000
_EQUAL = 0.9


def holds(raw: np.ndarray, base: np.ndarray) -> int:
    """1 where raw ≥ base, −1 where raw ≤ base (in ≥ 99.9% of the rows, and rarely by chance), else 0."""
    both = np.flatnonzero(~np.isnan(raw) & ~np.isnan(base))
    if len(both) < 50:
        return 0
    pick = both[:: max(1, len(both) // _SAMPLE)]
    a, b = raw[pick], base[pick]
    for sign in (1, -1):
        if np.mean(sign * (a - b) >= 0) >= SUPPORT:
            shuffled = np.random.default_rng(0).permutation(b)
            support = float(np.mean(sign * (raw[both] - base[both]) >= 0))
            most = _CHANCE_EXACT if support == 1.0 and len(both) >= _MANY else _CHANCE
            if np.mean(sign * (a - shuffled) >= 0) < most:
                return sign if support >= SUPPORT else 0
    return 0


def mostly_equal(raw: np.ndarray, base: np.ndarray) -> bool:
    """Whether the two are the same in nine of ten rows that have both."""
    both = ~np.isnan(raw) & ~np.isnan(base)
    return bool(both.any()) and float(np.mean(raw[both] == base[both])) >= _EQUAL


def nearest(found: Sequence[tuple[float, int]]) -> list[int]:
    """Indices of the MOST bounds that lie nearest to the column (mean distance, index)."""
    return [i for _, i in sorted(found)[:MOST]]
