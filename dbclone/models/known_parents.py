"""Further parents that are known before they are chosen: the row's owner, a sibling or another reference names them.

The first leg of a shipment starts at the shipment's origin, each other one where the one before ended, the last ends at
the destination; customers mostly order from the shop next door.  Which way of knowing holds for a row is a code of the
link's step, so that a tree tells when (the place among the siblings, the kind of event).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dbclone.models.layout import BY_OWNER, BY_PREVIOUS, BY_ROW, MOST_KNOWN
from dbclone.models.linkage import ancestors, end_of
from dbclone.models.relations import Relation
from dbclone.models.rows import Database, follow, taken_rows
from dbclone.models.steps import Known
from dbclone.privacy.protection import Guard, count_entities
from dbclone.schema import TableName

_SHARE, _FEWEST, _LIFT = 0.05, 20, 3.0
"""Share of the rows with a parent, and rows, that a way of knowing explains at least; how many times more than the
popularity of parents alone would."""

References = dict[TableName, dict[str, TableName]]


def ways_to_know(
    database: Database,
    references: References,
    owner: tuple[TableName, np.ndarray] | None,
    links: Sequence[Relation],
    r: Relation,
    *,
    opens: np.ndarray,
) -> Iterator[tuple[Known, np.ndarray]]:
    """Everything that names a row of the link's parent, with the row that it names in each row; int64[n], −1 for none.

    ``owner`` is the owner's table and the owner of each row; ``links`` are the table's further parents in the order in
    which they are chosen, ``r`` among them; ``opens`` (bool[n]) says which rows are the first of their family.
    """
    up = {k.id: database[r.child].parents[k.id] for k in links}
    if owner is not None:
        yield from _named(database, references, (BY_OWNER, "", *owner), r.parent)
    earlier = links[: [k.id for k in links].index(r.id)]
    for other in links:
        before = np.where(opens, -1, np.roll(up[other.id], 1))
        yield from _named(database, references, (BY_PREVIOUS, other.id, other.parent, before), r.parent)
    for other in earlier:
        yield from _named(database, references, (BY_ROW, other.id, other.parent, up[other.id]), r.parent)


def _named(
    database: Database, references: References, source: tuple[int, str, TableName, np.ndarray], wanted: TableName
) -> Iterator[tuple[Known, np.ndarray]]:
    who, reference, start, rows = source
    for path in ancestors(database, references, start):
        if end_of(path, start) == wanted:
            yield Known(who, reference, path.hops), taken_rows(follow(database, start, path.hops), rows)


def known_parents(
    ways: Sequence[tuple[Known, np.ndarray]], up: np.ndarray, told: np.ndarray, guard: Guard
) -> tuple[tuple[Known, ...], np.ndarray]:
    """The ways that explain most, and which of them holds for each row; int64[n], −1 for none.

    ``up`` is the parent of each row (−1: none); ``told`` (bool[n]) says which rows are explained already.
    """
    which = np.full(len(up), -1, dtype=np.int64)
    left = (up >= 0) & ~told
    least = max(_FEWEST, _SHARE * (up >= 0).sum())
    popular = np.bincount(up[up >= 0], minlength=1) / max((up >= 0).sum(), 1)
    found: list[Known] = []
    for _ in range(MOST_KNOWN):
        best = max(((int((left & (rows == up)).sum()), i) for i, (_, rows) in enumerate(ways)), default=(0, 0))
        if best[0] < least:
            break
        known, rows = ways[best[1]]
        met = left & (rows == up)
        there = rows[left & (rows >= 0)]
        by_chance = popular[there[there < len(popular)]].sum()
        if met.sum() < _LIFT * by_chance or count_entities(np.flatnonzero(met), guard.owners) < guard.k:
            ways = [way for i, way in enumerate(ways) if i != best[1]]
            continue
        which[met] = len(found)
        found.append(known)
        left &= ~met
    return tuple(found), which
