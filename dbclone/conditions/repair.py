"""Rows that violate conditions, made to satisfy them.

Conditions that share columns are treated together.  A violating row takes all their columns from a row that satisfies
them, if possible one that agrees in the columns which must stay; so what goes together stays together.  Where no such
row helps, single columns are changed, one at a time, to whatever brings the row closer (see ``candidates``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dbclone.conditions.candidates import candidates
from dbclone.conditions.requirements import Requirement, violations

_ROUNDS = 4
"""Donors of each degree of likeness that a row is offered."""
_FEW = 50
"""Distinct values up to which a column is a category."""
_WIDEST = 2**40
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
    keys: tuple[tuple[str, ...], ...] = ()
    """Columns in which no two rows may agree."""

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
    sets = [{*r.condition.columns} | tied(r.condition.columns, freedom) for r in requirements]
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


def tied(columns: Collection[str], freedom: Freedom) -> set[str]:
    """The columns with all that must be taken together with them."""
    found = set(columns)
    for _ in freedom.ties:
        found |= {c for tie in freedom.ties if tie & found for c in tie}
    return found


def taken(columns: dict[str, pa.Array], names: Collection[str], donors: np.ndarray) -> Repair:
    """Rows that take the named columns of others as they are; ``donors`` int64[n], −1 for a row's own."""
    found = Repair(dict(columns), donors, np.zeros(len(donors), dtype=np.int64), {}, {*names})
    place = _sources(found)
    found.columns |= {name: columns[name].take(place) for name in names}
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
    carried: set[str]
    """Columns that the donors gave."""

    @property
    def changed(self) -> set[str]:
        """Columns that are not what they were."""
        return self.carried | self.edited.keys()

    @property
    def left(self) -> np.ndarray:
        """Rows that violate something."""
        return np.flatnonzero(self.violated)


def repair(group: Group, columns: dict[str, pa.Array], freedom: Freedom, rng: np.random.Generator) -> Repair:
    """Change the columns of violating rows within the freedom, as far as that helps."""
    keys = [key for key in freedom.keys if {*key} & {*group.columns} & freedom.carried and {*key} <= columns.keys()]
    names = dict.fromkeys((*group.columns, *(name for key in keys for name in key)))
    held = {name: columns[name] for name in names if name in columns}
    n = len(next(iter(held.values()))) if held else 0
    found = Repair(held, np.full(n, -1, dtype=np.int64), violations(group.requirements, held, n), {}, set())
    if found.violated.any():
        _take_from_others(group, found, freedom, rng)
    if found.violated.any():
        _change_singly(group, found, freedom, rng)
    return found


def _take_from_others(group: Group, found: Repair, freedom: Freedom, rng: np.random.Generator) -> None:
    moved = [name for name in group.columns if name in freedom.carried & found.columns.keys()]
    good = np.flatnonzero(found.violated == 0)
    if not moved or not len(good):
        return
    keys = [key for key in freedom.keys if {*key} & {*moved} and {*key} <= found.columns.keys()]
    # A donor that agrees in the rest of a key would only be repeated.
    fixed = {*found.columns} - {*moved} if not keys else set()
    for likeness in _likenesses(found, fixed, moved):
        donors_of = _Donors(likeness, good)
        for _ in range(_ROUNDS):
            left = found.left
            if not len(left):
                break
            donors, there = donors_of.pick(left, rng)
            offered = {name: v.take(pa.array(donors if name in moved else left)) for name, v in found.columns.items()}
            helped = there & (violations(group.requirements, offered, len(left)) == 0)
            found.donors[left[helped]] = donors[helped]
            for key in keys:
                helped &= ~_repeated(found, key, moved)[left]
            found.donors[left[~helped]] = -1
            found.violated[left[helped]] = 0
    place = _sources(found)
    found.columns |= {name: found.columns[name].take(place) for name in moved}
    found.carried |= {*moved}


def _sources(found: Repair) -> pa.Array:
    """The row from which each row's carried columns come."""
    return pa.array(np.where(found.donors >= 0, found.donors, np.arange(len(found.donors))))


def _repeated(found: Repair, key: tuple[str, ...], moved: Collection[str]) -> np.ndarray:
    """bool[n]: rows that, with what they take, have the key of another that is satisfied or of an earlier one."""
    n = len(found.donors)
    place = _sources(found)
    codes = [_codes(found.columns[name].take(place) if name in moved else found.columns[name]) for name in key]
    null, joint = np.logical_or.reduce([code == 0 for code in codes]), _joint(codes, n)
    order = np.lexsort((np.arange(n), found.violated > 0, joint))
    same = np.zeros(n, dtype=bool)
    same[order[1:]] = joint[order[1:]] == joint[order[:-1]]
    return same & ~null


def _codes(values: pa.Array) -> np.ndarray:
    """Equal numbers for equal values, 0 for NULL; int64[n]."""
    encoded = values.dictionary_encode()
    codes: np.ndarray = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
    return codes


def _likenesses(found: Repair, fixed: Collection[str], moved: Collection[str]) -> Iterator[np.ndarray]:
    """Numbers of groups of rows that are alike, int64[n], from much alike to not at all.

    First those that agree in what must stay, in what is NULL and in categories; so their shares are kept.
    """
    codes = {name: _codes(found.columns[name]) for name in sorted({*fixed, *moved})}
    null = [codes[name] == 0 for name in moved]
    few = {name: codes[name] for name in moved if codes[name].max(initial=0) <= _FEW}
    words = [code for name, code in few.items() if not _is_measured(found.columns[name].type)]
    stay = [codes[name] for name in fixed if name in codes]
    levels: tuple[list[np.ndarray], ...] = ([*null, *few.values()], [*null, *words], null, [])
    for parts in (*([*stay, *level] for level in levels), *levels):
        yield _joint(parts, len(found.violated))


def _joint(parts: Sequence[np.ndarray], n: int) -> np.ndarray:
    """Equal numbers for rows that agree in all parts; int64[n]."""
    joint, size = np.zeros(n, dtype=np.int64), 1
    for part in parts:
        width = int(part.max(initial=0)) + 1
        if size * width > _WIDEST:
            joint = np.unique(joint, return_inverse=True)[1]
            size = int(joint.max(initial=0)) + 1
        joint, size = joint * width + part, size * width
    return joint


def _is_measured(kind: pa.DataType) -> bool:
    return not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind))


class _Donors:
    """Satisfying rows by group."""

    def __init__(self, group: np.ndarray, good: np.ndarray) -> None:
        self._group = group
        self._good = good[np.argsort(group[good], kind="stable")]
        self._sorted = group[self._good]

    def pick(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """For each row a satisfying one of its group, and whether its group has any."""
        start = np.searchsorted(self._sorted, self._group[rows], side="left")
        stop = np.searchsorted(self._sorted, self._group[rows], side="right")
        there = stop > start
        place = np.where(there, start + np.floor(rng.random(len(rows)) * (stop - start)).astype(np.int64), 0)
        return self._good[place], there


def _change_singly(group: Group, found: Repair, freedom: Freedom, rng: np.random.Generator) -> None:
    """Accept whatever makes a row violate fewer requirements."""
    names = [name for name in group.columns if name in (freedom.free | freedom.nullable) & found.columns.keys()]
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
