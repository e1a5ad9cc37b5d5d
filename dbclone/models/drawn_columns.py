"""Compiled draws of one column: a code from a tree, a level, a number counted from its base and kept in its range."""

from __future__ import annotations

import numpy as np

from dbclone.models.calendar import on_days_of_month
from dbclone.models.compiled import inner, kernel
from dbclone.models.layout import (
    ABSOLUTE,
    ALIKE,
    DAYS_OF_MONTH,
    LINKED,
    LOOKUP,
    MEASURED,
    MONTHS,
    OWNER,
    PACED,
    REDRAWS,
    SAME_ROW,
    SIBLING,
    TRIES,
)
from dbclone.models.sieve import allowed


@inner
def _any_of(p, at):  # type: ignore[no-untyped-def]
    """The code of any row of a node."""
    n = p.nodes[at].end - p.nodes[at].start
    if n == 0:
        return 0
    return int(p.codes[p.nodes[at].start + np.random.randint(n)])


@inner
def draw_code(p, tree, x):  # type: ignore[no-untyped-def]
    """A code of the tree, given the bytes: walk to a leaf, climb by λ, take any row there."""
    at = p.trees[tree].root
    while p.nodes[at].feature >= 0:
        b = x[p.nodes[at].feature]
        left = (p.masks[at, b >> 6] >> np.uint64(b & 63)) & np.uint64(1)
        at = p.nodes[at].left if left else p.nodes[at].right
    while p.nodes[at].parent >= 0 and np.random.random() < p.nodes[at].climb:
        at = p.nodes[at].parent
    return _any_of(p, at)


@kernel
def pace_byte(previous, high, remaining):  # type: ignore[no-untyped-def]
    """Room up to ``high`` per remaining sibling, on a scale of eighths of a doubling; 0 for the first sibling."""
    if np.isnan(previous):
        return 0
    pace = max(high - previous, 0.0) / max(remaining, 1)
    return int(min(max(128 + 8 * np.log2(pace + 1e-4), 1), 255))


@inner
def _looked_up(p, v, number):  # type: ignore[no-untyped-def]
    """A value that goes with the number, and whether the number is known."""
    variant = p.variants[v]
    at, n = variant.known_at, variant.known_n
    i = np.searchsorted(p.reals[at : at + n], number)
    if i < n and p.reals[at + i] == number:
        start, end = p.wholes[variant.starts_at + i], p.wholes[variant.starts_at + i + 1]
        return p.reals[variant.determined_at + start + np.random.randint(end - start)], True
    return 0.0, False


@inner
def _number_of(p, record, row, first, family, families, numbers, chosen, alike):  # type: ignore[no-untyped-def]
    """The number that a variant or bound leads to, on its own lattice; NaN where there is none."""
    reference, source = record.reference, record.source
    if reference == SIBLING or reference == PACED:  # noqa: SIM109
        return np.nan if first else numbers[row - 1, source]
    if reference == ALIKE:
        return np.nan if alike < 0 else numbers[alike, source]
    if reference == SAME_ROW:
        return numbers[row, source]
    if reference == OWNER:
        return families.numbers[family, source]
    if reference == LINKED and chosen[row, record.link] >= 0:
        link = p.links[record.link]
        return p.reals[link.numbers_at + chosen[row, record.link] * link.numbers_n + source]
    return np.nan


@inner
def _converted(number, record, lattice):  # type: ignore[no-untyped-def]
    """The number of another column on the step's lattice, rounded down."""
    if SAME_ROW <= record.reference <= LINKED:
        number = number * record.scale + record.shift
        if lattice:
            return np.floor(number + 1e-9)
    return number


@inner
def range_of(p, s, row, first, family, families, numbers, chosen, alike):  # type: ignore[no-untyped-def]
    """Lowest and highest number that the step may have in this row."""
    step = p.steps[s]
    low, high = step.low, step.high
    for i in range(step.first_bound, step.first_bound + step.bounds):
        bound = p.bounds[i]
        number = _number_of(p, bound, row, first, family, families, numbers, chosen, alike)
        if np.isnan(number):
            continue
        number = _converted(number, bound, step.lattice)
        if bound.upper:
            high = min(high, number)
        else:
            low = max(low, number)
    return low, max(low, high)


@inner
def _emptiness(p, s, row, codes, numbers):  # type: ignore[no-untyped-def]
    """1 where the step must be NULL, 0 where it must not, −1 where nothing says."""
    step = p.steps[s]
    source = step.null_source
    if source < 0:
        return -1
    if p.steps[source].kind == MEASURED:
        key = -1.0 if np.isnan(numbers[row, source]) else 0.0
    else:
        key = float(codes[row, source]) if codes[row, source] > 0 else -1.0
    i = np.searchsorted(p.reals[step.null_at : step.null_at + step.null_n], key)
    if i < step.null_n and p.reals[step.null_at + i] == key:
        return int(p.octets[step.empty_at + i])
    return -1


@inner
def _draw_filled(p, tree, x, empty):  # type: ignore[no-untyped-def]
    """A code, drawn again while it is NULL though it must not be."""
    code = draw_code(p, tree, x)
    if empty == 0:
        for _ in range(2 * TRIES):
            if code != 0:
                break
            code = draw_code(p, tree, x)
    return code


@inner
def _distance(p, v, code, unit, lattice):  # type: ignore[no-untyped-def]
    """A number of the code's interval, uniform over its lattice points; PACED ones in units, rounded at random."""
    variant = p.variants[v]
    a, b = p.reals[variant.low_at + code - 1], p.reals[variant.high_at + code - 1]
    if variant.reference == PACED:
        paced = (a + np.random.random() * (b - a)) * unit
        return np.floor(paced + np.random.random()) if lattice else paced
    if lattice:
        return a + np.floor(np.random.random() * (b - a + 1.0))
    return a + np.random.random() * (b - a)


@inner
def sieved(p, s, value, low, high):  # type: ignore[no-untyped-def]
    """The number, or the nearest one within bounds that the step's sieve allows."""
    step = p.steps[s]
    if step.cells == 0:
        return value
    cuts = p.reals[step.cuts_at : step.cuts_at + step.cells - 1]
    moduli = p.reals[step.moduli_at : step.moduli_at + step.cells]
    classes = p.reals[step.classes_at : step.classes_at + step.cells]
    kept = p.reals[step.kept_at : step.kept_at + step.kept_n]
    return allowed(cuts, moduli, classes, kept, (value, low, high))


@inner
def _placed(p, s, value, base, counted, low, high):  # type: ignore[no-untyped-def]
    """The number where it may stand: on none that the sieve forbids, on a day of the month that the column knows.

    What is counted moves on the same side of its base, if it can.  Where nothing is free within bounds, it moves beyond
    the extremes of k entities, but not beyond what the row demands.
    """
    if p.steps[s].month_days:
        value = _on_free_day_of_month(p, s, value, low, high)
    if counted and value != base:
        above = value > base
        side = (max(low, base + 1.0), high) if above else (low, min(high, base - 1.0))
        moved = sieved(p, s, value, side[0], side[1])
        if moved != value:
            return moved
    moved = sieved(p, s, value, low, high)
    if moved != value or p.steps[s].cells == 0:
        return moved
    return sieved(p, s, value, -np.inf if low == p.steps[s].low else low, np.inf if high == p.steps[s].high else high)


@inner
def _on_free_day_of_month(p, s, value, low, high):  # type: ignore[no-untyped-def]
    """The nearest of the step's days of the month, or that of a month around where the sieve forbids it."""
    step = p.steps[s]
    nearest = on_days_of_month(value, step.origin, step.month_days, low, high)
    for months in range(MONTHS):
        for side in (1.0, -1.0):
            there = value + side * np.floor(months * DAYS_OF_MONTH)
            day = on_days_of_month(there, step.origin, step.month_days, low, high)
            if low <= day <= high and sieved(p, s, day, low, high) == day:
                return day
    return nearest


@inner
def _reaching(step, variant, base, low, high):  # type: ignore[no-untyped-def]
    """The range of a date with its base in it, where it ends for want of k entities only.

    A visit may be earlier than those of which k persons have results: its results are of its day, too.
    """
    if step.temporal and SIBLING <= variant.reference <= ALIKE:
        low = min(low, base) if low == step.low else low
        high = max(high, base) if high == step.high else high
    return low, high


@inner
def _is_usual(p, variant, code):  # type: ignore[no-untyped-def]
    """Whether the distance that a code stands for is kept wherever it leads."""
    return variant.usual_at >= 0 and p.octets[variant.usual_at + code - 1] != 0


@inner
def _at_usual_distance(p, s, v, x, code, value, base, low, high):  # type: ignore[no-untyped-def]
    """A code of a usual distance and where it leads: another one, if this leads to what is rare and that does not."""
    if sieved(p, s, value, low, high) == value:
        return code, value
    for _ in range(REDRAWS):
        other = draw_code(p, p.variants[v].tree, x)
        if other > 0 and _is_usual(p, p.variants[v], other):
            there = base + _distance(p, v, other, 1.0, p.steps[s].lattice)
            if low <= there <= high and sieved(p, s, there, low, high) == there:
                return other, there
    return code, value


@inner
def draw_number(p, s, x, row, left, first, family, families, codes, numbers, chosen, alike):  # type: ignore[no-untyped-def]
    """Code and number of a measured step, by the first variant whose base is there, within the row's bounds."""
    step = p.steps[s]
    empty = _emptiness(p, s, row, codes, numbers)
    if empty == 1:
        return 0, np.nan
    low, high = range_of(p, s, row, first, family, families, numbers, chosen, alike)
    if step.ends >= 0 and left == 1 and not np.isnan(families.numbers[family, step.ends]):
        last = min(max(families.numbers[family, step.ends], low), high)
        return 0, _placed(p, s, last, last, False, low, high)
    for v in range(step.first_variant, step.first_variant + step.variants):
        variant = p.variants[v]
        source = variant.source
        if variant.reference == LOOKUP:
            other = numbers[row, source] if p.steps[source].kind == MEASURED else float(codes[row, source])
            value, known = _looked_up(p, v, other)
            if known and not (empty == 0 and np.isnan(value)):
                return 0, value
            continue
        base = 0.0
        if variant.reference != ABSOLUTE:
            base = _number_of(p, variant, row, first, family, families, numbers, chosen, alike)
        if np.isnan(base):
            continue
        base = _converted(base, variant, step.lattice)
        low, high = _reaching(step, variant, base, low, high)
        unit = max(high - base, 0.0) / max(left, 1) if variant.reference == PACED else 1.0
        value = 0.0
        for _ in range(REDRAWS):
            code = _draw_filled(p, variant.tree, x, empty)
            if code == 0:
                return code, np.nan
            value = base + _distance(p, v, code, unit, step.lattice)
            if low <= value <= high:
                break
        value = min(max(value, low), high)
        if _is_usual(p, variant, code) and not step.month_days:  # it follows from two things that are nobody's
            return _at_usual_distance(p, s, v, x, code, value, base, low, high)
        return code, _placed(p, s, value, base, variant.reference != ABSOLUTE, low, high)
    return 0, np.nan


@inner
def draw_level(p, s, x, row, codes, numbers):  # type: ignore[no-untyped-def]
    """Code of a coded step: looked up where an earlier step determines it, else drawn."""
    step = p.steps[s]
    empty = _emptiness(p, s, row, codes, numbers)
    if empty == 1:
        return 0
    last = step.first_variant + step.variants - 1
    for v in range(step.first_variant, last):
        source = p.variants[v].source
        other = numbers[row, source] if p.steps[source].kind == MEASURED else float(codes[row, source])
        value, known = _looked_up(p, v, other)
        if known:
            return int(value)
    return _draw_filled(p, p.variants[last].tree, x, empty)


@inner
def draw_any(p, s):  # type: ignore[no-untyped-def]
    """A code of a coded step as all rows have it: where those of its leaf are exhausted."""
    last = p.steps[s].first_variant + p.steps[s].variants - 1
    return _any_of(p, p.trees[p.variants[last].tree].root)
