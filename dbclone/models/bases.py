"""The numbers that a measured step may be counted from, and the choice among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dbclone.models.counting import WORTH, converted, saved, straight_line
from dbclone.models.grouping import mid_ranks
from dbclone.models.observation import Observation, Observed
from dbclone.models.rows import Path, gather_numbers
from dbclone.models.sampling import Sample, Shape, alike_rows
from dbclone.models.sequence import ALIKE, LINKED, MEASURED, OWNER, PACED, SAME_ROW, SIBLING
from dbclone.models.steps import Link, Scale
from dbclone.schema import TableName

_REGULAR = 0.5
"""Share of the most frequent gap beyond which a sort key keeps a calendar of its own."""
_TOGETHER = 0.3


@dataclass(frozen=True)
class Base:
    """A candidate to count a measured step from."""

    reference: int
    source: Path | None
    link: int
    scale: Scale
    numbers: np.ndarray
    """float64[n] on the step's own lattice."""
    unit: np.ndarray | None = None
    """float64[n]: PACED counts in these units."""

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
    kind: str,
) -> Iterator[Base]:
    """All candidates for one step; ``kind`` names the step that says a row's kind, '' if there is none."""
    shape, rows, owner = shapes[index], observed.rows, observed.owner
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
    for other in shapes[:index]:
        if other.kind == MEASURED and other.name.startswith("column:") and other.scale.temporal == shape.scale.temporal:
            numbers = converted(rows.numbers[other.name], other.scale, shape.scale)
            yield Base(SAME_ROW, Path((), other.name), -1, other.scale, numbers)
        elif other.kind == MEASURED and other.name.startswith("column:"):
            line = straight_line(rows.numbers[other.name], raw, shape.scale)
            if line is not None:
                yield Base(SAME_ROW, Path((), other.name), -1, line, converted(rows.numbers[other.name], line, shape.scale))
    sources = [(OWNER, -1, owner.parent, rows.parents[owner.id], parents[0])] if owner else []
    drawn = {s.name for s in shapes[:index]}
    for j, link in enumerate(parents[1]):
        if f"link:{link.reference}" in drawn:
            sources.append((LINKED, j, link.parent, rows.parents[link.reference], link.numbers))
    for reference, j, parent, up, paths in sources:
        block = gather_numbers(seen.database, parent, paths)
        for i, path in enumerate(paths):
            scale = _scale_at(seen, parent, path)
            if scale.temporal == shape.scale.temporal and len(block):
                there = np.where(up >= 0, block[np.maximum(up, 0), i], np.nan)
                yield Base(reference, path, j, scale, converted(there, scale, shape.scale))


def _scale_at(seen: Observation, start: TableName, path: Path) -> Scale:
    table = seen.tables[path.hops[-1].parent if path.hops else start]
    named = {c.step: c.scale for c in table.columns}
    return named[path.step] if path.step in named else table.hidden[path.step][1]


def choose_bases(observed: Observed, shape: Shape, raw: np.ndarray, bases: list[Base]) -> list[Base]:
    """At most two: the previous sibling where it is the narrower base, and the best of the others."""
    lattice = shape.scale.lattice
    worth = WORTH if shape.scale.temporal else 2 * WORTH
    sibling = next((b for b in bases if b.reference == SIBLING), None)
    gains = {id(b): saved(raw, b.numbers, lattice) for b in bases}
    others = [b for b in bases if b.reference != SIBLING and gains[id(b)] > worth]
    best = max(others, key=lambda b: gains[id(b)], default=None)
    chosen: list[Base] = []
    if sibling is not None:
        sort_key = shape.name == f"column:{observed.plan.order_by[0]}" if observed.plan.order_by else False
        needed = 0.05 if sort_key else worth
        if gains[id(sibling)] > max(needed, gains[id(best)] + 0.1 if best and not sort_key else 0.0):
            chosen.append(_paced(observed, shape, raw, sibling) if sort_key else sibling)
            first = np.where(np.isnan(sibling.numbers), raw, np.nan)
            others = [b for b in bases if b.reference != SIBLING and saved(first, b.numbers, lattice) > WORTH]
            best = max(others, key=lambda b: saved(first, b.numbers, lattice), default=None)
    if best is not None:
        chosen.append(best)
    return chosen


def _paced(observed: Observed, shape: Shape, raw: np.ndarray, sibling: Base) -> Base:
    """The previous sibling as base, in units of the room left, where gaps go with the room (rank correlation)."""
    family = observed.family
    n = len(family)
    fresh = np.append(True, family[1:] != family[:-1]) if n else np.zeros(0, dtype=bool)
    first = np.flatnonzero(fresh)
    sizes = np.diff(np.append(first, n))
    left = np.repeat(sizes, sizes) - (np.arange(n) - np.repeat(first, sizes))
    unit = np.maximum(np.nanmax(raw, initial=0.0) - sibling.numbers, 0.0) / np.maximum(left, 1)
    gap = raw - sibling.numbers
    held = ~np.isnan(gap)
    if held.sum() < 50 or (gap[held] < 0).any():
        return sibling
    usual = np.unique(gap[held], return_counts=True)[1].max() / held.sum()
    pick = np.flatnonzero(held)[:: max(1, int(held.sum()) // 20_000)]
    together = np.corrcoef(mid_ranks(gap[pick]), mid_ranks(unit[pick]))[0, 1]
    if usual > _REGULAR or not together > _TOGETHER:
        return sibling
    return Base(PACED, sibling.source, -1, shape.scale, sibling.numbers, unit)
