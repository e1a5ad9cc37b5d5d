"""Whether one reference of a row follows from another: the customer of an order line is the customer of its order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from dbclone.graph import Reference
from dbclone.matching import NULL, Rows
from dbclone.schema import ForeignKey, TableName
from dbclone.survey import Survey

MAX_PATH = 2
MIN_ROWS = 5
"""Fewer rows prove nothing."""
MIN_AGREEMENT = 0.99


@dataclass(frozen=True)
class Determination:
    """How well a path of keys from one referred row leads to another."""

    path: tuple[ForeignKey, ...]
    agreement: float
    """Share of the rows with both references in which the path ends at the referred row."""
    exact: bool
    """Whether it does in all rows."""

    @property
    def holds(self) -> bool:
        """Whether the path leads there but for a few rows."""
        return self.agreement >= MIN_AGREEMENT


UNRELATED = Determination((), 0.0, False)


def determination(
    survey: Survey, start: Reference, end: Reference, deferred: Collection[Reference] = ()
) -> Determination:
    """The best path of up to two keys from the parent of ``start`` to the parent of ``end``, two keys of one table.

    ``deferred`` keys are no part of a path: they are not known yet when rows are drawn.
    """
    first, last = survey.parents(start), survey.parents(end)
    found = [
        _compare(_follow(survey, first, path), first, last, tuple(r.foreign_key for r in path))
        for path in _paths(survey, start.parent, end.parent, frozenset(deferred))
    ]
    return max(found, key=lambda d: (d.agreement, -len(d.path)), default=UNRELATED)


def _paths(
    survey: Survey, start: TableName, end: TableName, deferred: frozenset[Reference], length: int = MAX_PATH
) -> Iterator[tuple[Reference, ...]]:
    for fk in survey.schema.table(start).foreign_keys:
        step = Reference(start, fk)
        if step.is_self or step in deferred:
            continue
        if fk.parent == end:
            yield (step,)
        elif length > 1:
            yield from ((step, *rest) for rest in _paths(survey, fk.parent, end, deferred, length - 1))


def _follow(survey: Survey, rows: Rows, path: tuple[Reference, ...]) -> Rows:
    for step in path:
        onward = survey.parents(step)
        rows = np.where(rows >= 0, onward[np.maximum(rows, 0)], NULL) if len(onward) else np.full_like(rows, NULL)
    return rows


def _compare(reached: Rows, first: Rows, last: Rows, path: tuple[ForeignKey, ...]) -> Determination:
    """Rows without either reference do not count; a single parent for all rows proves nothing."""
    both = (first >= 0) & (last >= 0)
    total = int(np.count_nonzero(both))
    if total < MIN_ROWS or len(np.unique(last[both])) < 2:
        return UNRELATED
    equal = int(np.count_nonzero(reached[both] == last[both]))
    return Determination(path, equal / total, equal == total)
