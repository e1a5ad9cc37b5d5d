"""Timestamps that are drawn as a day and a time of day, where the two together count: their order, and their sieves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from dbclone.columns.temporal import DAY
from dbclone.models.counting import converted
from dbclone.models.inequalities import SUPPORT
from dbclone.models.layout import LINKED, OWNER, SAME_ROW
from dbclone.models.rows import Database, Path, Rows, follow, taken
from dbclone.models.steps import Bound, Step, TableSteps, Variant


def settle_moments(table: TableSteps, rows: Rows, database: Database) -> None:
    """Move the timestamps of drawn rows where they may stand: on nothing that a sieve forbids, in their order.

    Where a row falls on the very day of a date that it may not precede, its time of day is not before that one's; the
    days keep their bounds in the loop.  What is counted from another timestamp moves with it.
    """
    moves: dict[str, np.ndarray] = {}
    days = {step.name: step for step in table.steps}
    rules = {step.name: _by_rule(step, clock, days, rows) for step, clock in _clocked(table)}
    for step, clock in _sources_first(list(_clocked(table))):
        limits = [_moments(table, b, rows, database) for b in step.bounds if b.moments and not b.upper]
        drawn = _drawn(step, clock, rows)
        moment = drawn + _followed(clock, rows, moves)
        low = np.full(rows.n, -np.inf)
        for limit in (limit for limit in limits if limit is not None):
            moment = np.where(_is_before(moment, limit), limit, moment)
            low = np.fmax(low, limit)
        low = np.where(low <= moment, low, -np.inf)
        unit = clock.scale.unit
        settled = clock.sieve.passed(np.ceil(moment / unit), np.ceil(low / unit)) * unit
        settled = np.where(rules[step.name] & (moment >= low), moment, settled)
        moves[step.name] = settled - drawn
        _put(step, clock, rows, settled)


def _sources_first(clocked: Sequence[tuple[Step, Step]]) -> list[tuple[Step, Step]]:
    """Timestamps after those from which their time of day is counted, which is drawn before it."""
    order = {step.name: number for number, (step, _) in enumerate(clocked)}

    def depth(clock: Step) -> int:
        sources = [_day_of(v) for v in clock.variants if v.reference == SAME_ROW]
        return max((1 + depth(clocked[order[day]][1]) for day in sources if day in order), default=0)

    return sorted(clocked, key=lambda pair: depth(pair[1]))


def _drawn(step: Step, clock: Step, rows: Rows) -> np.ndarray:
    """Microseconds since 1970."""
    day = rows.numbers[step.name] * step.scale.unit + step.scale.offset
    moment: np.ndarray = day + rows.numbers[clock.name] * clock.scale.unit
    return moment


def _put(step: Step, clock: Step, rows: Rows, moment: np.ndarray) -> None:
    since = moment - step.scale.offset
    rows.numbers[step.name] = np.floor(since / DAY)
    rows.numbers[clock.name] = np.round((since - rows.numbers[step.name] * DAY) / clock.scale.unit)


def _followed(clock: Step, rows: Rows, moves: Mapping[str, np.ndarray]) -> np.ndarray:
    """How far the timestamp from which one is counted has moved, on rows where both are of one day."""
    source = next((_day_of(v) for v in clock.variants if v.reference == SAME_ROW), "")
    if source not in moves:
        return np.zeros(rows.n)
    return np.where(np.isnan(moves[source]), 0.0, moves[source])


def _by_rule(step: Step, clock: Step, days: Mapping[str, Step], rows: Rows) -> np.ndarray:
    """bool[n]: which timestamps lie at a distance that many keep from another one of their row (three days sharp).

    Such a one follows from two things that are nobody's, a made-up timestamp and a distance that k entities share.
    """
    found = np.zeros(rows.n, dtype=bool)
    for time in (v for v in clock.variants if v.reference == SAME_ROW and v.source is not None):
        sharp = _is_usual(time, clock, rows)
        other = days.get(_day_of(time))
        for a, b in ((step, other), (other, step)) if other is not None else ():
            for day in (v for v in a.variants if v.reference == SAME_ROW and v.source == Path((), b.name)):
                found |= sharp & _is_usual(day, a, rows)
    return found


def _day_of(time: Variant) -> str:
    """The day of the time of day from which one is counted."""
    return time.source.step.replace("time:", "column:", 1) if time.source is not None else ""


def _is_usual(variant: Variant, step: Step, rows: Rows) -> np.ndarray:
    """bool[n]: rows of which the number lies at a usual distance from what it is counted from."""
    if variant.source is None or variant.atoms is None or not variant.usual.any():
        return np.zeros(rows.n, dtype=bool)
    there = converted(rows.numbers[variant.source.step], variant.scale, step.scale)
    return np.isin(rows.numbers[step.name] - there, variant.atoms.low[variant.usual])


def with_moments(table: TableSteps, rows: Rows, database: Database) -> TableSteps:
    """The steps with ``Bound.moments`` set by observed rows: of two columns whose days are mostly the same, each day is
    a bound of the other, but only one time of day is."""
    changed = {}
    for step, clock in _clocked(table):
        limits = [_moments(table, bound, rows, database) for bound in step.bounds]
        pairs = zip(step.bounds, limits, strict=True)
        kept = tuple(_checked(bound, limit, (step, clock), rows) for bound, limit in pairs)
        changed[step.name] = replace(step, bounds=kept)
    return replace(table, steps=tuple(changed.get(step.name, step) for step in table.steps))


def _checked(bound: Bound, limit: np.ndarray | None, drawn: tuple[Step, Step], rows: Rows) -> Bound:
    if limit is None or bound.upper:
        return bound
    known = max(int((~np.isnan(limit)).sum()), 1)
    return replace(bound, moments=bool(_is_before(_drawn(*drawn, rows), limit).sum() <= (1 - SUPPORT) * known))


def _clocked(table: TableSteps) -> Iterator[tuple[Step, Step]]:
    """The days that are drawn apart from their time of day, each with the step of that."""
    steps = {step.name: step for step in table.steps}
    for step in table.steps:
        clock = steps.get(step.name.replace("column:", "time:", 1), step)
        if clock is not step:
            yield step, clock


def _is_before(moment: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """bool[n]: which moments fall on the day of their limit, but before it (microseconds since 1970)."""
    before: np.ndarray = (moment < limit) & (limit < np.floor(moment / DAY) * DAY + DAY)
    return before


def _moments(table: TableSteps, bound: Bound, rows: Rows, database: Database) -> np.ndarray | None:
    """Microseconds of what a bound leads to, with its time of day; float64[n], None for siblings."""
    if bound.reference == SAME_ROW:
        return _moment(rows.numbers, bound.source.step, bound, np.arange(rows.n))
    if bound.reference == OWNER and table.owner is not None and table.owner_table is not None:
        start, up = table.owner_table, rows.parents[table.owner]
    elif bound.reference == LINKED:
        link = table.links[bound.link]
        start, up = link.parent, rows.parents[link.reference]
    else:
        return None
    end = follow(database, start, bound.source.hops)
    at = np.where(up >= 0, end[np.maximum(up, 0)], -1) if len(end) else up
    there = bound.source.hops[-1].parent if bound.source.hops else start
    return _moment(database[there].numbers, bound.source.step, bound, at)


def _moment(numbers: Mapping[str, np.ndarray], step: str, bound: Bound, at: np.ndarray) -> np.ndarray:
    moment = taken(numbers[step], at) * bound.scale.unit + bound.scale.offset
    clock = numbers.get(step.replace("column:", "time:", 1))
    return moment if clock is None else moment + taken(clock, at) * bound.clock
