"""Functional dependencies between the columns of a row: a day's week, a city's state, a promotion's calendar.

Where an earlier column determines a later one in ≥ 99.5% of the rows, the later one is looked up and not drawn
(Huhtala et al. 1999, "TANE", for the notion of an approximate dependency).  A many-valued column that nearly determines
another one (a product type its category) chooses among the values that go with it.  Pairs are pruned on a small sample.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dbclone.privacy.protection import holders

SUPPORT = 0.995
NEARLY = 0.8
"""Support from which a many-valued column chooses among what goes with it: its levels are too many for a tree."""
_MANY, _FEW = 63, 8
"""Levels beyond which a tree loses sight of a column, and up to which a tree does well in drawing one."""
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
        support = {}
        for a in sorted(able, key=lambda name: distinct[name]):
            least = NEARLY if distinct[a] > _MANY and distinct[b] > _FEW else SUPPORT
            if found.get(a) != b and _support(small[a], small[b]) >= least - 0.01:
                support[a] = min(_support(_dense(columns[a]), _dense(columns[b])), _of_known(columns[a], columns[b]))
                if support[a] >= SUPPORT:
                    break
                if support[a] < least:
                    del support[a]
        if support:
            found[b] = max(support, key=lambda name: support[name])
    return without_cycles(found)


def without_cycles(found: dict[str, str]) -> dict[str, str]:
    """What each is determined by, or comes after, where none is in a ring: that is opened at its last member."""
    kept: dict[str, str] = {}
    for b, a in found.items():
        up, seen = a, {b}
        while up in kept and up not in seen:
            seen.add(up)
            up = kept[up]
        if up not in seen:
            kept[b] = a
    return kept


def table_of(
    a: np.ndarray, b: np.ndarray, k: int, entities: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rising values of ``a``, the start of each one's slice, and what goes with it: pairs that k entities or more hold.

    One value of ``b`` each where ``a`` determines it; else all of them, as often as they occur.
    """
    held = np.flatnonzero(~np.isnan(a))
    values, codes = np.unique(b[held], return_inverse=True)
    known, inverse = np.unique(a[held], return_inverse=True)
    determines = _support(inverse, codes) >= SUPPORT
    pair, at, times = np.unique(inverse * len(values) + codes, return_inverse=True, return_counts=True)
    if k > 1:
        owner = held if entities is None else entities[held]
        times = np.where(holders(at.astype(np.int64), owner.astype(np.int64), len(pair)) >= k, times, 0)
    if determines:
        order = np.lexsort((times, pair // len(values)))
        last = order[np.append(np.diff(pair[order] // len(values)) > 0, True)] if len(pair) else order
        times = np.where(np.isin(np.arange(len(pair)), last), np.minimum(times, 1), 0)
    row, col = np.repeat(pair // len(values), times), np.repeat(pair % len(values), times)
    common = np.unique(row)
    starts = np.append(np.searchsorted(row, common), len(row)).astype(np.int64)
    return known[common], starts, values[col]


def _of_known(a: np.ndarray, b: np.ndarray) -> float:
    """Support among the rows that have a b: where nearly all have none, anything determines that."""
    known = ~np.isnan(b)
    if known.sum() < _REPEATS * len(np.unique(a[known])):
        return 0.0
    return _support(_dense(a[known]), _dense(b[known]))


def keeps_its_distance(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether one distance is that of half of the rows and more (due and paid): one is counted from the other then."""
    gap = (b - a)[~np.isnan(b - a)]
    return len(gap) > 0 and bool(np.unique(gap, return_counts=True)[1].max() >= 0.5 * len(gap))


def _dense(column: np.ndarray) -> np.ndarray:
    return np.unique(column, return_inverse=True)[1]


def _support(a: np.ndarray, b: np.ndarray) -> float:
    """Share of rows that hold the most frequent b of their a."""
    width = int(b.max(initial=0)) + 1
    pair, times = np.unique(a.astype(np.int64) * width + b, return_counts=True)
    best = np.zeros(int(a.max(initial=0)) + 1, dtype=np.int64)
    np.maximum.at(best, pair // width, times)
    return float(best.sum() / max(len(a), 1))
