"""Balances: what a row carries on from the sibling before it, and what its own columns add or take away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from dbclone.models.rows import opening
from dbclone.models.totals import SUPPORT, Labels

_TELLING = 20
_SKETCH = 2_000
"""Rows on which labels and pairs of columns are tried before all are."""
_LIKELY = 0.9
_STILL = 0.5
"""Share of rows that add nothing from which a balance tells nothing."""

Numbers = Callable[[str], np.ndarray]


@dataclass(frozen=True)
class Running:
    """``target`` is its value in the previous sibling, plus ``column``, less ``minus``, where these are given.

    Of a ledger that writes all amounts without a sign, labels say it: deposits add, withdrawals take away.
    """

    target: str
    column: str
    sign: float
    start: str
    """Column of the owner from which the first sibling goes on; '' for zero, or where ``drawn``."""
    support: float
    drawn: bool = False
    """Whether the first sibling's own value is drawn: the history begins before the table does."""
    minus: str = ""
    by: str = ""
    """Column of the labels."""
    signs: tuple[tuple[str, float], ...] = ()
    """+1, −1 or 0 for each label; any other counts as 0."""

    def columns(self) -> tuple[str, ...]:
        """All columns of the row that decide how the balance moves."""
        return tuple(name for name in (self.column, self.minus, self.by) if name)

    def moved(self, numbers: Numbers, codes: Callable[[str, tuple[str, ...]], np.ndarray]) -> np.ndarray:
        """What each row adds, float64[n]; ``codes`` returns which label each value of a column is, −1 for none."""
        added = self.sign * np.nan_to_num(numbers(self.column))
        if self.minus:
            added = added - np.nan_to_num(numbers(self.minus))
        if self.by:
            signs = np.array([*(sign for _, sign in self.signs), 0.0])
            added = added * signs[codes(self.by, tuple(label for label, _ in self.signs))]
        return added


@dataclass(frozen=True)
class Siblings:
    """Rows in family order: ``family`` int64[n], numbers float64[n] (NaN for NULL), and columns of few values."""

    family: np.ndarray
    numbers: Mapping[str, np.ndarray]
    labels: Mapping[str, Labels]
    owner: Mapping[str, np.ndarray]
    """The owner's columns, per row."""

    def moved(self, running: Running) -> np.ndarray:
        """What each row adds."""
        return running.moved(self.numbers.__getitem__, lambda column, _: self.labels[column].codes)


def find_running(
    targets: Mapping[str, np.ndarray], tolerance: Mapping[str, float], rows: Siblings
) -> tuple[Running, ...]:
    """Columns that carry on from sibling to sibling: float64[n] each in family order, NaN for NULL."""
    first = opening(rows.family)
    found: list[Running] = []
    if (~first).sum() < _TELLING:
        return ()
    for target, there in targets.items():
        step = np.append(0.0, np.diff(there))
        room = 2 * tolerance[target] + 1e-9
        columns = [c for c in rows.numbers if c != target and all(c not in (r.target, *r.columns()) for r in found)]
        for candidate in _candidates(target, columns, (step, first, room), rows):
            moved = rows.moved(candidate)
            support = float(np.mean(np.abs(step - moved)[~first] <= room))
            if support >= SUPPORT and np.mean(np.abs(moved[~first]) <= room) <= _STILL:
                found.append(_started(replace(candidate, support=support), there - moved, first, rows.owner, room))
                break
    return tuple(found)


def _candidates(
    target: str, columns: list[str], steps: tuple[np.ndarray, np.ndarray, float], rows: Siblings
) -> Iterator[Running]:
    """One column with its sign, one with that of a label, two of which one is taken away; likely ones only."""
    step, first, room = steps
    some = np.flatnonzero(~first)[:_SKETCH]
    size = {c: np.nan_to_num(rows.numbers[c][some]) for c in columns}
    for column in columns:
        for sign in (1.0, -1.0):
            if np.mean(np.abs(step[some] - sign * size[column]) <= room) >= _LIKELY:
                yield Running(target, column, sign, "", 0.0)
    for column in columns:
        near = np.abs(np.abs(step[some]) - np.abs(size[column])) <= room
        if np.mean(near | (np.abs(step[some]) <= room)) >= _LIKELY and np.mean(near) > 1 - _LIKELY:
            moved = np.nan_to_num(rows.numbers[column])
            for by, labels in rows.labels.items():
                if by != target:
                    signs = _signs(step[~first], moved[~first], labels.codes[~first], len(labels.values), room)
                    yield Running(
                        target, column, 1.0, "", 0.0, by=by, signs=tuple(zip(labels.values, signs, strict=True))
                    )
    for a, b in combinations([c for c in columns if (size[c] >= 0).all() and size[c].any()], 2):
        for plus, minus in ((a, b), (b, a)):
            if np.mean(np.abs(step[some] - size[plus] + size[minus]) <= room) >= _LIKELY:
                yield Running(target, plus, 1.0, "", 0.0, minus=minus)


def _signs(step: np.ndarray, moved: np.ndarray, codes: np.ndarray, labels: int, room: float) -> list[float]:
    """For each label the sign by which most of its rows are explained."""
    signs = []
    for code in range(labels):
        mine = codes == code
        right = {sign: int((np.abs(step[mine] - sign * moved[mine]) <= room).sum()) for sign in (1.0, -1.0, 0.0)}
        signs.append(max(right, key=lambda sign: right[sign]))
    return signs


def _started(
    running: Running, before: np.ndarray, first: np.ndarray, owner: Mapping[str, np.ndarray], room: float
) -> Running:
    """With what the first sibling goes on from (``before``: the value less what its row adds)."""
    if np.mean(np.abs(before[first]) <= room) >= SUPPORT:
        return running
    for name, values in owner.items():
        if np.mean(np.abs(before[first] - values[first]) <= room) >= SUPPORT:
            return replace(running, start=name)
    return replace(running, drawn=True)


def carry_on(family: np.ndarray, moved: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Running sums of ``moved`` within each family, from ``start`` (float64[n], that of the family's first row)."""
    total = np.cumsum(np.nan_to_num(moved))
    first = opening(family)
    at = np.maximum.accumulate(np.where(first, np.arange(len(family)), 0))
    return total - (total[at] - np.nan_to_num(moved)[at]) + start[at]
