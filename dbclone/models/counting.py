"""From what a measured column is best counted: nothing, the previous sibling, another column, the owner, a parent.

Dates of one story differ little from each other however far the stories lie apart.  A reference is taken when it makes
the distribution of the difference much narrower (entropy on the column's own grid) than that of the number itself.
"""

from __future__ import annotations

import numpy as np

from dbclone.models.steps import Scale

GRID = 64
"""Cells between the 2nd and the 98th percentile of the column."""
WORTH = 0.5
"""Nats that a reference must save."""
_SAMPLE = 20_000
_LINE = 0.98
"""Correlation from which one column is a line of another of a different unit."""


def grid_width(raw: np.ndarray, lattice: bool) -> float:
    """Width of a cell, in lattice units."""
    known = raw[~np.isnan(raw)]
    if not len(known):
        return 1.0
    low, high = np.quantile(known, [0.02, 0.98])
    width = float(high - low) / GRID
    return max(width, 1.0) if lattice else max(width, 1e-12)


def entropy(values: np.ndarray, width: float) -> float:
    """Entropy in nats of the cells that the numbers fall in, corrected for its bias (Miller 1955)."""
    known = values[~np.isnan(values)]
    if not len(known):
        return np.inf
    counts = np.unique(np.floor(known / width), return_counts=True)[1].astype(np.float64)
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum() + (len(counts) - 1) / (2 * counts.sum()))


def constancy(raw: np.ndarray, base: np.ndarray) -> float:
    """Share of the rows with a base whose distance from it is the most frequent one; ``raw``, ``base`` float64[n]."""
    distance = (raw - base)[~np.isnan(raw - base)]
    return float(np.unique(distance, return_counts=True)[1].max() / len(distance)) if len(distance) else 0.0


def converted(numbers: np.ndarray, source: Scale, to: Scale) -> np.ndarray:
    """Numbers of one scale on the lattice of another, rounded down as the kernel does."""
    factor, shift = conversion(source, to)
    moved = numbers * factor + shift
    return np.floor(moved + 1e-9) if to.lattice else moved


def conversion(source: Scale, to: Scale) -> tuple[float, float]:
    """factor, shift such that number · factor + shift is on the other lattice."""
    return source.unit / to.unit, (source.offset - to.offset) / to.unit


def saved(raw: np.ndarray, base: np.ndarray, lattice: bool, group: np.ndarray | None = None) -> float:
    """Nats saved by counting ``raw`` from ``base`` (both float64[n]); 0 where the base is mostly missing.

    With ``group`` (int64[n]), the kind of each row, which is known before: saved within the kinds.
    """
    pick = slice(None, None, max(1, len(raw) // _SAMPLE))
    raw, base = raw[pick], base[pick]
    both = ~np.isnan(raw) & ~np.isnan(base)
    if both.sum() < max(20, 0.5 * (~np.isnan(raw)).sum()):
        return 0.0
    width = grid_width(raw, lattice)
    if group is None:
        return entropy(raw[both], width) - entropy(raw[both] - base[both], width)
    kinds, total = group[pick][both], 0.0
    for kind in np.unique(kinds):
        mine = kinds == kind
        if mine.sum() >= 20:
            x, b = raw[both][mine], base[both][mine]
            total += mine.sum() * (entropy(x, width) - entropy(x - b, width))
    return float(total / both.sum())


def straight_line(numbers: np.ndarray, raw: np.ndarray, to: Scale) -> Scale | None:
    """The scale on which ``numbers`` foretell ``raw`` (a week from a day), or None where they lie on no line."""
    both = ~np.isnan(numbers) & ~np.isnan(raw)
    pick = np.flatnonzero(both)[:: max(1, int(both.sum()) // _SAMPLE)]
    if len(pick) < 50 or numbers[pick].std() == 0 or raw[pick].std() == 0:
        return None
    if abs(np.corrcoef(numbers[pick], raw[pick])[0, 1]) < _LINE:
        return None
    slope, shift = np.polyfit(numbers[pick], raw[pick], 1)
    return Scale(float(slope) * to.unit, float(shift) * to.unit + to.offset, to.temporal, to.lattice)
