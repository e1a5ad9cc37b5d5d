"""Compiled draws of one column: a code from a tree, a level, a number counted from its base and kept in its range."""

from __future__ import annotations

import numpy as np
from numba import njit

from dbclone.models.layout import (
    ABSOLUTE,
    ALIKE,
    LINKED,
    LOOKUP,
    MEASURED,
    OWNER,
    PACED,
    REDRAWS,
    SAME_ROW,
    SIBLING,
    TRIES,
)


@njit(cache=True, nogil=True)
def draw_code(trees, tree, x):  # type: ignore[no-untyped-def]
    at = trees.root[tree]
    while trees.feature[at] >= 0:
        b = x[trees.feature[at]]
        left = (trees.mask[at, b >> 6] >> np.uint64(b & 63)) & np.uint64(1)
        at = trees.left[at] if left else trees.right[at]
    lam = trees.shrinkage[tree]
    while trees.parent[at] >= 0:
        n = trees.end[at] - trees.start[at]
        if np.random.random() * (lam + n) >= lam:
            break
        at = trees.parent[at]
    n = trees.end[at] - trees.start[at]
    if n == 0:
        return 0
    return trees.codes[trees.start[at] + np.random.randint(n)]


@njit(cache=True, nogil=True)
def pace_byte(previous, high, remaining):  # type: ignore[no-untyped-def]
    """Room up to ``high`` per remaining sibling, on a scale of eighths of a doubling; 0 for the first sibling."""
    if np.isnan(previous):
        return 0
    pace = max(high - previous, 0.0) / max(remaining, 1)
    return int(min(max(128 + 8 * np.log2(pace + 1e-4), 1), 255))


@njit(cache=True, nogil=True)
def _looked_up(variants, v, number):  # type: ignore[no-untyped-def]
    """A value that goes with the number, and whether the number is known."""
    at, n = variants.known_at[v], variants.known_n[v]
    i = np.searchsorted(variants.known[at : at + n], number)
    if i < n and variants.known[at + i] == number:
        start, end = variants.starts[at + v + i], variants.starts[at + v + i + 1]
        return variants.determined[start + np.random.randint(end - start)], True
    return 0.0, False


@njit(cache=True, nogil=True)
def _number_of(reference, source, link, row, first, family, families, numbers, chosen, alike, links):  # type: ignore[no-untyped-def]
    """The number that a reference leads to; NaN where there is none."""
    if reference in (SIBLING, PACED):
        return np.nan if first else numbers[row - 1, source]
    if reference == ALIKE:
        return np.nan if alike < 0 else numbers[alike, source]
    if reference == SAME_ROW:
        return numbers[row, source]
    if reference == OWNER:
        return families.numbers[family, source]
    if reference == LINKED and chosen[row, link] >= 0:
        return links.numbers[links.numbers_at[link] + chosen[row, link] * links.numbers_n[link] + source]
    return np.nan


@njit(cache=True, nogil=True)
def range_of(p, s, row, first, family, families, numbers, chosen, alike):  # type: ignore[no-untyped-def]
    """Lowest and highest number that the step may have in this row."""
    low, high = p.steps.low[s], p.steps.high[s]
    b = p.bounds
    for i in range(b.first[s], b.first[s + 1]):
        bound = _number_of(
            b.reference[i], b.source[i], b.link[i], row, first, family, families, numbers, chosen, alike, p.links
        )
        if np.isnan(bound):
            continue
        if SAME_ROW <= b.reference[i] <= LINKED:
            bound = bound * b.scale[i] + b.shift[i]
            if p.steps.lattice[s]:
                bound = np.floor(bound + 1e-9)
        if b.upper[i]:
            high = min(high, bound)
        else:
            low = max(low, bound)
    return low, max(low, high)


@njit(cache=True, nogil=True)
def _emptiness(p, s, row, codes, numbers):  # type: ignore[no-untyped-def]
    """1 where the step must be NULL, 0 where it must not, −1 where nothing says."""
    source = p.nulls.source[s]
    if source < 0:
        return -1
    if p.steps.kind[source] == MEASURED:
        key = -1.0 if np.isnan(numbers[row, source]) else 0.0
    else:
        key = float(codes[row, source]) if codes[row, source] > 0 else -1.0
    a, b = p.nulls.first[s], p.nulls.first[s + 1]
    i = a + np.searchsorted(p.nulls.known[a:b], key)
    return p.nulls.empty[i] if i < b and p.nulls.known[i] == key else -1


@njit(cache=True, nogil=True)
def _draw_filled(trees, tree, x, empty):  # type: ignore[no-untyped-def]
    """A code, drawn again while it is NULL though it must not be."""
    code = draw_code(trees, tree, x)
    if empty == 0:
        for _ in range(2 * TRIES):
            if code != 0:
                break
            code = draw_code(trees, tree, x)
    return code


@njit(cache=True, nogil=True)
def _base_of(p, s, v, row, first, family, families, numbers, chosen, alike):  # type: ignore[no-untyped-def]
    """What the variant counts from, on the step's lattice; NaN where there is nothing."""
    variants, kind = p.variants, p.variants.reference[v]
    if kind == ABSOLUTE:
        return 0.0
    base = _number_of(
        kind, variants.source[v], variants.link[v], row, first, family, families, numbers, chosen, alike, p.links
    )
    if SAME_ROW <= kind <= LINKED:
        base = base * variants.scale[v] + variants.shift[v]
        return np.floor(base + 1e-9) if p.steps.lattice[s] else base
    return base


@njit(cache=True, nogil=True)
def _distance(variants, at, kind, unit, lattice):  # type: ignore[no-untyped-def]
    """A number of the interval ``at``, uniform over its lattice points; PACED ones in units, rounded at random."""
    a, b = variants.low[at], variants.high[at]
    if kind == PACED:
        paced = (a + np.random.random() * (b - a)) * unit
        return np.floor(paced + np.random.random()) if lattice else paced
    if lattice:
        return a + np.floor(np.random.random() * (b - a + 1.0))
    return a + np.random.random() * (b - a)


@njit(cache=True, nogil=True)
def draw_number(p, s, x, row, left, first, family, families, codes, numbers, chosen, alike):  # type: ignore[no-untyped-def]
    steps, variants = p.steps, p.variants
    empty = _emptiness(p, s, row, codes, numbers)
    if empty == 1:
        return 0, np.nan
    low, high = range_of(p, s, row, first, family, families, numbers, chosen, alike)
    for v in range(steps.first_variant[s], steps.first_variant[s] + steps.variants[s]):
        kind, source = variants.reference[v], variants.source[v]
        if kind == LOOKUP:
            other = numbers[row, source] if steps.kind[source] == MEASURED else float(codes[row, source])
            value, known = _looked_up(variants, v, other)
            if known:
                return 0, value
            continue
        base = _base_of(p, s, v, row, first, family, families, numbers, chosen, alike)
        if np.isnan(base):
            continue
        unit = max(high - base, 0.0) / max(left, 1) if kind == PACED else 1.0
        value = 0.0
        for _ in range(REDRAWS):
            code = _draw_filled(p.trees, variants.tree[v], x, empty)
            if code == 0:
                return code, np.nan
            value = base + _distance(variants, variants.atoms_at[v] + code - 1, kind, unit, steps.lattice[s])
            if low <= value <= high:
                return code, value
        return code, min(max(value, low), high)
    return 0, np.nan


@njit(cache=True, nogil=True)
def draw_level(p, s, x, row, codes, numbers):  # type: ignore[no-untyped-def]
    """Code of a coded step: looked up where an earlier step determines it, else drawn."""
    steps, variants = p.steps, p.variants
    empty = _emptiness(p, s, row, codes, numbers)
    if empty == 1:
        return 0
    last = steps.first_variant[s] + steps.variants[s] - 1
    for v in range(steps.first_variant[s], last):
        source = variants.source[v]
        other = numbers[row, source] if steps.kind[source] == MEASURED else float(codes[row, source])
        value, known = _looked_up(variants, v, other)
        if known:
            return int(value)
    return _draw_filled(p.trees, variants.tree[last], x, empty)
