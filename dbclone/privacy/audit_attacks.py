"""Was this entity in the data that the model was fitted to?  Four attackers who see the synthetic database say how much
they believe it.

* ``distance``: the nearer the closest synthetic entity, the likelier.
* ``density``: the same, against how near the closest entity of an independent real sample is: a common entity has close
  twins anywhere (DOMIAS: van Breugel et al., "Membership inference attacks against synthetic data through overfitting
  detection", AISTATS 2023, with nearest neighbours in place of density estimates).
* ``classifier``: a classifier of synthetic against independent real entities is asked what it takes the entity for.
* ``rows``: how often the entity's own rows and those that hang from it come again, value for value, against how often
  they do in the independent sample.

The independent sample is one half of the controls; the other half is judged; then the other way round (see ``Scores``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dbclone.privacy.audit_intervals import Scores
from dbclone.privacy.audit_profiles import Vectors

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Judge = Callable[[Vectors], Floats]

FOLDS = 2
_BLOCK = 1_000
"""Rows whose distances to all others are held at a time."""
_TRAINED = 2_000
"""Entities of each class that the classifier learns from, at most."""
_PSEUDO = 0.1
"""Occurrences added to both counts, so that what occurs nowhere says nothing; few, as a rare row found says much."""
_RIDGE = 0.1
_WIDTH = 0.3
"""Of the classifier's kernel, in typical distances to the closest entity.  Wider ones overlook copies: entities of many
attributes are all about equally far from each other."""


@dataclass(frozen=True)
class Evidence:
    """Entities as vectors: fitted to (members), never seen (controls), synthetic."""

    members: Vectors
    controls: Vectors
    synthetic: Vectors
    folds: Ints
    """[controls]: 0 or 1; a control is judged with the other fold as the independent sample."""


def distance(evidence: Evidence) -> Scores:
    """The nearer the closest synthetic entity, the likelier a member."""
    near = [-nearest(x, evidence.synthetic) for x in (evidence.members, evidence.controls)]
    return Scores.of(near[0], near[1])


def density(evidence: Evidence) -> Scores:
    """Distance to the closest real entity of an independent sample over the distance to the closest synthetic one."""
    members, controls = (nearest(x, evidence.synthetic) for x in (evidence.members, evidence.controls))
    least = 0.01 * float(np.median(np.concatenate([members, controls]))) + 1e-6
    real = _in_folds(evidence, lambda sample: lambda asked: np.log(nearest(asked, sample) + least))
    return Scores(real.members - np.log(members + least), real.controls - np.log(controls + least), real.folds)


def classifier(evidence: Evidence, rng: np.random.Generator) -> Scores:
    """How much more a classifier takes the entity for a synthetic than for a real one."""
    synthetic = evidence.synthetic[rng.permutation(len(evidence.synthetic))[:_TRAINED]]
    return _in_folds(evidence, lambda sample: _classifier(synthetic, sample[:_TRAINED]))


def isolation(vectors: Vectors) -> Floats:
    """The distance of each entity to the closest other one."""
    return nearest(vectors, vectors, others=True)


def nearest(of: Vectors, among: Vectors, others: bool = False) -> Floats:
    """Euclidean distance from each row of ``of`` to the closest of ``among``; ``others``: they are the same rows."""
    closest = nearest_rows(of, among, others)
    gaps = (of - among[closest]).astype(np.float64) if len(among) else np.zeros((len(of), 1))
    return np.asarray(np.sqrt((gaps**2).sum(axis=1)))


def nearest_rows(of: Vectors, among: Vectors, others: bool = False) -> Ints:
    """For each row of ``of`` the number of the closest of ``among``, the first of several; −1 if there is none.

    ``others``: both are the same rows, and none is closest to itself.
    """
    if not len(among):
        return np.full(len(of), -1, dtype=np.int64)
    lengths = np.einsum("ij,ij->i", among, among)
    found = [np.zeros(0, dtype=np.int64)]
    for start in range(0, len(of), _BLOCK):
        block = of[start : start + _BLOCK]
        squares = lengths[None, :] - 2 * (block @ among.T)
        if others:
            squares[np.arange(len(block)), start + np.arange(len(block))] = np.inf
        found.append(squares.argmin(axis=1))
    return np.concatenate(found)


@dataclass(frozen=True)
class Twins:
    """One table's rows in all three databases: what they are, and whose (negative: nobody's)."""

    members: tuple[npt.NDArray[np.uint64], Ints]
    controls: tuple[npt.NDArray[np.uint64], Ints]
    synthetic: npt.NDArray[np.uint64]


def rows(tables: Sequence[Twins], members: int, folds: Ints, synthetic: int) -> Scores:
    """Per entity, over its rows, the log of how often each comes again in the clone against the independent sample.

    ``members`` and ``synthetic`` are numbers of entities; ``folds`` is as in ``Evidence``.
    """
    scores, own = np.zeros((FOLDS, members)), np.zeros(len(folds))
    many, many_own = np.ones(members), np.ones(len(folds))
    for twins in tables:
        many += _per_entity(twins.members[1], None, members)
        many_own += _per_entity(twins.controls[1], None, len(folds))
        for fold in range(FOLDS):
            judge = _recurrence(twins, folds, 1 - fold, synthetic)
            scores[fold] += _per_entity(twins.members[1], judge(twins.members[0]), members)
            mine = _per_entity(twins.controls[1], judge(twins.controls[0]), len(folds))
            own += np.where(folds == fold, mine, 0.0)
    return Scores(scores / np.sqrt(many), own / np.sqrt(many_own), folds)


def _in_folds(evidence: Evidence, learn: Callable[[Vectors], Judge]) -> Scores:
    """``learn`` makes a judge from an independent sample, a fold of the controls; the other fold and all members are
    judged by it."""
    controls = np.zeros(len(evidence.controls))
    members = np.zeros((FOLDS, len(evidence.members)))
    for fold in range(FOLDS):
        judge = learn(evidence.controls[evidence.folds != fold])
        members[fold] = judge(evidence.members)
        controls[evidence.folds == fold] = judge(evidence.controls[evidence.folds == fold])
    return Scores(members, controls, evidence.folds)


def _recurrence(twins: Twins, folds: Ints, sample: int, synthetic: int) -> Callable[[npt.NDArray[np.uint64]], Floats]:
    """A row's evidence, given what is known of an independent sample: one fold of the controls."""
    hashes, owners = twins.controls
    known = hashes[(owners >= 0) & (folds[np.maximum(owners, 0)] == sample)] if len(folds) else hashes[:0]
    ratio = int((folds == sample).sum()) / max(synthetic, 1)

    def judge(asked: npt.NDArray[np.uint64]) -> Floats:
        in_clone, in_sample = _occurrences(asked, twins.synthetic), _occurrences(asked, known)
        return np.log(in_clone * ratio + _PSEUDO) - np.log(in_sample + _PSEUDO)

    return judge


def _occurrences(asked: npt.NDArray[np.uint64], among: npt.NDArray[np.uint64]) -> Ints:
    values, times = np.unique(among, return_counts=True)
    if not len(values):
        return np.zeros(len(asked), dtype=np.int64)
    place = np.minimum(np.searchsorted(values, asked), len(values) - 1)
    return np.where(values[place] == asked, times[place], 0).astype(np.int64)


def _per_entity(owners: Ints, weights: Floats | None, entities: int) -> Floats:
    owned = owners >= 0
    return np.bincount(owners[owned], None if weights is None else weights[owned], minlength=entities).astype(float)


def _classifier(synthetic: Vectors, real: Vectors) -> Judge:
    """Least squares in the space of a Gaussian kernel plus a linear one: +1 for synthetic, −1 for real entities.

    The linear kernel finds what distinguishes the clone as a whole, which a judged entity then has or has not; the
    Gaussian, narrower than the typical distance of neighbours, finds where single real entities have been repeated.
    Both classes weigh the same, however many rows they have.
    """
    if not (len(synthetic) and len(real)):
        return lambda asked: np.zeros(len(asked))
    known = np.concatenate([synthetic, real]).astype(np.float64)
    target = np.r_[np.ones(len(synthetic)), -np.ones(len(real))]
    looseness = np.r_[np.full(len(synthetic), len(synthetic)), np.full(len(real), len(real))] / len(known)
    middle, width = known.mean(axis=0), _WIDTH * float(np.median(isolation(real))) + 1e-6
    kernel = _kernel(known, known, middle, width)
    kernel[np.diag_indices(len(known))] += _RIDGE * 2 * looseness
    weights = np.linalg.solve(kernel, target)
    return lambda asked: np.asarray(_kernel(asked.astype(np.float64), known, middle, width) @ weights)


def _kernel(rows: Floats, known: Floats, middle: Floats, width: float) -> Floats:
    squares = (rows**2).sum(axis=1)[:, None] + (known**2).sum(axis=1)[None, :] - 2 * rows @ known.T
    near = np.exp(-np.maximum(squares, 0) / (2 * width**2))
    return np.asarray(near + (rows - middle) @ (known - middle).T / (known.shape[1] * width**2))
