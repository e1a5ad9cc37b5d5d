"""Conditional NULLs: a column that is empty exactly where another one says so (cancelled_at, unless cancelled)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dbclone.privacy.protection import UNGUARDED, Guard

SUPPORT = 0.999
MOST_LEVELS = 64
_EDGE = 0.002


def null_rules(columns: Mapping[str, np.ndarray], coded: frozenset[str]) -> dict[str, str]:
    """For each column whose NULLs another column determines, that column; coded ones by level, others by NULL or not.

    ``columns`` float64[n] each, NaN for NULL.
    """
    rows = max((len(c) for c in columns.values()), default=0)
    keys = {name: null_key(c, name in coded) for name, c in columns.items()}
    known = {name: np.unique(key) for name, key in keys.items()}
    found: dict[str, str] = {}
    for b, values in columns.items():
        null = np.isnan(values)
        if rows < 50 or not _EDGE < null.mean() < 1 - _EDGE:
            continue
        for a in sorted(columns, key=lambda name: (name not in coded, len(known[name]))):
            if a == b or found.get(a) == b or not 2 <= len(known[a]) <= MOST_LEVELS or _leads_to(found, a, b):
                continue
            if _support(np.searchsorted(known[a], keys[a]), null) >= SUPPORT:
                found[b] = a
                break
    return found


def _leads_to(found: Mapping[str, str], start: str, end: str) -> bool:
    while start in found:
        start = found[start]
        if start == end:
            return True
    return False


def null_key(values: np.ndarray, coded: bool) -> np.ndarray:
    """What decides: the level (−1 for NULL) of a coded column, else 0 for a value and −1 for NULL."""
    null = np.isnan(values)
    return np.where(null, -1.0, np.where(null, 0.0, values) if coded else 0.0)


def null_table(key: np.ndarray, null: np.ndarray, guard: Guard = UNGUARDED) -> tuple[np.ndarray, np.ndarray]:
    """Rising keys that at least k entities hold, and for each whether it makes the column NULL (uint8)."""
    known, at = np.unique(key, return_inverse=True)
    empty = (np.bincount(at, weights=null) * 2 > np.bincount(at)).astype(np.uint8)
    kept = guard.held(at, len(known))
    return known[kept], empty[kept]


def _support(level: np.ndarray, null: np.ndarray) -> float:
    nulls = np.bincount(level, weights=null)
    return float(np.maximum(nulls, np.bincount(level) - nulls).sum() / max(len(level), 1))
