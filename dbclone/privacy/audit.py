"""The audit: what an attacker who sees the clone learns of the very entities that the model was fitted to.

An entity is a row of one table (the unit) with all that hangs from it.  The model is fitted to a random half of the
entities, the members; the other half, the controls, it never sees.  An attack that tells members from controls has
found something that only the fit can have betrayed; one that succeeds equally on both has learned statistics.  Random
halves make the comparison exact: without any leak every area under a ROC curve is 0.5 on average, whatever the data.

Measured where nothing leaks, on 40 draws of 200 members and 200 controls: mean areas of 0.499 to 0.506, intervals that
cover 0.5 in 90 to 98% of the draws.  The best of the four attacks is 0.530 on average there, being the best of four:
read it with its interval, and choose a limit that the number of entities can bear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dbclone.privacy import audit_attacks as attacks
from dbclone.privacy.audit_copies import Databases, Shared, count_shared
from dbclone.privacy.audit_guesses import Guessing, Records, linkability, singling_out
from dbclone.privacy.audit_intervals import Interval, Scores, auc, tpr
from dbclone.privacy.audit_profiles import Profiler, Scaler, Vectors, branches
from dbclone.privacy.audit_values import descriptive, row_hashes
from dbclone.schema import TableName

Ints = npt.NDArray[np.int64]

JUDGED = 4_000
"""Members, and controls, that are attacked; more would not narrow the intervals by much."""
ISOLATED = 0.05
"""The share of entities, those farthest from any other, for whom the attacks are told apart."""
NAMING_SHARE = 0.5
"""Share of distinct values from which on a column names rows, so that a whole row never comes again because of it."""


@dataclass(frozen=True)
class Attack:
    """How well one attacker tells members from controls."""

    name: str
    auc: Interval
    """Area under the ROC curve: 0.5 is guessing, 1 is certainty."""
    tpr: Interval
    """Share of members found at 1% false alarms: 0.01 is guessing."""
    isolated_auc: Interval
    isolated_tpr: Interval
    """The same for the most isolated entities only."""


@dataclass(frozen=True)
class AuditFigures:
    """All that was measured."""

    members: int
    controls: int
    synthetic: int
    """Entities in each database."""
    isolated: int
    """Members and controls among the most isolated."""
    attacks: tuple[Attack, ...]
    guesses: tuple[Guessing, ...]
    shared: tuple[Shared, ...]

    @property
    def best(self) -> Attack:
        """The attack with the largest area under its ROC curve."""
        return max(self.attacks, key=lambda a: a.auc.value)


def audit(data: Databases, k: int, seed: int) -> AuditFigures:
    """Attack the clone with every means; ``k``: values of fewer entities count as rare."""
    rng = np.random.default_rng(seed)
    trio = (data.members, data.controls, data.synthetic)
    profiler = Profiler.learn(data.schema, data.unit, trio[:2])
    attributes = [profiler.attributes(tables) for tables in trio]
    scaler = Scaler.learn(attributes[:2])
    vectors = [scaler.vectors(a) for a in attributes]
    sizes = [tables[data.unit].num_rows for tables in trio]
    found, isolated = _attacks(data, vectors, sizes, rng)
    guesses = singling_out(Records(*attributes), rng)
    if len(attributes[0]) > 1:
        guesses += (linkability((vectors[0], vectors[1], vectors[2]), scaler.groups(attributes[0]), rng),)
    return AuditFigures(sizes[0], sizes[1], sizes[2], isolated, found, guesses, count_shared(data, k, rng))


def _attacks(
    data: Databases, vectors: list[Vectors], sizes: list[int], rng: np.random.Generator
) -> tuple[tuple[Attack, ...], int]:
    """Every attack, and how many entities count as isolated."""
    folds = rng.permutation(sizes[1]) % attacks.FOLDS
    judged = [np.sort(rng.permutation(size)[:JUDGED]) for size in sizes[:2]]
    evidence = attacks.Evidence(vectors[0][judged[0]], vectors[1][judged[1]], vectors[2], folds[judged[1]])
    all_rows = attacks.rows(_twins(data), sizes[0], folds, sizes[2])
    scores = {
        "distance to the closest": attacks.distance(evidence),
        "density ratio": attacks.density(evidence),
        "classifier": attacks.classifier(evidence, rng),
        "recurring rows": _judged(all_rows, judged),
    }
    apart = attacks.isolation(np.concatenate([evidence.members, evidence.controls]))
    far = np.argsort(-apart, kind="stable")[: max(round(ISOLATED * len(apart)), 1)]
    isolated = np.isin(np.arange(len(apart)), far)
    masks = isolated[: len(evidence.members)], isolated[len(evidence.members) :]
    return tuple(_attack(name, s, s.only(*masks), rng) for name, s in scores.items()), len(far)


def _judged(scores: Scores, judged: list[Ints]) -> Scores:
    members = np.isin(np.arange(scores.members.shape[1]), judged[0])
    return scores.only(members, np.isin(np.arange(len(scores.controls)), judged[1]))


def _attack(name: str, scores: Scores, isolated: Scores, rng: np.random.Generator) -> Attack:
    return Attack(name, auc(scores), tpr(scores, rng), auc(isolated), tpr(isolated, rng))


def _twins(data: Databases) -> list[attacks.Twins]:
    """The rows of the unit's table and of all that hang from it: by all columns, and by those whose values recur."""
    trio = (data.members, data.controls, data.synthetic)
    owners = {data.unit: [np.arange(t[data.unit].num_rows, dtype=np.int64) for t in trio[:2]]}
    for branch in branches(data.schema, data.unit):
        owners.setdefault(branch.table, [branch.entities(t) for t in trio[:2]])
    found = []
    for name, (of_members, of_controls) in owners.items():
        columns = tuple(c.name for c in descriptive(data.schema.table(name)))
        for chosen in sorted({columns, tuple(c for c in columns if _recurs(data, name, c))} - {()}):
            members, controls, synthetic = row_hashes([t[name] for t in trio], chosen)
            found.append(attacks.Twins((members, of_members), (controls, of_controls), synthetic))
    return found


def _recurs(data: Databases, name: TableName, column: str) -> bool:
    """Whether values of the column come again often enough for whole rows to do so."""
    values = data.members[name].column(column)
    return len(values.unique()) <= max(NAMING_SHARE * len(values), 1)
