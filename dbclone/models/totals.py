"""What a parent says of all or some of its children: their sum, their number, the first, the last …"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

SUPPORT = 0.995
_TELLING = 20
_SKETCH = 4_000
"""Rows of children on which candidates are tried."""
_SURPRISE = -10.0
"""Log-likelihood below which agreement is no chance, however many candidates were tried."""


@dataclass(frozen=True)
class Filter:
    """Only the children whose ``column`` has the ``value`` (or, if not ``equal``, has another or none)."""

    column: str
    value: str
    equal: bool


@dataclass(frozen=True)
class Total:
    """``target`` of the parent is ``operation`` over its children's ``column``: sum, count, min, max or mean."""

    target: str
    operation: str
    column: str
    empty: float
    """Value of a parent without such children; NaN for NULL."""
    support: float
    only: Filter | None = None


@dataclass(frozen=True)
class Labels:
    """A children's column of few values: ``codes`` int32[n] into ``values``, −1 for any other or NULL."""

    codes: np.ndarray
    values: tuple[str, ...]


@dataclass(frozen=True)
class Children:
    """One table of children: ``group`` int64[n] is each row's parent, −1 for none; numbers float64[n], NaN for NULL."""

    group: np.ndarray
    numbers: Mapping[str, np.ndarray]
    labels: Mapping[str, Labels]

    def values(self, column: str) -> np.ndarray:
        """The numbers of a column; '' stands for the rows themselves, which are only counted."""
        return self.numbers[column] if column else np.zeros(len(self.group))

    def taken(self, rows: np.ndarray) -> Children:
        """Only these rows."""
        labels = {name: Labels(one.codes[rows], one.values) for name, one in self.labels.items()}
        return Children(self.group[rows], {name: v[rows] for name, v in self.numbers.items()}, labels)

    def filters(self) -> Iterator[Filter | None]:
        """No filter, then all that the labels allow; of two values, not the one is the other."""
        yield None
        for column, labels in self.labels.items():
            for value in labels.values:
                yield Filter(column, value, True)
                if len(labels.values) > 2:
                    yield Filter(column, value, False)

    def passing(self, only: Filter | None) -> np.ndarray:
        """The parents of the rows that pass the filter, −1 for the others.  int64[n]."""
        if only is None:
            return self.group
        labels = self.labels[only.column]
        return np.where((labels.codes == labels.values.index(only.value)) == only.equal, self.group, -1)


def aggregate(operation: str, group: np.ndarray, groups: int, values: np.ndarray) -> np.ndarray:
    """float64[groups]; NaN where there is nothing to aggregate.  ``group`` int64[n] is −1 for no parent."""
    held = (group >= 0) & ~np.isnan(values)
    at, x = group[held], values[held]
    n = np.bincount(at, minlength=groups).astype(np.float64)
    if operation == "count":
        return n
    if operation in ("sum", "mean"):
        total = np.bincount(at, weights=x, minlength=groups)
        return np.divide(total, n if operation == "mean" else 1.0, out=np.full(groups, np.nan), where=n > 0)
    out = np.full(groups, np.inf if operation == "min" else -np.inf)
    (np.minimum if operation == "min" else np.maximum).at(out, at, x)
    return np.where(n > 0, out, np.nan)


def sizes(group: np.ndarray, groups: int) -> np.ndarray:
    """Rows of each group, int64[groups]; rows of group −1 belong to none."""
    return np.bincount(group[group >= 0], minlength=groups)


def find_totals(
    targets: Mapping[str, np.ndarray],
    tolerance: Mapping[str, float],
    children: Children,
    comparable: Mapping[str, frozenset[str]],
) -> tuple[Total, ...]:
    """The parent's columns (float64[parents]) that are totals over one table of children, or over some of them.

    ``comparable[target]`` names the children's columns of the same sort; '' stands for the count.  Totals over all
    children come first; candidates are tried on the children of some parents and verified on all.
    """
    sketch = children.taken(_sketch_rows(children.group))
    found = []
    for target, there in targets.items():
        for total in _candidates(target, comparable[target], sketch, there, tolerance[target]):
            verified = _verified(total, children, there, tolerance[target])
            if verified is not None:
                found.append(verified)
                break
    return tuple(found)


def _sketch_rows(group: np.ndarray) -> np.ndarray:
    """All children of parents drawn at random: together a few thousand rows, or the rows of one parent."""
    each = sizes(group, 1)
    order = np.random.default_rng(0).permutation(np.flatnonzero(each))
    chosen = np.zeros(len(each), dtype=bool)
    chosen[order[: max(int(np.searchsorted(np.cumsum(each[order]), _SKETCH)), 1)]] = True
    return np.flatnonzero((group >= 0) & chosen[np.maximum(group, 0)])


def _candidates(
    target: str, columns: frozenset[str], sketch: Children, there: np.ndarray, tolerance: float
) -> Iterator[Total]:
    """What agrees in nine of ten parents of the sketch that have several children."""
    crowd = sizes(sketch.group, len(there)) > 1
    for only in sketch.filters():
        group = sketch.passing(only)
        several = crowd & (sizes(group, len(there)) > 0)
        if several.sum() < _TELLING // 4:
            continue
        for column in sorted(columns):
            for operation in ("count",) if column == "" else ("sum", "min", "max", "mean"):
                made = aggregate(operation, group, len(there), sketch.values(column))
                if np.mean(_near(there, made, tolerance)[several]) >= 0.9:
                    yield Total(target, operation, column, 0.0, 0.0, only)


def _verified(total: Total, children: Children, there: np.ndarray, tolerance: float) -> Total | None:
    """The total with its support and what parents without such children have; None if it does not hold."""
    group = children.passing(total.only)
    made = aggregate(total.operation, group, len(there), children.values(total.column))
    own = sizes(group, len(there))
    alone = there[own == 0]
    empty = 0.0 if total.operation in ("sum", "count") and not len(alone) else np.nan
    if len(alone) and not np.isnan(alone).all():
        empty = float(np.median(alone[~np.isnan(alone)]))
    right = _near(there, np.where(own == 0, empty, made), tolerance)
    several = (own > 0) & (sizes(children.group, len(there)) > 1)
    telling = several & ~np.isnan(there) & ~np.isnan(made)
    if telling.sum() < _TELLING or min(np.mean(right), np.mean(right[several])) < SUPPORT:
        return None
    shuffled = np.random.default_rng(0).permutation(there[telling])
    chance = np.mean(np.abs(shuffled - made[telling]) <= tolerance)
    if telling.sum() * np.log(max(chance, 1e-6)) > _SURPRISE:
        return None
    return replace(total, empty=empty, support=float(np.mean(right)))


def _near(there: np.ndarray, made: np.ndarray, tolerance: float) -> np.ndarray:
    close = np.abs(there - made) <= tolerance + 1e-9 * np.abs(np.nan_to_num(there))
    return close | (np.isnan(there) & np.isnan(made))
