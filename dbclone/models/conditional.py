"""One column given everything drawn before it: coarse classes, screening of features, and the tree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dbclone.models.compiled import kernel
from dbclone.models.tree import CLASSES, Target, Tree, grow
from dbclone.privacy.protection import UNGUARDED, Guard

MOST_FEATURES = 48
"""Bytes that a tree may look at, chosen by mutual information with its target."""
_SCREEN_ROWS = 8_000
_HEAD = 23
"""Levels of a many-valued category that are classes of their own; the others are clustered by what they go with."""


@dataclass(frozen=True)
class Seen:
    """What trees may look at."""

    features: np.ndarray
    """uint8[F, n]"""
    ordered: np.ndarray
    """bool[F]: whether a byte rises with the value."""
    visible: np.ndarray
    """bool[F]: whether the byte is known when the column is drawn."""


def fit_conditional(seen: Seen, codes: np.ndarray, fold: np.ndarray, rising: bool, guard: Guard = UNGUARDED) -> Tree:
    """The tree of int32[n] codes.

    ``rising`` says whether the codes have an order; families of a ``fold`` (uint8[n]) are left out to
    choose the tree's size and shrinkage; no node holds fewer entities than the ``guard`` of the rows asks for.
    """
    classes, n_classes = _classes(codes, rising, seen)
    target = Target(codes, classes, n_classes, fold, guard)
    return grow(seen.features, seen.ordered, target, screen(seen, classes, n_classes))


def screen(seen: Seen, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Indices (int64) of the bytes that tell most about the classes, at most MOST_FEATURES."""
    features = seen.features
    varied = seen.visible & (features.min(axis=1, initial=255) != features.max(axis=1, initial=0))
    varied = np.flatnonzero(varied)
    if len(varied) <= MOST_FEATURES:
        return varied.astype(np.int64)
    step = max(1, len(classes) // _SCREEN_ROWS)
    told = information(np.ascontiguousarray(features[varied, ::step]), np.ascontiguousarray(classes[::step]), n_classes)
    return np.sort(varied[np.argsort(-told, kind="stable")[:MOST_FEATURES]]).astype(np.int64)


@kernel
def information(features, classes, n_classes):  # type: ignore[no-untyped-def]
    """Mutual information of each byte with the classes, less its bias of (bins−1)(classes−1)/2n (Miller 1955)."""
    n = classes.shape[0]
    told = np.zeros(features.shape[0])
    for f in range(features.shape[0]):
        joint = np.zeros((256, n_classes))
        for i in range(n):
            joint[features[f, i], classes[i]] += 1.0
        columns = joint.sum(axis=0)
        bins, filled = 0, 0
        for b in range(256):
            row = joint[b].sum()
            if row == 0:
                continue
            bins += 1
            for c in range(n_classes):
                if joint[b, c] > 0:
                    told[f] += joint[b, c] / n * np.log(joint[b, c] * n / (row * columns[c]))
        for c in range(n_classes):
            if columns[c] > 0:
                filled += 1
        told[f] -= (bins - 1) * (filled - 1) / (2.0 * n)
    return told


def _classes(codes: np.ndarray, rising: bool, seen: Seen) -> tuple[np.ndarray, int]:
    """uint8[n] classes, at most CLASSES of them, and their number."""
    size = int(codes.max(initial=0)) + 1
    if size <= CLASSES:
        return codes.astype(np.uint8), size
    counts = np.bincount(codes, minlength=size)
    to = _merged(counts) if rising else _clustered(codes, counts, seen)
    return to[codes].astype(np.uint8), int(to.max()) + 1


def _merged(counts: np.ndarray) -> np.ndarray:
    """Neighbouring codes merged to classes of like weight; NULL keeps its own."""
    middle = np.cumsum(counts[1:]) - counts[1:] / 2
    quantile = np.floor(middle / max(counts[1:].sum(), 1) * (CLASSES - 1)).astype(np.int64)
    return np.concatenate([[0], 1 + np.unique(quantile, return_inverse=True)[1]])


def _clustered(codes: np.ndarray, counts: np.ndarray, seen: Seen) -> np.ndarray:
    """The head levels alone, the tail in CLASSES − 1 − _HEAD clusters by the features that go with them."""
    order = np.argsort(-counts[1:], kind="stable") + 1
    to = np.zeros(len(counts), dtype=np.int64)
    to[order[:_HEAD]] = np.arange(1, _HEAD + 1)
    tail = order[_HEAD:]
    head = np.minimum(to[codes], _HEAD).astype(np.uint8)
    best = screen(seen, head, _HEAD + 1)[: MOST_FEATURES // 3]
    sums = np.zeros((len(counts), len(best)))
    for i, f in enumerate(best):
        level = seen.features[f].astype(np.float64)
        spread = level.std()
        sums[:, i] = np.bincount(codes, weights=(level - level.mean()) / (spread + 1e-9), minlength=len(counts))
    profile = sums[tail] / (counts[tail] + 1.0)[:, None]
    profile = np.nan_to_num(profile)
    place = np.zeros(len(tail))
    if len(best) and len(tail) > 1:
        place = profile @ np.linalg.svd(profile, full_matrices=False)[2][0]
    rank = np.argsort(np.argsort(place, kind="stable"), kind="stable")
    weight = np.cumsum(counts[tail][np.argsort(rank)])
    band = np.floor((weight - 1) / max(weight[-1], 1) * (CLASSES - 1 - _HEAD)).astype(np.int64)
    to[tail] = _HEAD + 1 + np.clip(band, 0, CLASSES - 2 - _HEAD)[rank]
    return to
