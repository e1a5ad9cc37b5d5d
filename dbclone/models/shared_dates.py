"""Dates that two tables of one owner share: a diagnosis on a day of the laboratory's, an invoice on that of a visit.

Whether a row's date is one of the other table's dates for the same owner is a step of the row; where it is, the date
that is drawn moves to the nearest of these.  Both tables' trees see no more of each other than their owner.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dbclone.models.counting import converted
from dbclone.models.encoding import ColumnStep
from dbclone.models.layout import APART, ON
from dbclone.models.observation import Observation, Observed
from dbclone.models.relations import Relation
from dbclone.models.rows import Rows
from dbclone.models.steps import Scale, SharedDates
from dbclone.plan import TableRole
from dbclone.privacy.protection import count_entities

_SHARE, _LIFT = 0.1, 3.0
"""Share of the dates that are shared, and how many times more than with another owner's dates, at least."""


def shared_dates(seen: Observation, observed: Observed, owner: Relation) -> tuple[SharedDates, np.ndarray] | None:
    """The table whose dates are shared most, and the codes of the step (int32[n]); None where few are."""
    date = observed.date
    if date is None:
        return None
    numbers, up = observed.rows.numbers[date.step], observed.rows.parents[owner.id]
    known = ~np.isnan(numbers) & (up >= 0)
    best: tuple[float, SharedDates, np.ndarray] | None = None
    for other, theirs, reference in _others(seen, observed, owner, date):
        found = SharedDates(date.step, f"on:{reference}", other.plan.table, reference, theirs.step, theirs.scale)
        there, at = dates_of(other.rows, found, date.scale, seen.tables[owner.parent].rows.n)
        on = known & _is_among(there, at, up, numbers)
        share = on.sum() / max(known.sum(), 1)
        by_chance = (known & _is_among(there, at, _next_owner(up, at), numbers)).sum() / max(known.sum(), 1)
        enough = count_entities(np.flatnonzero(on), observed.guard.owners) >= observed.guard.k
        if enough and share >= max(_SHARE, _LIFT * by_chance) and (best is None or share > best[0]):
            best = share, found, np.where(on, ON, np.where(np.isnan(numbers), 0, APART)).astype(np.int32)
    return None if best is None else best[1:]


def _others(
    seen: Observation, observed: Observed, owner: Relation, date: ColumnStep
) -> Iterator[tuple[Observed, ColumnStep, str]]:
    """Tables of the same owner that are drawn before, with their date and the reference to the owner."""
    for other in seen.tables.values():
        if other is observed:
            return
        theirs = other.owner
        if other.plan.role is TableRole.SYNTHESISE and theirs is not None and theirs.parent == owner.parent:
            step = other.date
            if step is not None and (step.scale.temporal, step.scale.unit) == (date.scale.temporal, date.scale.unit):
                yield other, step, theirs.id


def dates_of(rows: Rows, shared: SharedDates, scale: Scale, owners: int) -> tuple[np.ndarray, np.ndarray]:
    """The other table's dates on the row's lattice, rising for each owner, and where each owner's begin.

    float64[m], int64[owners + 1].
    """
    up, numbers = rows.parents[shared.reference], converted(rows.numbers[shared.source], shared.scale, scale)
    held = np.flatnonzero((up >= 0) & ~np.isnan(numbers))
    order = held[np.lexsort((numbers[held], up[held]))]
    return numbers[order], np.searchsorted(up[order], np.arange(owners + 1))


def _is_among(there: np.ndarray, at: np.ndarray, up: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """bool[n]: whether each number is one of its owner's dates."""
    known, rank = np.unique(np.concatenate([there, numbers]), return_inverse=True)
    owner = np.repeat(np.arange(len(at) - 1), np.diff(at))
    return np.isin(up * len(known) + rank[len(there) :], owner * len(known) + rank[: len(there)])


def _next_owner(up: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The next owner that has dates, for each row."""
    having = np.flatnonzero(np.diff(at) > 0)
    if not len(having):
        return up
    return having[(np.searchsorted(having, up, side="right")) % len(having)]
