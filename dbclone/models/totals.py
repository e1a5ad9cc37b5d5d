"""What a parent says of its children (sum, count, first, last), and what a row carries on from its previous sibling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

SUPPORT = 0.995
_TELLING = 20


@dataclass(frozen=True)
class Total:
    """``target`` of the parent is ``operation`` over its children's ``column``: sum, count, min, max or mean."""

    target: str
    operation: str
    column: str
    empty: float
    """Value of a parent without children; NaN for NULL."""
    support: float


@dataclass(frozen=True)
class Running:
    """``target`` is its value in the previous sibling plus ``sign`` · ``column``; it starts from ``start``."""

    target: str
    column: str
    sign: float
    start: str
    """Column of the owner from which the first sibling goes on; '' for zero."""
    support: float


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


def find_totals(
    targets: Mapping[str, np.ndarray],
    tolerance: Mapping[str, float],
    group: np.ndarray,
    children: Mapping[str, np.ndarray],
    comparable: Mapping[str, frozenset[str]],
) -> tuple[Total, ...]:
    """The parent's columns (float64[parents]) that are totals over one table of children (float64[n] each).

    ``comparable[target]`` names the children's columns of the same sort; '' stands for the count.
    """
    found = []
    for target, there in targets.items():
        for column in sorted(comparable[target]):
            values = np.zeros(len(group)) if column == "" else children[column]
            for operation in ("count",) if column == "" else ("sum", "min", "max", "mean"):
                total = _total(
                    target, operation, column, there, aggregate(operation, group, len(there), values), group=group
                )
                if total is not None and _agrees(total, there, group, values, tolerance[target]):
                    found.append(total)
                    break
            else:
                continue
            break
    return tuple(found)


def _total(
    target: str, operation: str, column: str, there: np.ndarray, made: np.ndarray, *, group: np.ndarray
) -> Total | None:
    sizes = np.bincount(group[group >= 0], minlength=len(there))
    alone = there[sizes == 0]
    empty = 0.0 if operation in ("sum", "count") and not len(alone) else np.nan
    if len(alone) and not np.isnan(alone).all():
        empty = float(np.median(alone[~np.isnan(alone)]))
    several = (sizes > 1) & ~np.isnan(there) & ~np.isnan(made)
    return Total(target, operation, column, empty, 1.0) if several.sum() >= _TELLING else None


def _agrees(total: Total, there: np.ndarray, group: np.ndarray, values: np.ndarray, tolerance: float) -> bool:
    made = aggregate(total.operation, group, len(there), values)
    sizes = np.bincount(group[group >= 0], minlength=len(there))
    made = np.where(sizes == 0, total.empty, made)
    right = np.abs(there - made) <= tolerance + 1e-9 * np.abs(np.nan_to_num(there))
    right |= np.isnan(there) & np.isnan(made)
    several = sizes > 1
    shuffled = np.random.default_rng(0).permutation(there[several])
    chance = np.mean(np.abs(shuffled - made[several]) <= tolerance)
    return bool(np.mean(right) >= SUPPORT and np.mean(right[several]) >= SUPPORT and chance < 0.9)


def find_running(
    targets: Mapping[str, np.ndarray],
    tolerance: Mapping[str, float],
    family: np.ndarray,
    columns: Mapping[str, np.ndarray],
    owner: Mapping[str, np.ndarray],
) -> tuple[Running, ...]:
    """Columns that carry on from sibling to sibling: float64[n] each in family order, NaN for NULL.

    ``owner`` holds the owner's columns, per row; a running column whose start is none of them and not zero is not kept.
    """
    first = np.append(True, family[1:] != family[:-1]) if len(family) else np.zeros(0, dtype=bool)
    found: list[Running] = []
    for target, there in targets.items():
        step = np.append(0.0, np.diff(there)) if len(there) else there
        for column, moved in columns.items():
            if column == target or (~first).sum() < _TELLING or any(r.target == column for r in found):
                continue
            for sign in (1.0, -1.0):
                near = np.abs(step - sign * moved) <= 2 * tolerance[target] + 1e-9
                if np.mean(near[~first]) < SUPPORT or np.mean(moved[~first] == 0) > 0.5:
                    continue
                start = _start(there - sign * moved, first, owner, tolerance[target])
                if start is not None and all(r.target != target for r in found):
                    found.append(Running(target, column, sign, start, float(np.mean(near[~first]))))
    return tuple(found)


def _start(opening: np.ndarray, first: np.ndarray, owner: Mapping[str, np.ndarray], tolerance: float) -> str | None:
    if np.mean(np.abs(opening[first]) <= 2 * tolerance + 1e-9) >= SUPPORT:
        return ""
    for name, values in owner.items():
        if np.mean(np.abs(opening[first] - values[first]) <= 2 * tolerance + 1e-9) >= SUPPORT:
            return name
    return None


def carry_on(family: np.ndarray, moved: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Running sums of ``moved`` within each family, from ``start`` (float64[n], that of the family's first row)."""
    total = np.cumsum(np.nan_to_num(moved))
    first = np.append(True, family[1:] != family[:-1]) if len(family) else np.zeros(0, dtype=bool)
    at = np.maximum.accumulate(np.where(first, np.arange(len(family)), 0))
    return total - (total[at] - np.nan_to_num(moved)[at]) + start[at]
