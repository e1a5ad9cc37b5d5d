"""Which parent row a further foreign key refers to: what is learned of it, and the slots it is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dbclone.models.layout import FIRST_TYPE, SAME_AS_EARLIER, SAME_AS_PREVIOUS
from dbclone.models.rows import Database, Hop, Path, follow
from dbclone.models.steps import Restriction
from dbclone.schema import TableName

SUPPORT = 0.995
"""Share of rows for which a restriction must hold to be kept as a rule."""
_RARELY, _OFTEN, _FEWEST_ROWS = 0.02, 0.05, 100
"""Share of rows that refer to a parent of an earlier sibling up to which they hardly ever do, the share from which
chance alone would have shown it, and the rows that it takes to tell."""


def same_as_previous(family: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """bool[n]: rows that refer to the row that their previous sibling refers to."""
    same = np.zeros(len(parent), dtype=bool)
    same[1:] = (family[1:] == family[:-1]) & (parent[1:] == parent[:-1]) & (parent[1:] >= 0)
    return same


def link_codes(family: np.ndarray, parent: np.ndarray, types: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Codes of a LINK step for rows in family order; int32[n].

    ``family`` int64[n] is ascending, ``parent`` int64[n] the row referred to (−1: none), ``types`` that of each parent;
    ``known`` int64[n] says in which way the parent is known (−1: in none).
    """
    n = len(parent)
    codes = np.where(parent >= 0, FIRST_TYPE + types[np.maximum(parent, 0)] if len(types) else 0, 0).astype(np.int32)
    order = np.lexsort((np.arange(n), parent, family))
    again = np.zeros(n, dtype=bool)
    again[order[1:]] = (family[order[1:]] == family[order[:-1]]) & (parent[order[1:]] == parent[order[:-1]])
    again &= parent >= 0
    codes[again] = SAME_AS_EARLIER
    codes = np.where(known >= 0, FIRST_TYPE + types.max(initial=0) + 1 + known, codes).astype(np.int32)
    codes[same_as_previous(family, parent)] = SAME_AS_PREVIOUS
    return codes


def new_meetings(codes: np.ndarray, parent: np.ndarray, parents: int, types: int) -> np.ndarray:
    """How many families met each parent for the first time: the slots a parent needs.  float64[parents]."""
    fresh = (codes >= FIRST_TYPE) & (codes < FIRST_TYPE + types)
    return np.bincount(parent[fresh], minlength=parents).astype(np.float64)


@dataclass(frozen=True)
class Slots:
    """Segments of one link, as models.sequence.Links wants them (offsets start at 0)."""

    segments: np.ndarray
    slots: np.ndarray
    groups: np.ndarray
    candidates: np.ndarray


def make_slots(
    types: np.ndarray, n_types: int, group: np.ndarray, n_groups: int, degree: np.ndarray, *, rng: np.random.Generator
) -> Slots:
    """One slot per due child, shuffled within (group, type); all rows of a group as candidates."""
    rows = np.arange(len(types))
    held = rows[group >= 0]
    slots = np.repeat(held, np.maximum(np.nan_to_num(degree[held]), 0).astype(np.int64))
    slots = rng.permutation(slots)
    segment = group[slots] * n_types + types[slots]
    order = np.argsort(segment, kind="stable")
    starts = np.searchsorted(segment[order], np.arange(n_groups * n_types + 1))
    by_group = held[np.argsort(group[held], kind="stable")]
    groups = np.searchsorted(group[by_group], np.arange(n_groups + 1))
    return Slots(starts.astype(np.int64), slots[order], groups.astype(np.int64), by_group)


def ancestors(database: Database, references: dict[TableName, dict[str, TableName]], start: TableName) -> list[Path]:
    """Paths of at most two hops from a table to the tables it hangs from (with the empty path first)."""
    found = [Path((), "")]
    frontier: list[tuple[tuple[Hop, ...], TableName]] = [((), start)]
    for _ in range(2):
        grown = []
        for hops, table in frontier:
            for reference, parent in references.get(table, {}).items():
                if parent in database and parent != start:
                    path = (*hops, Hop(reference, parent))
                    found.append(Path(path, ""))
                    grown.append((path, parent))
        frontier = grown
    return found


def end_of(path: Path, start: TableName) -> TableName:
    """The table a path leads to."""
    return path.hops[-1].parent if path.hops else start


def find_restriction(
    database: Database,
    references: dict[TableName, dict[str, TableName]],
    sources: Sequence[tuple[str, TableName, np.ndarray]],
    candidate: tuple[TableName, np.ndarray],
) -> Restriction | None:
    """An ancestor that a row's link has in common with its owner, its other links, its sibling or itself.

    ``sources`` are (name, table, row numbers int64[n]); ``candidate`` is the linked parent and the row numbers
    referred to.  Kept where it holds for ≥ 99.5% of the rows and would rarely hold by chance.
    """
    table, chosen = candidate
    best: tuple[float, Restriction] | None = None
    for right in ancestors(database, references, table):
        meet = end_of(right, table)
        if not right.hops or database[meet].n < 2:
            continue
        there = follow(database, table, right.hops)
        for name, start, rows in sources:
            for left in ancestors(database, references, start):
                if end_of(left, start) != meet:
                    continue
                here = follow(database, start, left.hops)
                selective = _selectivity(here, rows, there, chosen)
                if selective is not None and (best is None or selective < best[0]):
                    best = (selective, Restriction(name, left, right))
    return best[1] if best else None


def _selectivity(here: np.ndarray, rows: np.ndarray, there: np.ndarray, chosen: np.ndarray) -> float | None:
    """Share of candidates that the rule leaves, or None where the rule does not hold or says little."""
    both = (rows >= 0) & (chosen >= 0)
    if both.sum() < 20 or not len(here) or not len(there):
        return None
    a, b = here[rows[both]], there[chosen[both]]
    if np.mean((a == b) & (a >= 0)) < SUPPORT:
        return None
    sizes = np.bincount(there[there >= 0])
    left = float(sizes[a[a >= 0]].mean()) / max(len(there), 1)
    return left if left < 0.5 else None


def usually_apart(family: np.ndarray, up: np.ndarray) -> bool:
    """Whether families hardly ever refer to one parent twice, though they would if they chose by popularity alone.

    ``family`` and ``up`` int64[rows], −1 for no parent.  A visit has each measurement once.
    """
    held = up >= 0
    n = int(held.sum())
    if n < _FEWEST_ROWS:
        return False
    pairs = np.unique(family[held] * (int(up.max()) + 1) + up[held])
    repeated = 1 - len(pairs) / n
    sizes = np.unique(family[held], return_counts=True)[1].astype(np.float64)
    share = np.bincount(up[held]) / n
    by_chance = float((sizes * np.minimum((sizes - 1) / 2 * (share**2).sum(), 1)).sum()) / n
    return repeated <= _RARELY and by_chance >= max(_OFTEN, 4 * repeated)
