"""How long families go on: to the date of their last row, which is drawn with their owner and kept by the last sibling.

Drawn from gap to gap, a history ends where its gaps happen to add up to: seldom on the last day that was observed, on
which nearly all end that still go on (the fee of the last month), and never on the day of a closure.
"""

from __future__ import annotations

import numpy as np

from dbclone.models.counting import constancy, grid_width
from dbclone.models.encoding import ColumnStep
from dbclone.models.observation import Observed
from dbclone.models.relations import Relation
from dbclone.models.rows import opening

RISES = 0.995
"""Share of the siblings that come no earlier than the one before."""
LONG = 8.0
"""Siblings in a family, on average, from which it is a history."""
TOGETHER = 0.3
"""Share of the families that end at the very end of the column's range: else they end one by one, as their gaps say."""
REGULAR = 0.5
"""Share of the most frequent gap from which a history ends where its steps and their number say."""


def last_of(owner: Relation) -> str:
    """The hidden step of a parent that says when the last of its children is."""
    return f"last:{owner.id}"


def rising_date(observed: Observed) -> ColumnStep | None:
    """The date in whose order the siblings stand: of the sort key, else the first column that rises with it.

    A number that leads the sort key may be one, too: days since the first visit.
    """
    if observed.owner is None:
        return None
    order = {name: place for place, name in enumerate(observed.plan.order_by)}
    dates = [
        c for c in observed.columns if c.measured and not c.clock and (c.scale.temporal or not order.get(c.column, 1))
    ]
    first = sorted(dates, key=lambda c: order.get(c.column, len(order)))
    return next((c for c in first if _rises(observed.rows.numbers[c.step], observed.family)), None)


def _rises(numbers: np.ndarray, family: np.ndarray) -> bool:
    gaps = np.diff(numbers)[family[1:] == family[:-1]]
    return len(gaps) > 0 and not np.isnan(numbers).any() and float(np.mean(gaps >= 0)) >= RISES and gaps.max() > 0


def last_dates(observed: Observed, step: ColumnStep, parents: int) -> np.ndarray | None:
    """The date of the last child of each parent, float64[parents], NaN for none; None where it tells nothing."""
    owner = observed.owner
    if owner is None:
        return None
    numbers, family = observed.rows.numbers[step.step], observed.family
    first = opening(family)
    previous = np.where(first, np.nan, np.roll(numbers, 1))
    if len(family) < LONG * first.sum() or constancy(numbers, previous) > REGULAR:
        return None
    out = np.full(parents, np.nan)
    up = observed.rows.parents[owner.id]
    held = up >= 0
    out[up[held]] = numbers[held]  # in family order: the last one stays
    ended = out[~np.isnan(out)]
    at_the_end = len(ended) and np.mean(ended >= numbers.max() - grid_width(numbers, step.scale.lattice))
    return out if at_the_end >= TOGETHER else None
