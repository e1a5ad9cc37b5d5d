"""References filled once the rows are there: within one table (trees, by level) and across a cycle of tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dbclone.models.program import Groups
from dbclone.models.rows import Hop
from dbclone.models.steps import Restriction
from dbclone.schema import TableName

NONE, ITSELF, FIRST_LEVEL = 0, 1, 2
"""Codes of a pointer step; of a deferred reference only NONE and FIRST_LEVEL (it is set) occur."""


@dataclass(frozen=True)
class Pointer:
    """A self-reference, or a reference whose parent is drawn after its child."""

    reference: str
    parent: TableName
    within: bool
    """The table refers to itself."""
    nullable: bool
    once: bool
    """A key of the table lets each parent be referred to only once."""
    restriction: Restriction | None


@dataclass(frozen=True)
class Implied:
    """A reference that the owner determines: the row at the end of the hops from the owner's row."""

    reference: str
    parent: TableName
    hops: tuple[Hop, ...]
    nullable: bool


def assign(
    pointer: Pointer, codes: np.ndarray, degree: np.ndarray, groups: Groups | None, rng: np.random.Generator
) -> np.ndarray:
    """Parent row of each row, int64[n]; −1 for none.

    ``codes`` int32[n] is the pointer step, ``degree`` float64[parents] how many children each parent is due; with
    ``groups`` a row chooses among the parents of the group that it names.
    """
    n = len(codes)
    up = np.full(n, -1, dtype=np.int64)
    if pointer.within:
        up[codes == ITSELF] = np.flatnonzero(codes == ITSELF)
    free = np.ones(len(degree), dtype=bool)
    for children, parents in _levels(pointer, codes, len(degree)):
        up[children] = _choose(children, parents, degree, groups, free if pointer.once else None, rng=rng)
    lost = (up < 0) & (codes != NONE)
    if pointer.within and not pointer.nullable:
        up[up < 0] = np.flatnonzero(up < 0)
    elif not pointer.nullable and len(degree) and lost.any() and not pointer.once:
        up[lost] = rng.integers(len(degree), size=int(lost.sum()))
    return up


def _levels(pointer: Pointer, codes: np.ndarray, parents: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Children and the parents they choose from, level by level; across tables there is one level only."""
    if not pointer.within:
        yield np.flatnonzero(codes != NONE), np.arange(parents)
        return
    above = np.flatnonzero(codes < FIRST_LEVEL)
    for level in range(FIRST_LEVEL, int(codes.max(initial=0)) + 1):
        here = np.flatnonzero(codes == level)
        yield here, above
        above = here if len(here) else above


def _choose(
    children: np.ndarray,
    parents: np.ndarray,
    degree: np.ndarray,
    groups: Groups | None,
    free: np.ndarray | None,
    *,
    rng: np.random.Generator,
) -> np.ndarray:
    """One parent for each child, by slots in proportion to the degrees; −1 where the group has none left."""
    if groups is None:
        return _from_slots(len(children), parents, degree, free, rng)
    chosen = np.full(len(children), -1, dtype=np.int64)
    wanted, offered = groups.source_group[children], groups.parent_group[parents]
    by_child, by_parent = np.argsort(wanted, kind="stable"), np.argsort(offered, kind="stable")
    for group in np.unique(wanted[wanted >= 0]):
        a, b = np.searchsorted(wanted[by_child], [group, group + 1])
        c, d = np.searchsorted(offered[by_parent], [group, group + 1])
        if d > c:
            chosen[by_child[a:b]] = _from_slots(b - a, parents[by_parent[c:d]], degree, free, rng)
    return chosen


def _from_slots(
    n: int, parents: np.ndarray, degree: np.ndarray, free: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    if not len(parents) or not n:
        return np.full(n, -1, dtype=np.int64)
    if free is not None:
        open_ = rng.permutation(parents[free[parents]])[:n]
        free[open_] = False
        return rng.permutation(np.concatenate([open_, np.full(n - len(open_), -1)])).astype(np.int64)
    due = np.maximum(np.nan_to_num(degree[parents]), 0).astype(np.int64)
    slots = rng.permutation(np.repeat(parents, due if due.sum() else np.ones(len(parents), dtype=np.int64)))
    return rng.permutation(np.resize(slots, n))
