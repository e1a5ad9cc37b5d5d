"""The k-rule: nothing leaves the source that fewer than k distinct entities hold.

An entity is a row of the root table from which a row hangs along the owners' foreign keys (a patient with all visits).
``Guard`` says for the rows of one table whose they are; k ≤ 1 means that nothing is guarded.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def count_entities(rows: npt.NDArray[np.integer], entities: Ints | None) -> int:
    """Distinct entities among the given rows; ``entities`` None means that every row is an entity of its own."""
    return len(rows) if entities is None else len(np.unique(entities[rows]))


@dataclass(frozen=True)
class Guard:
    """k, and the entity of each row of a table (int64[n] from 0; empty where nothing is guarded)."""

    k: int = 1
    entities: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def on(self) -> bool:
        return self.k > 1

    @property
    def owners(self) -> Ints | None:
        """The entities, None where nothing is guarded."""
        return self.entities if self.on else None

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Guard:
        """The guard of some of the rows."""
        return Guard(self.k, self.entities[rows]) if self.on else self

    def held(self, groups: npt.NDArray[np.integer], size: int) -> npt.NDArray[np.bool_]:
        """Which of the groups 0 … size − 1 at least k entities hold, bool[size]; ``groups`` int[n], −1 for none."""
        if not self.on:
            return np.ones(size, dtype=bool)
        inside = groups >= 0
        return holders(groups[inside].astype(np.int64), self.entities[inside], size) >= self.k


UNGUARDED = Guard()


def holders(groups: Ints, entities: Ints, size: int) -> Ints:
    """How many distinct entities hold each of the groups 0 … size − 1; int64[size]."""
    order = np.lexsort((entities, groups))
    group, entity = groups[order], entities[order]
    first = np.ones(len(group), dtype=bool)
    first[1:] = (group[1:] != group[:-1]) | (entity[1:] != entity[:-1])
    return np.bincount(group[first], minlength=size).astype(np.int64)
