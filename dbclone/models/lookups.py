"""Functional dependencies between the columns of a row: a day's week, a city's state, a promotion's calendar.

Where an earlier column determines a later one in ≥ 99.5% of the rows, the later one is looked up and not drawn
(Huhtala et al. 1999, "TANE", for the notion of an approximate dependency).  The pairs are pruned on a small sample.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SUPPORT = 0.995
_REPEATS = 3.0
"""Rows per value of the determining column: less and there is nothing to generalise from."""
_SKETCH = 3_000
_COMMON = 0.98
"""A column that is nearly constant is determined by anything."""


def lookups(columns: Mapping[str, np.ndarray]) -> dict[str, str]:
    """For each determined column the coarsest one that determines it.  float64[n] each, NaN for NULL."""
    n = max((len(c) for c in columns.values()), default=0)
    if n < 20:
        return {}
    pick = np.random.default_rng(0).permutation(n)[:_SKETCH]
    small = {name: _dense(c[pick]) for name, c in columns.items()}
    distinct = {name: len(np.unique(c[~np.isnan(c)])) for name, c in columns.items()}
    found: dict[str, str] = {}
    for b in columns:
        if distinct[b] < 2 or np.bincount(small[b]).max() > _COMMON * len(pick):
            continue
        able = [a for a in columns if a != b and distinct[b] <= distinct[a] <= n / _REPEATS]
        for a in sorted(able, key=lambda name: distinct[name]):
            if found.get(a) == b or _support(small[a], small[b]) < SUPPORT - 0.01:
                continue
            if _support(_dense(columns[a]), _dense(columns[b])) >= SUPPORT:
                found[b] = a
                break
    return _without_cycles(found)


def _without_cycles(found: dict[str, str]) -> dict[str, str]:
    """Columns that determine each other in a ring: the ring is opened at its last member."""
    kept: dict[str, str] = {}
    for b, a in found.items():
        up, seen = a, {b}
        while up in kept and up not in seen:
            seen.add(up)
            up = kept[up]
        if up not in seen:
            kept[b] = a
    return kept


def table_of(a: np.ndarray, b: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Rising values of ``a`` that at least k rows hold, and the most frequent value of ``b`` for each."""
    held = ~np.isnan(a)
    known, inverse, counts = np.unique(a[held], return_inverse=True, return_counts=True)
    values, codes = np.unique(b[held], return_inverse=True)
    pair, times = np.unique(inverse * len(values) + codes, return_counts=True)
    order = np.lexsort((times, pair // len(values)))
    last = np.flatnonzero(np.append(np.diff(pair[order] // len(values)) > 0, True))
    determined = values[pair[order[last]] % len(values)]
    return known[counts >= k], determined[counts >= k]


def _dense(column: np.ndarray) -> np.ndarray:
    return np.unique(column, return_inverse=True)[1]


def _support(a: np.ndarray, b: np.ndarray) -> float:
    """Share of rows that hold the most frequent b of their a."""
    width = int(b.max(initial=0)) + 1
    pair, times = np.unique(a.astype(np.int64) * width + b, return_counts=True)
    best = np.zeros(int(a.max(initial=0)) + 1, dtype=np.int64)
    np.maximum.at(best, pair // width, times)
    return float(best.sum() / max(len(a), 1))
