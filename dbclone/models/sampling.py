"""The training rows of one table with the bytes that its trees may see, laid out as models.sequence draws them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dbclone.models.features import CodedFeature, MeasuredFeature
from dbclone.models.observation import Observation, Observed
from dbclone.models.rows import Path, Rows, gather_bytes
from dbclone.models.sequence import POSITION_BYTES
from dbclone.models.steps import Link, Scale
from dbclone.schema import TableName

MOST_ROWS = 60_000
"""Rows (of whole families) that trees are grown on: more make no tree better, but every tree slower."""
_HELD_OUT = 0.2


@dataclass(frozen=True)
class Shape:
    """A step before its trees: name, kind, feature, scale."""

    name: str
    kind: int
    feature: CodedFeature | MeasuredFeature
    scale: Scale


@dataclass(frozen=True)
class Sample:
    """The training rows of one table and everything that their trees may see."""

    rows: np.ndarray
    """Positions in family order."""
    position: np.ndarray
    """Place among siblings, int64."""
    features: np.ndarray
    """uint8[F, rows] in the layout of models.sequence."""
    ordered: np.ndarray
    held_out: np.ndarray
    own_at: int
    """First byte of the own steps."""
    link_bytes: tuple[slice, ...]
    """Where the bytes of each linked parent stand."""


def take_sample(
    seen: Observation,
    observed: Observed,
    shapes: list[Shape],
    context: tuple[Path, ...],
    links: tuple[Link, ...],
    rng: np.random.Generator,
) -> Sample:
    rows, family = observed.rows, observed.family
    start, first = _starts(family)
    position = np.arange(rows.n) - start
    picked = _families(first, rows.n, rng)
    own = np.concatenate([rows.bytes[s.name] for s in shapes] or [np.zeros((0, rows.n), np.uint8)])
    previous = np.zeros_like(own)
    previous[:, 1:] = np.where(position[1:] > 0, own[:, :-1], 0)
    linked = [_linked_bytes(seen, rows, link)[:, picked] for link in links]
    before = [_owner_bytes(seen, observed, context), _positions(position, start, first, rows.n), previous]
    features = np.ascontiguousarray(np.concatenate([*(b[:, picked] for b in before), *linked, own[:, picked]]))
    ends = sum(map(len, before)) + np.cumsum([0, *map(len, linked)])
    ordered = _ordered(seen, observed, shapes, context, links)
    group = np.searchsorted(first, picked, side="right")
    held_out = rng.random(len(first) + 1)[group] < _HELD_OUT
    blocks = tuple(slice(int(a), int(b)) for a, b in pairwise(ends))
    return Sample(picked, position[picked], features, ordered, held_out, len(features) - len(own), blocks)


def _starts(family: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row the position of its family's first row, and those positions."""
    fresh = np.ones(len(family), dtype=bool)
    fresh[1:] = family[1:] != family[:-1]
    first = np.flatnonzero(fresh)
    return (first[np.cumsum(fresh) - 1] if len(family) else np.zeros(0, dtype=np.int64)), first


def _families(first: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of whole families, drawn until MOST_ROWS are reached, in family order."""
    if n <= MOST_ROWS:
        return np.arange(n)
    sizes = np.diff(np.append(first, n))
    order = rng.permutation(len(first))
    enough = int(np.searchsorted(np.cumsum(sizes[order]), MOST_ROWS)) + 1
    keep = np.zeros(len(first), dtype=bool)
    keep[order[:enough]] = True
    return np.flatnonzero(np.repeat(keep, sizes))[: 4 * MOST_ROWS]


def _positions(position: np.ndarray, start: np.ndarray, first: np.ndarray, n: int) -> np.ndarray:
    sizes = np.diff(np.append(first, n))
    count = np.repeat(sizes, sizes)
    return np.minimum(np.array([count, position, count - position]).reshape(POSITION_BYTES, n), 255).astype(np.uint8)


def _owner_bytes(seen: Observation, observed: Observed, context: tuple[Path, ...]) -> np.ndarray:
    owner = observed.owner
    if owner is None:
        return np.zeros((0, observed.rows.n), dtype=np.uint8)
    return _taken(gather_bytes(seen.database, owner.parent, context), observed.rows.parents[owner.id])


def _linked_bytes(seen: Observation, rows: Rows, link: Link) -> np.ndarray:
    return _taken(gather_bytes(seen.database, link.parent, link.context), rows.parents[link.reference])


def _taken(block: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Columns of the block by row number; 0 where the number is −1."""
    if not block.shape[1]:
        return np.zeros((len(block), len(rows)), dtype=np.uint8)
    return np.where(rows >= 0, block[:, np.maximum(rows, 0)], 0).astype(np.uint8)


def _ordered(
    seen: Observation, observed: Observed, shapes: list[Shape], context: tuple[Path, ...], links: tuple[Link, ...]
) -> np.ndarray:
    own = [flag for s in shapes for flag in s.feature.ordered]
    flags = [True] * POSITION_BYTES + own
    if observed.owner:
        flags = _path_flags(seen, observed.owner.parent, context) + flags
    for link in links:
        flags += _path_flags(seen, link.parent, link.context)
    return np.array(flags + own, dtype=bool)


def _path_flags(seen: Observation, start: TableName, paths: tuple[Path, ...]) -> list[bool]:
    flags: list[bool] = []
    for path in paths:
        observed = seen.tables[path.hops[-1].parent if path.hops else start]
        named = {c.step: c.feature for c in observed.columns}
        feature = named[path.step] if path.step in named else observed.hidden[path.step][0]
        flags += feature.ordered
    return flags
