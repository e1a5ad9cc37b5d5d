"""Guesses of an attacker who knows part of an entity: singling out and linkability, each beside a control group.

After Giomi et al., "A unified framework for quantifying privacy risk in synthetic data" (Anonymeter), PoPETs 2023, with
one record per entity: its own columns and the aggregates of what hangs from it.  What works equally well on entities
that the model has never seen is inference from statistics, not a leak: only the excess over them is a risk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dbclone.privacy.audit_attacks import nearest_rows
from dbclone.privacy.audit_intervals import Interval, excess, wilson
from dbclone.privacy.audit_profiles import Attribute, Vectors

GUESSES = 1_000
"""Guesses of each kind, at most."""
COLUMNS = 3
"""Attributes in a conjunction that singles out."""
ROUNDS = 4
"""Divisions of the attributes into two sets, each known to another party."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Guessing:
    """How often a kind of guess was right, about entities fitted to and about entities never seen."""

    name: str
    guesses: int
    success: Interval
    control: Interval
    risk: Interval
    """What the fit adds: (success − control) / (1 − control)."""


@dataclass(frozen=True)
class Records:
    """The attributes of the same kind of entities in three databases."""

    members: Sequence[Attribute]
    controls: Sequence[Attribute]
    synthetic: Sequence[Attribute]


@dataclass(frozen=True)
class _Condition:
    """One attribute equals, does not exceed or reaches a value; NaN equals NaN."""

    place: int
    how: str
    value: float

    def holds(self, attributes: Sequence[Attribute]) -> Mask:
        values = attributes[self.place].values
        if np.isnan(self.value):
            return np.isnan(values)
        if self.how == "=":
            return np.asarray(values == self.value)
        return np.asarray(values <= self.value if self.how == "<=" else values >= self.value)


def singling_out(records: Records, rng: np.random.Generator) -> tuple[Guessing, ...]:
    """Conditions that only one synthetic entity meets: how often does exactly one real entity meet them too?"""
    one = _guess("singling out, one column", records, _of_one(records.synthetic, rng))
    many = _guess(f"singling out, {COLUMNS} columns", records, _of_many(records.synthetic, rng))
    return tuple(g for g in (one, many) if g.guesses)


def linkability(
    vectors: tuple[Vectors, Vectors, Vectors], groups: npt.NDArray[np.int64], rng: np.random.Generator
) -> Guessing:
    """Two parties know different attributes of an entity: does the clone lead both to the same synthetic entity?

    ``vectors``: of members, controls and synthetic entities; ``groups``: the attribute of each feature.  The attributes
    are divided at random, several times.
    """
    members, controls, synthetic = vectors
    hits: list[list[Mask]] = [[], []]
    each = max(GUESSES // ROUNDS, 1)
    for _ in range(ROUNDS):
        side = rng.permutation(int(groups.max()) + 1)[groups] % 2 == 0
        for found, real in zip(hits, (members, controls), strict=True):
            asked = real[rng.permutation(len(real))[:each]]
            ways = [nearest_rows(asked[:, half], synthetic[:, half]) for half in (side, ~side)]
            found.append((ways[0] == ways[1]) & (ways[0] >= 0))
    return _guessing("linkability", np.concatenate(hits[0]), np.concatenate(hits[1]))


def _guess(name: str, records: Records, guesses: Iterator[tuple[_Condition, ...]]) -> Guessing:
    made = list(guesses)
    right = [np.array([_singles_out(g, a) for g in made], dtype=bool) for a in (records.members, records.controls)]
    return _guessing(name, right[0], right[1])


def _guessing(name: str, members: Mask, controls: Mask) -> Guessing:
    """``members`` and ``controls``: for each guess whether it was right about an entity of theirs."""
    success, control = wilson(int(members.sum()), len(members)), wilson(int(controls.sum()), len(controls))
    return Guessing(name, len(members), success, control, excess(success, control))


def _singles_out(conditions: Sequence[_Condition], attributes: Sequence[Attribute]) -> bool:
    return int(np.logical_and.reduce([c.holds(attributes) for c in conditions]).sum()) == 1


def _of_one(synthetic: Sequence[Attribute], rng: np.random.Generator) -> Iterator[tuple[_Condition, ...]]:
    """Values that one synthetic entity has, and the extremes, in random order."""
    found: list[_Condition] = []
    for place, attribute in enumerate(synthetic):
        known = attribute.values[~np.isnan(attribute.values)]
        values, times = np.unique(known, return_counts=True)
        found += [_Condition(place, "=", float(v)) for v in values[times == 1]]
        if len(values) and not attribute.levels:
            found += [_Condition(place, "<=", float(values[0])), _Condition(place, ">=", float(values[-1]))]
    chosen = rng.permutation(len(found))[:GUESSES]
    return ((found[i],) for i in chosen if _singles_out((found[i],), synthetic))


def _of_many(synthetic: Sequence[Attribute], rng: np.random.Generator) -> Iterator[tuple[_Condition, ...]]:
    """Conjunctions about a random synthetic entity; numbers are bounded on the side away from the median."""
    entities = len(synthetic[0].values) if synthetic else 0
    if entities == 0 or len(synthetic) < 2:
        return
    medians = [float(np.nanmedian(a.values)) if not np.isnan(a.values).all() else 0.0 for a in synthetic]
    made = 0
    for _ in range(4 * GUESSES):
        one = int(rng.integers(entities))
        places = rng.choice(len(synthetic), min(COLUMNS, len(synthetic)), replace=False)
        conditions = tuple(_about(synthetic[int(p)], int(p), one, medians[int(p)]) for p in places)
        if _singles_out(conditions, synthetic):
            made += 1
            yield conditions
        if made == GUESSES:
            return


def _about(attribute: Attribute, place: int, entity: int, median: float) -> _Condition:
    value = float(attribute.values[entity])
    if attribute.levels or np.isnan(value):
        return _Condition(place, "=", value)
    return _Condition(place, ">=" if value > median else "<=", value)
