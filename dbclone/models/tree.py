"""A conditional distribution as a tree: split by likelihood, shrunk towards the nodes above.

A tree splits byte features by the log-likelihood gain of at most 32 target classes and keeps, per node, the fine codes
of its training rows as one contiguous slice.  A draw walks to a leaf, then climbs with probability λ/(λ+n) per node:
exactly the recursive mixture p = (n·empirical + λ·p_parent)/(n + λ) (Buntine 1992, "Learning classification trees").

λ is the same for all nodes, or each node's own: the less a node differs from the one above, beyond chance, the more it
takes from there (as empirical Bayes does: Efron and Morris 1973).  Held-out families decide which, and how much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dbclone.columns.soundness import require_tree, require_vectors
from dbclone.models.compiled import kernel
from dbclone.models.holding import enough
from dbclone.privacy.protection import UNGUARDED, Guard

CLASSES = 32
FOLDS = 5
"""Parts of the families, of which one is left out to choose how far a tree grows."""
_FEW, _LEAST = 1_000, 25
"""Rows below which each part is left out in turn (one alone would choose by chance), and below which none can be."""
_WORTH = 4.0
"""Nats that a tree must gain on what is left out, in all.  The best of many thresholds gains some by chance: with less
asked, the rows of a table of 79 households repeated real ones more often than its halves repeat each other."""
_ATTEMPTS = 6
"""Features that are tried at a node, the best first."""
_HISTOGRAM_ROWS = 400
"""From here on a histogram per bin is quicker than moving row by row."""


@dataclass(frozen=True)
class Tree:
    """Nodes in creation order, root first; ``feature`` −1 marks a leaf."""

    feature: np.ndarray
    """int32[nodes]"""
    mask: np.ndarray
    """uint64[nodes, 4]: the byte values that go left."""
    left: np.ndarray
    right: np.ndarray
    parent: np.ndarray
    start: np.ndarray
    end: np.ndarray
    """int64[nodes]: slice of ``codes``."""
    codes: np.ndarray
    """int32[rows]: fine codes, the rows of a node side by side."""
    climb: np.ndarray
    """float64[nodes]: probability of going up from a node, λ/(λ+n)."""

    def __post_init__(self) -> None:
        """ValueError if a walk could leave the arrays."""
        links = self.left, self.right, self.parent
        require_vectors("a tree", "if", self.feature, self.climb)
        require_tree(self.feature, self.mask, links, places=(self.start, self.end), codes=self.codes)


@kernel
def _split_large(column, rank, rows, start, end, classes, least, total, xlogx, hist, left):  # type: ignore[no-untyped-def]
    """Gain and rank of the best cut that leaves at least so many rows on each side; rank −1 where there is none."""
    n = end - start
    k = total.shape[0]
    hist[:, :] = 0
    seen = 0
    for i in range(start, end):
        b = rank[column[rows[i]]]
        hist[b, classes[rows[i]]] += 1
        if b > seen:
            seen = b
    base = -xlogx[n]
    for c in range(k):
        base += xlogx[total[c]]
        left[c] = 0
    best, where, moved = 0.0, -1, 0
    for b in range(seen):
        here = 0
        for c in range(k):
            h = hist[b, c]
            if h:
                here += h
                left[c] += h
        if here == 0:
            continue
        moved += here
        if n - moved < least:
            break
        if moved < least:
            continue
        gain = -xlogx[moved] - xlogx[n - moved] - base
        for c in range(k):
            gain += xlogx[left[c]] + xlogx[total[c] - left[c]]
        if gain > best:
            best, where = gain, b
    return best, where


@kernel
def _split_small(column, rank, rows, start, end, classes, least, total, xlogx, slots, left, order):  # type: ignore[no-untyped-def]
    """The same by moving row by row, which is quicker for few rows."""
    n = end - start
    k = total.shape[0]
    slots[:] = 0
    for i in range(start, end):
        slots[rank[column[rows[i]]] + 1] += 1
    for b in range(256):
        slots[b + 1] += slots[b]
    if slots[rank[column[rows[start]]] + 1] - slots[rank[column[rows[start]]]] == n:
        return 0.0, -1
    for i in range(start, end):
        b = rank[column[rows[i]]]
        order[slots[b]] = rows[i]
        slots[b] += 1
    within = -xlogx[n]
    for c in range(k):
        within += xlogx[total[c]]
        left[c] = 0
    base = within
    current = within + xlogx[n]
    best, where = 0.0, -1
    for i in range(n - 1):
        row = order[i]
        c = classes[row]
        a = left[c]
        b = total[c] - a
        current += xlogx[a + 1] - xlogx[a] + xlogx[b - 1] - xlogx[b]
        left[c] = a + 1
        here = rank[column[row]]
        if i + 1 >= least and n - i - 1 >= least and here != rank[column[order[i + 1]]]:
            gain = current - xlogx[i + 1] - xlogx[n - i - 1] - base
            if gain > best:
                best, where = gain, here
    return best, where


@kernel
def _best_split(features, ranks, chosen, tried, rows, start, end, stop, min_gain, xlogx, hist, slots):  # type: ignore[no-untyped-def]
    """Gain, feature and rank of the best cut of a node; feature −1 where none gains more than ``min_gain``.

    ``tried`` (bool[F]) are features that are out of the question.
    """
    classes, n_classes, least = stop[0], stop[1], stop[2]
    total = np.zeros(n_classes, np.int64)
    lefts = np.zeros(n_classes, np.int64)
    order = np.zeros(_HISTOGRAM_ROWS + 1, np.int64)
    for i in range(start, end):
        total[classes[rows[i]]] += 1
    best, best_feature, best_rank = min_gain, -1, -1
    if total.max() == end - start:
        return best, best_feature, best_rank
    for j in range(chosen.shape[0]):
        f = chosen[j]
        if tried[f]:
            continue
        seen = features[f], ranks[f]
        if end - start > _HISTOGRAM_ROWS:
            gain, b = _split_large(*seen, rows, start, end, classes, least, total, xlogx, hist, lefts)
        else:
            gain, b = _split_small(*seen, rows, start, end, classes, least, total, xlogx, slots, lefts, order)
        if gain > best:
            best, best_feature, best_rank = gain, f, b
    return best, best_feature, best_rank


@kernel
def _partition(column, rank, cut, rows, start, end, spare):  # type: ignore[no-untyped-def]
    """Move the rows that go left to the front, each side in its old order; where the right side begins."""
    i, j = start, 0
    for r in range(start, end):
        if rank[column[rows[r]]] <= cut:
            rows[i] = rows[r]
            i += 1
        else:
            spare[j] = rows[r]
            j += 1
    for r in range(j):
        rows[i + r] = spare[r]
    return i


@kernel
def _grow(features, ranks, chosen, rows, stop, min_gain, max_depth, xlogx):  # type: ignore[no-untyped-def]
    """Grow breadth first; ``rows`` comes back in the order of the leaves.

    ``stop`` is (classes, their number, fewest rows, entity of each row, fewest entities) of a node.
    """
    n, min_leaf = rows.shape[0], stop[2]
    room = max(3, 2 * (n // max(1, min_leaf)) + 3)
    feature = np.full(room, -1, np.int32)
    mask = np.zeros((room, 4), np.uint64)
    left = np.full(room, -1, np.int32)
    right = np.full(room, -1, np.int32)
    parent = np.full(room, -1, np.int32)
    start = np.zeros(room, np.int64)
    end = np.zeros(room, np.int64)
    depth = np.zeros(room, np.int32)
    gains = np.zeros(room, np.float64)
    hist = np.zeros((256, stop[1]), np.int32)
    slots = np.zeros(257, np.int64)
    spare = np.zeros(n, np.int64)
    tried = np.zeros(features.shape[0], np.bool_)
    entities, fewest, met = stop[3], stop[4], np.zeros(max(stop[4], 1), np.int64)
    end[0] = n
    nodes, at = 1, 0
    while at < nodes:
        s, e = start[at], end[at]
        tried[:] = False
        for _ in range(_ATTEMPTS if e - s >= 2 * min_leaf and depth[at] < max_depth else 0):
            gain, f, cut = _best_split(features, ranks, chosen, tried, rows, s, e, stop, min_gain, xlogx, hist, slots)
            if f < 0:
                break
            middle = _partition(features[f], ranks[f], cut, rows, s, e, spare)
            if fewest > 1 and not (
                enough(rows, s, middle, entities, fewest, met) and enough(rows, middle, e, entities, fewest, met)
            ):
                tried[f] = True  # the next best feature may part the rows so that k entities are on either side
                continue
            feature[at], gains[at] = f, gain
            for b in range(256):
                if ranks[f, b] <= cut:
                    mask[at, b >> 6] |= np.uint64(1) << np.uint64(b & 63)
            left[at], right[at] = nodes, nodes + 1
            start[nodes], end[nodes] = s, middle
            start[nodes + 1], end[nodes + 1] = middle, e
            parent[nodes] = parent[nodes + 1] = at
            depth[nodes] = depth[nodes + 1] = depth[at] + 1
            nodes += 2
            break
        at += 1
    walk = (feature[:nodes], mask[:nodes], left[:nodes], right[:nodes])
    return walk, parent[:nodes], start[:nodes], end[:nodes], gains[:nodes]


@kernel
def _held_out(features, rows, classes, n_classes, nodes, counts, gains, cuts, climbs):  # type: ignore[no-untyped-def]
    """Log-likelihood of held-out rows for every (gain threshold, row of ``climbs``): float64[cuts, climbs]."""
    feature, mask, left, right = nodes
    score = np.zeros((cuts.shape[0], climbs.shape[0]))
    for i in range(rows.shape[0]):
        row = rows[i]
        c = classes[row]
        for t in range(cuts.shape[0]):
            for s in range(climbs.shape[0]):
                at = 0
                p = (counts[0, c] + 0.5) / (counts[0, n_classes] + 0.5 * n_classes)
                while feature[at] >= 0 and gains[at] >= cuts[t]:
                    b = features[feature[at], row]
                    go = (mask[at, b >> 6] >> np.uint64(b & 63)) & np.uint64(1)
                    at = left[at] if go else right[at]
                    p = (1 - climbs[s, at]) * counts[at, c] / counts[at, n_classes] + climbs[s, at] * p
                score[t, s] += np.log(p)
    return score


@kernel
def _node_counts(start, end, rows, classes, n_classes):  # type: ignore[no-untyped-def]
    counts = np.zeros((start.shape[0], n_classes + 1), np.float64)
    for at in range(start.shape[0]):
        for i in range(start[at], end[at]):
            counts[at, classes[rows[i]]] += 1
        counts[at, n_classes] = end[at] - start[at]
    return counts


@dataclass(frozen=True)
class Target:
    """What a tree predicts: fine codes, their coarse classes, and the families that may not be split by a hold-out."""

    codes: np.ndarray
    """int32[n]"""
    classes: np.ndarray
    """uint8[n], below ``n_classes``"""
    n_classes: int
    fold: np.ndarray
    """uint8[n], below FOLDS: rows of a family are in one; λ and the gain threshold are chosen on those left out."""
    guard: Guard = UNGUARDED
    """Of the n rows: no node holds fewer than k entities but a root that has no more."""


@dataclass(frozen=True)
class Growth:
    """How far a tree may grow."""

    min_leaf: int = 5
    max_depth: int = 24
    cuts: tuple[float, ...] = (3.0, 8.0, 24.0, 80.0, 250.0, 1000.0, 1e18)
    shrinkages: tuple[tuple[str, float], ...] = (
        *(("same", strength) for strength in (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)),
        *(("own", strength) for strength in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)),
    )
    """λ itself, or what a node's own is multiplied by."""


def grow(
    features: np.ndarray, ordered: np.ndarray, target: Target, chosen: np.ndarray, growth: Growth = Growth()
) -> Tree:
    """Grow a tree on the ``chosen`` of uint8[F, n] features; threshold and λ by the likelihood of families left out.

    ``ordered`` (bool[F]) says which bytes rise with the value; the others are sorted per target by the first principal
    direction of their class profiles.
    """
    n = len(target.codes)
    xlogx = _xlogx(n)
    ranks = _ranks(features, ordered, target, chosen)
    stop = (target.classes, target.n_classes, growth.min_leaf, target.guard.entities, target.guard.k)
    cut, shrinkage = growth.cuts[1], growth.shrinkages[2]
    folds = range(FOLDS) if n < _FEW else range(1)
    held_out = [np.flatnonzero(target.fold == fold) for fold in folds]
    if n >= _LEAST and all(map(len, held_out)):
        scores = [_score(features, ranks, chosen, (target, growth), test, stop=stop) for test in held_out]
        score = np.sum(scores, axis=0)
        best, strength = divmod(int(np.argmax(score)), len(growth.shrinkages))
        if score.max() <= score[-1].max() + _WORTH:  # nothing beats the root alone
            best = len(growth.cuts) - 1
        cut, shrinkage = growth.cuts[best], growth.shrinkages[strength]
    rows = np.arange(n, dtype=np.int64)
    walk, parent, start, end, _ = _grow(features, ranks, chosen, rows, stop, cut, growth.max_depth, xlogx)
    feature, mask, left, right = walk
    climb = _climbs(_node_counts(start, end, rows, target.classes, target.n_classes), parent, *shrinkage)
    return Tree(feature, mask, left, right, parent, start, end, target.codes[rows].astype(np.int32), climb)


def _score(
    features: np.ndarray,
    ranks: np.ndarray,
    chosen: np.ndarray,
    what: tuple[Target, Growth],
    test: np.ndarray,
    *,
    stop: tuple[object, ...],
) -> np.ndarray:
    """Log-likelihood of the rows ``test`` by a tree of the others, for every threshold and λ; float64[cuts, λ]."""
    target, growth = what
    rows = np.setdiff1d(np.arange(len(target.codes)), test)
    xlogx, least = _xlogx(len(target.codes)), growth.cuts[0]
    walk, parent, start, end, gains = _grow(features, ranks, chosen, rows, stop, least, growth.max_depth, xlogx)
    counts = _node_counts(start, end, rows, target.classes, target.n_classes)
    cuts, climbs = np.array(growth.cuts), np.array([_climbs(counts, parent, *s) for s in growth.shrinkages])
    test = test[:: max(1, len(test) // 8000)]
    score: np.ndarray = _held_out(features, test, target.classes, target.n_classes, walk, counts, gains, cuts, climbs)
    return score


def _climbs(counts: np.ndarray, parent: np.ndarray, kind: str, strength: float) -> np.ndarray:
    """Probability of going up from each node, float64[nodes]; ``counts`` are rows by class, the last column their sum.

    A node's own λ is ``strength`` times half the degrees of freedom of its classes over its divergence from the node
    above, less what chance adds to that.
    """
    n = counts[:, -1]
    if kind == "same":
        return strength / (strength + n)
    above = counts[np.maximum(parent, 0)]
    classes = counts.shape[1] - 1
    here = counts[:, :-1] / np.maximum(n, 1)[:, None]
    there = (above[:, :-1] + 0.5) / (above[:, -1:] + 0.5 * classes)
    divergence = (here * np.log(np.maximum(here, 1e-12) / there)).sum(axis=1)
    freedom = np.maximum((above[:, :-1] > 0).sum(axis=1) - 1, 1) / 2
    beyond = np.maximum(divergence - freedom / np.maximum(n, 1), 1e-9)
    own = strength * freedom / beyond
    return np.asarray(own / (own + n))


def _xlogx(n: int) -> np.ndarray:
    x = np.arange(n + 2, dtype=np.float64)
    x[1:] *= np.log(x[1:])
    return x


def _ranks(features: np.ndarray, ordered: np.ndarray, target: Target, chosen: np.ndarray) -> np.ndarray:
    """uint8[F, 256]: the place of each byte value on the line that is cut."""
    ranks = np.tile(np.arange(256, dtype=np.uint8), (len(features), 1))
    for f in chosen[~ordered[chosen]]:
        joint = np.bincount(
            features[f].astype(np.int64) * target.n_classes + target.classes, minlength=256 * target.n_classes
        ).reshape(256, target.n_classes)
        ranks[f] = _principal_order(joint.astype(np.float64))
    return ranks


def _principal_order(joint: np.ndarray) -> np.ndarray:
    """Rank of each row of a contingency table along the first principal direction of the rows' profiles."""
    size = joint.sum(axis=1)
    shrunk = (joint + joint.sum(axis=0) / max(joint.sum(), 1.0)) / (size + 1)[:, None]
    centred = (shrunk - joint.sum(axis=0) / max(joint.sum(), 1.0)) * np.sqrt(size)[:, None]
    direction = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    score = np.where(size > 0, shrunk @ direction, np.inf)
    rank = np.empty(len(joint), dtype=np.uint8)
    rank[np.argsort(score, kind="stable")] = np.arange(len(joint), dtype=np.uint8)
    return rank
