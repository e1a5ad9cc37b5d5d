"""Which labels the children of one parent have together: the tests of a patient, the kinds of a customer's orders.

The set is drawn with the parent.  Its children's labels are then of the set, and each label of it comes at least once
where they are enough.  Types of parents alone leave the sets too wide: who has had two tests has a third one by chance.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dbclone.columns.categorical import CategoricalCodec
from dbclone.models.encoding import ColumnStep
from dbclone.models.observation import Observed
from dbclone.models.relations import Relation
from dbclone.models.steps import LabelSets
from dbclone.privacy.protection import Guard

MOST_LABELS = 32
_LONG = 3.0
"""Children per parent with children from which their labels make a set."""
_KNOWN = 0.6
"""Share of the parents with children whose sets at least k entities have."""
_FEWEST = 5
"""Parents that have a set, at least."""
_ONE = 0.9
"""Share of them from which one set says nothing."""


def label_sets(
    observed: Observed, owner: Relation, owners: int, guard: Guard
) -> Iterator[tuple[ColumnStep, LabelSets, np.ndarray]]:
    """Columns of whose labels the owner's rows have sets, the sets, and the code of each owner's (int32[owners]).

    ``guard`` is that of the owners.
    """
    up = observed.rows.parents[owner.id]
    held = up >= 0
    children = np.bincount(up[held], minlength=owners)
    if not (children > 0).any() or children[children > 0].mean() < _LONG:
        return
    for column in observed.columns:
        codes = observed.rows.codes.get(column.step)
        if codes is None or not isinstance(column.codec, CategoricalCodec):
            continue
        if 2 <= len(np.unique(codes)) <= MOST_LABELS and codes.max(initial=0) <= MOST_LABELS:
            found = _sets(codes[held].astype(np.int64), up[held], owners, guard)
            if found is not None:
                yield column, LabelSets(f"labels:{owner.id}:{column.column}", found[0]), found[1]


def _sets(codes: np.ndarray, up: np.ndarray, owners: int, guard: Guard) -> tuple[np.ndarray, np.ndarray] | None:
    """Masks by code and the code of each owner, None where sets are too many or say nothing."""
    masks = np.zeros(owners, dtype=np.int64)
    np.bitwise_or.at(masks, up, 1 << codes)
    there = np.flatnonzero(masks)
    known, at, counts = np.unique(masks[there], return_inverse=True, return_counts=True)
    kept = guard.take(there).held(at, len(known)) & (counts >= _FEWEST)
    if counts[kept].sum() < _KNOWN * len(there) or counts.max() >= _ONE * len(there):
        return None
    code = np.where(kept, np.cumsum(kept), 0)
    of_owners = np.zeros(owners, dtype=np.int32)
    of_owners[there] = code[at]
    return np.concatenate([[0], known[kept]]), of_owners
