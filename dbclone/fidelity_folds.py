"""Folds for rows that share parents: no parent row, and no sibling of it, ever stands on both sides of a split.

Else a classifier would recognise a parent instead of telling real from synthetic, and even perfect rows would score far
above one half.  Folds are drawn over the topmost owners: a lab result is in the fold of its patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dbclone.halving import Tables
from dbclone.matching import Rows, parent_rows
from dbclone.schema import ForeignKey, Schema, TableName

Folds = npt.NDArray[np.int64]
Path = tuple[ForeignKey, ...]

Followed = tuple[ForeignKey, Path, bool]
"""A key, the path from its parent to the topmost owner, and whether the owners are the same rows on both sides: then
these must be in the same fold on both, whatever the seed."""

FOLDS = 5
MIN_OWNERS = 20
"""A parent of which fewer rows are referred to is a label, not an owner."""


@dataclass(frozen=True)
class Linked:
    """A database, and which rows its foreign keys lead to (found once)."""

    schema: Schema
    tables: Tables
    _parents: dict[tuple[TableName, ForeignKey], Rows] = field(default_factory=dict)

    def rows(self, name: TableName) -> int:
        """Rows of the table."""
        return self.tables[name].num_rows

    def parents(self, child: TableName, key: ForeignKey) -> Rows:
        """For each row of the child the position of its parent row, negative where there is none."""
        if (child, key) not in self._parents:
            self._parents[child, key] = parent_rows(self.tables[child], self.tables[key.parent], key)
        return self._parents[child, key]


def is_owner(real: Linked, child: TableName, key: ForeignKey) -> bool:
    """Whether enough parent rows are referred to for the parent to be more than a label."""
    parents = real.parents(child, key)
    return len(np.unique(parents[parents >= 0])) >= MIN_OWNERS


def owner_path(real: Linked, name: TableName) -> Path:
    """The foreign keys that lead from a table to its topmost owner: each time the one to the largest parent.

    It is read from the real data and used on both sides.
    """
    path: list[ForeignKey] = []
    seen = {name}
    while keys := [k for k in real.schema.table(name).foreign_keys if k.parent not in seen and is_owner(real, name, k)]:
        path.append(max(keys, key=lambda k: real.rows(k.parent)))
        name = path[-1].parent
        seen.add(name)
    return tuple(path)


def owner_folds(data: Linked, name: TableName, path: Path, seed: int) -> Folds:
    """The fold of each row: that of its topmost owner; one of its own where the chain of owners ends early."""
    rows = data.rows(name)
    if not path:
        return np.random.default_rng(seed).permutation(np.arange(rows) % FOLDS)
    above = owner_folds(data, path[0].parent, path[1:], seed)
    parents = data.parents(name, path[0])
    own = np.random.default_rng(seed + 2).permutation(np.arange(rows) % FOLDS)
    return np.where(parents >= 0, above[np.maximum(parents, 0)], own) if len(above) else own


def parent_folds(data: Linked, child: TableName, followed: Sequence[Followed], seed: int) -> Folds:
    """[rows, parents followed]: the fold of each parent row, −1 where there is none.

    A row without any parent, or of a table whose parents are all labels, has a fold of its own.
    """
    rows = data.rows(child)
    columns = []
    for key, path, common in followed:
        above, parents = owner_folds(data, key.parent, path, 0 if common else seed), data.parents(child, key)
        columns.append(np.where(parents >= 0, above[np.maximum(parents, 0)], -1) if len(above) else np.full(rows, -1))
    folds = np.column_stack(columns) if columns else np.full((rows, 1), -1)
    lonely = (folds < 0).all(axis=1)
    own = np.random.default_rng(seed + 4).permutation(np.arange(rows) % FOLDS)
    folds[lonely, 0] = own[lonely]
    return folds


def in_fold(folds: Folds, fold: int) -> npt.NDArray[np.bool_]:
    """The rows all of whose parents are of that fold: those to test on."""
    return np.asarray(((folds == fold) | (folds < 0)).all(axis=1))


def outside_fold(folds: Folds, fold: int) -> npt.NDArray[np.bool_]:
    """The rows none of whose parents is of that fold: those to train on."""
    return np.asarray((folds != fold).all(axis=1))
