"""Hidden types of parents: what the children of one parent share beyond what its columns say.

A parent's profile over its children (shares of categories, mean ranks, leading spectral factors of who meets whom) is
clustered; the type is drawn with the parent's columns and given to every child.  Numeric aggregates did not help.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_TYPES = 40
_LEVELS = 8
_FACTORS = 6
_DENSE = 10_000_000
"""Cells up to which a matrix may be written out."""
_SHRINK = 3.0
"""A profile over n children counts n/(n + 3) against the profile of all."""


@dataclass(frozen=True)
class Profiles:
    """What the children of each parent are like."""

    parents: np.ndarray
    """float64[parents, dimensions], shrunk and standardised."""
    children: np.ndarray
    """float64[rows, dimensions]: the same of the parents of some children, each without that child."""


NO_ROWS = np.zeros(0, dtype=np.int64)


def profile(
    parent: np.ndarray,
    parents: int,
    coded: Sequence[np.ndarray],
    measured: Sequence[np.ndarray],
    *,
    rows: np.ndarray = NO_ROWS,
) -> Profiles:
    """Shrunk, standardised means over the children of each parent, and over the siblings of the children in ``rows``.

    ``parent`` int64[n] (−1: none), ``coded`` int32[n] each, ``measured`` float64[n] each with NaN for NULL.
    """
    columns = [column for codes in coded for column in indicators(codes, _LEVELS)]
    columns += [mid_ranks(numbers) for numbers in measured]
    held = parent >= 0
    weight = np.bincount(parent[held], minlength=parents).astype(np.float64)
    pairs = [_shrunk(parent, weight, column, rows) for column in columns if held.any() and column[held].std() > 0]
    empty = np.zeros((parents, 0)), np.zeros((len(rows), 0))
    return Profiles(*(np.column_stack(side) for side in zip(*pairs, strict=True))) if pairs else Profiles(*empty)


def mid_ranks(numbers: np.ndarray) -> np.ndarray:
    """Mid-ranks in [0, 1]; NULL at the middle."""
    distinct, inverse, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / max(len(numbers), 1)
    return np.where(np.isnan(distinct), 0.5, middle)[inverse]


def _shrunk(
    parent: np.ndarray, weight: np.ndarray, column: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One dimension of the parents' profiles, and of those of some children's parents without the child itself."""
    held = parent >= 0
    middle, spread = column[held].mean(), column[held].std() + 1e-12
    total = np.bincount(parent[held], weights=column[held], minlength=len(weight))
    mean = (total + _SHRINK * middle) / (weight + _SHRINK)
    between = mean[weight > 0].std()
    within = spread / np.sqrt(np.maximum(weight[weight > 0], 1)).mean()
    scale = 3 * between / (between + 0.5 * within + 1e-12) / spread
    up = np.maximum(parent[rows], 0)
    others = (total[up] - column[rows] + _SHRINK * middle) / (np.maximum(weight[up] - 1, 0) + _SHRINK)
    return (mean - middle) * scale, np.where(held[rows], (others - middle) * scale, 0.0)


def spectral(left: np.ndarray, right: np.ndarray, lefts: int, rights: int) -> tuple[np.ndarray, np.ndarray]:
    """Leading factors of the degree-normalised co-occurrence of two parents of one row (Dhillon 2001).

    float64[lefts, d] and float64[rights, d], d ≤ 6, in units of standard deviations; zero columns where there is
    nothing to factorise.
    """
    from scipy.sparse import csr_matrix

    held = (left >= 0) & (right >= 0)
    d = min(_FACTORS, lefts - 2, rights - 2)
    if d < 1 or held.sum() < 50:
        return np.zeros((lefts, 0)), np.zeros((rights, 0))
    a, b = left[held], right[held]
    down = np.bincount(a, minlength=lefts) + 1.0
    across = np.bincount(b, minlength=rights) + 1.0
    matrix = csr_matrix((1.0 / np.sqrt(down[a] * across[b]), (a, b)), shape=(lefts, rights))
    u, s, vt = _leading(matrix, d + 1)
    order = np.argsort(-s)[1:]
    flip = np.sign(u[np.abs(u[:, order]).argmax(axis=0), order])
    scale = s[order] * flip
    lefts_ = _standard(u[:, order] * scale / np.sqrt(down)[:, None], down)
    return lefts_, _standard(vt[order].T * scale / np.sqrt(across)[:, None], across)


def _leading(matrix: csr_matrix, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The k largest singular values with their vectors, by Lanczos iteration on AᵀA (or AAᵀ, if that is smaller).

    ``svds`` would do the same, but restarts at random: the same seed would not give the same clone.  Where the
    iteration breaks down (few ranks, which small tables have), a small matrix is factorised in full.
    """
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

    if matrix.shape[0] < matrix.shape[1]:
        right, s, left = _leading(matrix.T.tocsr(), k)
        return left.T, s, right.T
    n, across = matrix.shape[1], matrix.T.tocsr()
    rng = np.random.default_rng(0)
    gram = LinearOperator((n, n), matvec=lambda x: across @ (matrix @ x), dtype=np.float64)
    try:
        squares, v = eigsh(gram, k=k, v0=rng.standard_normal(n), rng=rng)
    except ArpackError:
        if matrix.shape[0] * n > _DENSE:
            raise
        u, s, vt = np.linalg.svd(matrix.toarray(), full_matrices=False)
        return u[:, :k], s[:k], vt[:k]
    s = np.sqrt(np.maximum(squares, 0))
    u = matrix @ v
    return np.divide(u, s, out=np.zeros_like(u), where=s > 1e-9), s, v.T


def _standard(factors: np.ndarray, weight: np.ndarray) -> np.ndarray:
    shrunk = factors * (weight / (weight + _SHRINK))[:, None]
    return shrunk / (shrunk.std(axis=0) + 1e-12)


def group_means(numbers: np.ndarray, group: np.ndarray, groups: int) -> tuple[np.ndarray, float]:
    """Mean of each group (NaN where empty), float64[groups], and the share of variance that lies between groups."""
    known = ~np.isnan(numbers)
    at, x = group[known], numbers[known]
    n = np.bincount(at, minlength=groups)
    total = np.bincount(at, weights=x, minlength=groups)
    mean = np.divide(total, n, out=np.full(groups, np.nan), where=n > 0)
    held = n > 0
    if held.sum() < 10 or x.var() == 0:
        return mean, 0.0
    within = ((x - mean[at]) ** 2).sum() / max(len(x) - held.sum(), 1)
    between = np.average((mean[held] - x.mean()) ** 2, weights=n[held]) - within * held.sum() / len(x)
    return mean, float(max(between, 0.0) / x.var())


def indicators(codes: np.ndarray, most: int = 3 * _LEVELS) -> list[np.ndarray]:
    """One 0/1 column for each of the most frequent codes."""
    return [(codes == v).astype(np.float64) for v in np.argsort(-np.bincount(codes), kind="stable")[:most]]


def traits(
    columns: Sequence[np.ndarray], parents: int, chosen: np.ndarray, family: np.ndarray, least: float
) -> np.ndarray:
    """Columns of the linked parents, standardised over the rows that choose them; float64[parents, dimensions].

    Each is weighted by √(share of its variance that lies between families), at least ``least``: what families agree on
    decides which parent a row chooses.
    """
    held = chosen >= 0
    at = np.unique(family[held], return_inverse=True)[1]
    out = np.zeros((parents, len(columns)))
    for i, column in enumerate(columns):
        drawn = column[chosen[held]] if held.any() else column
        spread = drawn.std()
        if spread > 0:
            share = group_means(drawn, at, int(at.max(initial=0)) + 1)[1] if held.any() else 0.0
            out[:, i] = (column - drawn.mean()) / spread * max(np.sqrt(share), least)
    return out


@dataclass(frozen=True)
class Clusters:
    types: np.ndarray
    """int64[parents], from 0."""
    centres: np.ndarray
    """float64[types, dimensions]"""

    def of(self, profiles: np.ndarray) -> np.ndarray:
        """Type of other profiles, int64[n]."""
        return _distances(profiles, self.centres).argmin(axis=1).astype(np.int64)


def _distances(profiles: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances to the centres, less what is the same for all of them."""
    return np.asarray((centres**2).sum(axis=1) - 2 * profiles @ centres.T)


def cluster(
    profiles: np.ndarray,
    children: np.ndarray,
    most: int = MOST_TYPES,
    *,
    seed: int = 0,
    least: int = 20,
    fewest: int = 1,
) -> Clusters:
    """Types of parents, by k-means on the profiles of those with children.

    There is a type for every ``least`` parents, at most ``most``, none of fewer than ``fewest``.  Parents count by
    √children, so that the few that most rows refer to are told apart.
    """
    from scipy.cluster.vq import kmeans2

    held = np.flatnonzero(children > 0)
    n_types = min(most, len(held) // least)
    if n_types < 2 or profiles.shape[1] == 0:
        return Clusters(np.zeros(len(profiles), dtype=np.int64), np.zeros((1, profiles.shape[1])))
    weight = np.sqrt(children[held])
    sample = np.random.default_rng(seed).choice(held, min(max(2 * len(held), 500), 12_000), p=weight / weight.sum())
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # empty clusters are dropped below
        centres, _ = kmeans2(profiles[sample], n_types, minit="++", seed=seed, iter=15, missing="warn")
    centres = centres[np.isfinite(centres).all(axis=1)]
    distance = _distances(profiles, centres)
    for _ in range(len(centres)):
        sizes = np.bincount(distance.argmin(axis=1), minlength=len(centres))
        smallest = int(np.argmin(np.where(sizes > 0, sizes, len(profiles) + 1)))
        if sizes[smallest] >= fewest or (sizes > 0).sum() < 2:
            break
        distance[:, smallest] = np.inf
    used, types = np.unique(distance.argmin(axis=1), return_inverse=True)
    return Clusters(types.astype(np.int64), centres[used])
