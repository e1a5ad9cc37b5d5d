"""The numbers that a measured step may be counted from, and the choice among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dbclone.models.counting import WORTH, constancy, converted, saved, straight_line
from dbclone.models.grouping import mid_ranks
from dbclone.models.inequalities import holds, mostly_equal, nearest
from dbclone.models.layout import ALIKE, LINKED, MEASURED, OWNER, PACED, SAME_ROW, SIBLING
from dbclone.models.observation import Observation, Observed
from dbclone.models.rows import Path, gather_numbers, opening
from dbclone.models.sampling import Sample, Shape, alike_rows
from dbclone.models.steps import Bound, Link, Scale
from dbclone.schema import TableName

_REGULAR = 0.5
"""Share of the most frequent gap beyond which a sort key keeps a calendar of its own."""
_TOGETHER = 0.3
_STEADY, _STEADIER = 0.9, 0.01
"""Share of the siblings at one distance from the one before from which that tells what the grid does not, and how much
larger it must be than that of the best other base: the results of a visit are of one day, be it the visit's or not."""
_COUNTED = 20
"""Siblings from which on it is no chance that each is numbered one more than the one before."""


@dataclass(frozen=True)
class Base:
    """A candidate to count a measured step from."""

    reference: int
    source: Path | None
    link: int
    scale: Scale
    numbers: np.ndarray
    """float64[n] on the step's own lattice."""
    clock: float = 1.0
    """Microseconds per unit of the source's time of day, where that is a step of its own."""
    unit: np.ndarray | None = None
    """float64[n]: PACED counts in these units."""

    @property
    def hidden(self) -> bool:
        """Whether the base is a hidden value of the owner, of which no inequality is kept."""
        return self.source is not None and not self.source.step.startswith(("column:", "time:"))

    def offset(self, raw: np.ndarray, rows: np.ndarray, sample: Sample) -> np.ndarray:
        """What is drawn: the distance of the given training rows from their base, in the base's units."""
        distance = raw - self.numbers[sample.rows[rows]]
        if self.unit is None:
            return distance
        unit = self.unit[sample.rows[rows]]
        return np.divide(distance, unit, out=np.zeros_like(distance), where=unit > 0)


def bases_of(
    seen: Observation,
    observed: Observed,
    shapes: list[Shape],
    index: int,
    parents: tuple[tuple[Path, ...], tuple[Link, ...]],
    *,
    kind: str,
) -> Iterator[Base]:
    """All candidates for one step; ``kind`` names the step that says a row's kind, '' if there is none."""
    shape, rows, owner = shapes[index], observed.rows, observed.owner
    if shape.name.startswith("time:"):  # on most days counted from one that was drawn before: the end from the start
        yield from _same_row(observed, shapes[:index], shape)
    if not shape.name.startswith("column:"):
        return
    raw = rows.numbers[shape.name]
    if owner is not None:
        previous = np.full(rows.n, np.nan)
        previous[1:] = np.where(observed.family[1:] == observed.family[:-1], raw[:-1], np.nan)
        yield Base(SIBLING, Path((), shape.name), -1, shape.scale, previous)
    if kind in {s.name for s in shapes[:index]}:
        earlier = alike_rows(observed.family, rows.bytes[kind][0])
        there = np.where(earlier >= 0, raw[np.maximum(earlier, 0)], np.nan)
        yield Base(ALIKE, Path((), shape.name), -1, shape.scale, there)
    yield from _same_row(observed, shapes[:index], shape)
    sources = [(OWNER, -1, owner.parent, rows.parents[owner.id], parents[0])] if owner else []
    drawn = {s.name for s in shapes[:index]}
    for j, link in enumerate(parents[1]):
        if f"link:{link.reference}" in drawn:
            sources.append((LINKED, j, link.parent, rows.parents[link.reference], link.numbers))
    for reference, j, parent, up, paths in sources:
        block = gather_numbers(seen.database, parent, paths)
        for i, path in enumerate(paths):
            if path.step.startswith("last:"):
                continue
            scale = _scale_at(seen, parent, path)
            if scale.temporal == shape.scale.temporal and len(block):
                there = np.where(up >= 0, block[np.maximum(up, 0), i], np.nan)
                clock = _clock_at(seen.tables[path.hops[-1].parent if path.hops else parent], path.step)
                yield Base(reference, path, j, scale, converted(there, scale, shape.scale), clock)


def _clock_at(table: Observed, step: str) -> float:
    clock = step.replace("column:", "time:", 1)
    return next((c.scale.unit for c in table.columns if c.clock and c.step == clock), 1.0)


def _same_row(observed: Observed, earlier: list[Shape], shape: Shape) -> Iterator[Base]:
    rows = observed.rows
    raw, sort = rows.numbers[shape.name], shape.name.partition(":")[0]
    for other in earlier:
        if other.kind != MEASURED or not other.name.startswith(f"{sort}:"):
            continue
        there = rows.numbers[other.name]
        comparable = other.scale.temporal == shape.scale.temporal
        scale = other.scale if comparable else straight_line(there, raw, shape.scale)
        if scale is not None:
            clock = _clock_at(observed, other.name)
            yield Base(SAME_ROW, Path((), other.name), -1, scale, converted(there, scale, shape.scale), clock)


def _scale_at(seen: Observation, start: TableName, path: Path) -> Scale:
    table = seen.tables[path.hops[-1].parent if path.hops else start]
    named = {c.step: c.scale for c in table.columns}
    return named[path.step] if path.step in named else table.hidden[path.step][1]


def choose_bases(
    observed: Observed,
    shape: Shape,
    raw: np.ndarray,
    bases: list[Base],
    *,
    ceiling: np.ndarray | None,
    kind: str,
) -> list[Base]:
    """At most two: the previous sibling where it is the narrower base, and the best of the others.

    ``ceiling``: of the paced step, the highest number that it may have in each row.
    """
    lattice = shape.scale.lattice
    worth = WORTH if shape.scale.temporal else 2 * WORTH
    sibling = next((b for b in bases if b.reference == SIBLING), None)
    group = observed.rows.codes[kind] if kind and any(b.reference == ALIKE for b in bases) else None
    gains = {id(b): saved(raw, b.numbers, lattice, group) * _reaches(raw, b) for b in bases}
    others = [b for b in bases if b.reference != SIBLING and gains[id(b)] > worth]
    best = max(others, key=lambda b: gains[id(b)], default=None)
    chosen: list[Base] = []
    if sibling is not None:
        sort_key = ceiling is not None or shape.name in [f"column:{name}" for name in observed.plan.order_by[:1]]
        needed = 0.05 if sort_key else worth
        if best and not sort_key:
            steadier = constancy(raw, sibling.numbers) > max(constancy(raw, best.numbers) + _STEADIER, _STEADY)
            needed = max(needed, gains[id(best)] + (-0.1 if steadier else 0.1))
        if gains[id(sibling)] > needed:
            chosen.append(sibling if ceiling is None else _paced(observed, shape, raw, sibling, ceiling))
            first = np.where(np.isnan(sibling.numbers), raw, np.nan)
            others = [b for b in bases if b.reference != SIBLING and saved(first, b.numbers, lattice) > WORTH]
            best = max(others, key=lambda b: saved(first, b.numbers, lattice), default=None)
    if best is not None:
        chosen.append(best)
    return chosen


def counts_on(shape: Shape, raw: np.ndarray, chosen: list[Base]) -> bool:
    """Whether a number is always the previous sibling's and one same step more: 1, 2, 3 …"""
    base = next((b for b in chosen if b.reference == SIBLING), None)
    if base is None or shape.scale.temporal or not shape.scale.lattice:
        return False
    gap = raw - base.numbers
    gap = gap[~np.isnan(gap)]
    return len(gap) >= _COUNTED and bool(gap.min() == gap.max() > 0)


def _reaches(raw: np.ndarray, base: Base) -> float:
    """Share of the rows that can be counted from the base; a previous sibling is missing of need."""
    known = ~np.isnan(raw)
    if base.reference in (SIBLING, ALIKE) or not known.any():
        return 1.0
    return float(np.mean(~np.isnan(base.numbers[known])))


def _paced(observed: Observed, shape: Shape, raw: np.ndarray, sibling: Base, ceiling: np.ndarray) -> Base:
    """The previous sibling as base, in units of the room left, where gaps go with the room (rank correlation)."""
    n = len(observed.family)
    first = np.flatnonzero(opening(observed.family))
    sizes = np.diff(np.append(first, n))
    left = np.repeat(sizes, sizes) - (np.arange(n) - np.repeat(first, sizes))
    unit = np.maximum(ceiling - sibling.numbers, 0.0) / np.maximum(left, 1)
    gap = raw - sibling.numbers
    held = ~np.isnan(gap)
    if held.sum() < 50 or (gap[held] < 0).any():
        return sibling
    usual = np.unique(gap[held], return_counts=True)[1].max() / held.sum()
    if usual > _REGULAR:
        return sibling
    pick = np.flatnonzero(held)[:: max(1, int(held.sum()) // 20_000)]
    if np.ptp(unit[pick]) == 0 or np.ptp(gap[pick]) == 0:
        return sibling  # what is always the same goes with nothing
    together = np.corrcoef(mid_ranks(gap[pick]), mid_ranks(unit[pick]))[0, 1]
    if not together > _TOGETHER:
        return sibling
    return Base(PACED, sibling.source, -1, shape.scale, sibling.numbers, unit=unit)


def bounds_of(raw: np.ndarray, bases: list[Base], chosen: list[Base]) -> tuple[Bound, ...]:
    """The inequalities between a step and its bases that hold in the data, the nearest few of each side.

    Of numbers that are mostly equal an inequality is only kept if the step is counted from the base: what is drawn
    without it would creep along its bound (the price of a track, which is that of all tracks of its album).
    """
    sides: dict[int, list[tuple[float, int]]] = {1: [], -1: []}
    for i, base in enumerate(bases):
        loose = all(base.source != c.source or base.reference != c.reference for c in chosen)
        if loose and not base.scale.temporal and mostly_equal(raw, base.numbers):
            continue
        side = holds(raw, base.numbers) if base.source is not None else 0
        if side:
            sides[side].append((float(np.nanmean(np.abs(raw - base.numbers))), i))
    kept = [(side, bases[i]) for side, found in sides.items() for i in nearest(found)]
    return tuple(
        Bound(b.reference, b.source, b.scale, b.link, side < 0, b.clock) for side, b in kept if b.source is not None
    )


def ceiling_of(raw: np.ndarray, bases: list[Base]) -> np.ndarray:
    """The highest number that each row of a sort key may have: the column's own, or a bound that its owner sets."""
    known = raw[~np.isnan(raw)]
    top = np.full(len(raw), float(known.max()) if len(known) else 0.0)
    for base in bases:
        if base.reference == OWNER and not base.hidden and holds(raw, base.numbers) < 0:
            top = np.fmin(top, base.numbers)
    return top
