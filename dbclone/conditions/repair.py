"""Rows that violate conditions, made to satisfy them.

Conditions that share columns are treated together.  A violating row takes all their columns from a row that satisfies
them, if possible one that agrees in the columns which must stay; so what goes together stays together.  Where no such
row helps, single columns are changed, one at a time, to whatever brings the row closer (see ``candidates``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbclone.conditions.candidates import candidates
from dbclone.conditions.requirements import Requirement, violations

_ROUNDS = 12
"""Donors that a row is offered."""
_SHUFFLES = 3
"""Values of other rows that a single column is offered."""
_PASSES = 3
"""Columns of one row that are changed singly."""


@dataclass(frozen=True)
class Freedom:
    """What may happen to columns."""

    carried: frozenset[str]
    """May be taken from another row."""
    free: frozenset[str]
    """May be given any value of their type."""
    nullable: frozenset[str]
    """May become NULL."""
    ties: tuple[frozenset[str], ...] = ()
    """Columns that are taken together or not at all: those of a foreign key, those of a formula."""

    @property
    def movable(self) -> frozenset[str]:
        """Columns that may change in any way."""
        return self.carried | self.free | self.nullable


@dataclass(frozen=True)
class Group:
    """Requirements that share columns which may change, and all columns concerned."""

    requirements: tuple[Requirement, ...]
    columns: tuple[str, ...]


def connected(requirements: Sequence[Requirement], freedom: Freedom) -> tuple[Group, ...]:
    """The requirements in groups that can be repaired one after the other."""
    sets = [{*r.condition.columns} | _tied(r.condition.columns, freedom) for r in requirements]
    groups: list[tuple[list[int], set[str]]] = []
    for number, columns in enumerate(sets):
        members, union = [number], set(columns)
        apart = []
        for group in groups:
            if group[1] & union & freedom.movable:
                members, union = group[0] + members, group[1] | union
            else:
                apart.append(group)
        groups = [*apart, (members, union)]
    return tuple(Group(tuple(requirements[i] for i in m), tuple(sorted(u))) for m, u in groups)


def _tied(columns: Collection[str], freedom: Freedom) -> set[str]:
    found = set(columns)
    for _ in freedom.ties:
        found |= {c for tie in freedom.ties if tie & found for c in tie}
    return found


@dataclass
class Repair:
    """The columns of a group while they are repaired."""

    columns: dict[str, pa.Array]
    """By name, all n long."""
    donors: np.ndarray
    """int64[n]: the row from which each row's carried columns come, −1 for its own."""
    violated: np.ndarray
    """int64[n]: requirements that each row still violates."""
    edited: dict[str, np.ndarray]
    """bool[n] by column: values that were changed singly."""
    changed: set[str]

    @property
    def left(self) -> np.ndarray:
        """Rows that violate something."""
        return np.flatnonzero(self.violated)


def repair(group: Group, columns: dict[str, pa.Array], freedom: Freedom, rng: np.random.Generator) -> Repair:
    """Change the columns of violating rows within the freedom, as far as that helps."""
    held = {name: columns[name] for name in group.columns if name in columns}
    n = len(next(iter(held.values()))) if held else 0
    found = Repair(held, np.full(n, -1, dtype=np.int64), violations(group.requirements, held, n), {}, set())
    if found.violated.any():
        _take_from_others(group, found, freedom, rng)
    if found.violated.any():
        _change_singly(group, found, freedom, rng)
    return found


def _take_from_others(group: Group, found: Repair, freedom: Freedom, rng: np.random.Generator) -> None:
    moved = [name for name in found.columns if name in freedom.carried]
    good = np.flatnonzero(found.violated == 0)
    if not moved or not len(good):
        return
    fixed = [name for name in found.columns if name not in freedom.carried]
    alike = _Alike(found, fixed, good)
    for attempt in range(_ROUNDS):
        left = found.left
        if not len(left):
            break
        donors = alike.pick(left, rng) if attempt < _ROUNDS // 2 else good[rng.integers(len(good), size=len(left))]
        offered = {name: v.take(pa.array(donors if name in moved else left)) for name, v in found.columns.items()}
        helped = violations(group.requirements, offered, len(left)) == 0
        found.donors[left[helped]] = donors[helped]
        found.violated[left[helped]] = 0
    place = pa.array(np.where(found.donors >= 0, found.donors, np.arange(len(found.donors))))
    found.columns |= {name: found.columns[name].take(place) for name in moved}
    found.changed |= {*moved}


class _Alike:
    """Satisfying rows by the values of the columns that must stay."""

    def __init__(self, found: Repair, fixed: Iterable[str], good: np.ndarray) -> None:
        group = np.zeros(len(found.violated), dtype=np.int64)
        for name in fixed:
            encoded = found.columns[name].dictionary_encode()
            codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
            group = np.unique(group * (len(encoded.dictionary) + 1) + codes, return_inverse=True)[1]
        self._group = group
        self._good = good[np.argsort(group[good], kind="stable")]
        self._sorted = group[self._good]

    def pick(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each row a satisfying one of its group, or any where its group has none."""
        start = np.searchsorted(self._sorted, self._group[rows], side="left")
        stop = np.searchsorted(self._sorted, self._group[rows], side="right")
        start, stop = np.where(stop > start, start, 0), np.where(stop > start, stop, len(self._good))
        place: np.ndarray = self._good[start + np.floor(rng.random(len(rows)) * (stop - start)).astype(np.int64)]
        return place


def _change_singly(group: Group, found: Repair, freedom: Freedom, rng: np.random.Generator) -> None:
    """Accept whatever makes a row violate fewer requirements."""
    names = [name for name in found.columns if name in freedom.free | freedom.nullable]
    for _ in range(_PASSES):
        before = found.violated.sum()
        for name in names:
            _change(group, found, name, freedom, rng)
        if not found.violated.any() or found.violated.sum() == before:
            return


def _change(group: Group, found: Repair, name: str, freedom: Freedom, rng: np.random.Generator) -> None:
    rows = found.left
    here = {c: v.take(pa.array(rows)) for c, v in found.columns.items()}
    offers = []
    if name in freedom.free and len(rows):
        others = rng.integers(len(found.violated), size=(_SHUFFLES, len(rows)))
        offers = [found.columns[name].take(pa.array(picked)) for picked in others]
        offers += candidates(name, here, group.requirements, rng)
    if name in freedom.nullable:
        offers.append(pa.nulls(len(rows), here[name].type))
    for offer in offers:
        if name not in freedom.nullable and offer.null_count:
            offer = offer.fill_null(here[name])
        counts = violations(group.requirements, {**here, name: offer}, len(rows))
        helped = counts < found.violated[rows]
        _accept(found, name, offer, rows[helped], helped)
        found.violated[rows[helped]] = counts[helped]
        here[name] = found.columns[name].take(pa.array(rows))


def _accept(found: Repair, name: str, offer: pa.Array, rows: np.ndarray, helped: np.ndarray) -> None:
    """Put the offered values where they helped."""
    if not len(rows):
        return
    n = len(found.violated)
    place = np.arange(n)
    place[rows] = n + np.flatnonzero(helped)
    found.columns[name] = pa.concat_arrays([found.columns[name], offer]).take(pa.array(place))
    found.edited.setdefault(name, np.zeros(n, dtype=bool))[rows] = True
    found.changed.add(name)
