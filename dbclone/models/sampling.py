"""The training rows of one table with the bytes that its trees may see, laid out as models.sequence draws them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dbclone.models.compiled import kernel
from dbclone.models.drawn_columns import pace_byte
from dbclone.models.features import CodedFeature, MeasuredFeature
from dbclone.models.layout import POSITION_BYTES, SEEN_BYTES
from dbclone.models.observation import Observation, Observed
from dbclone.models.rows import Path, Rows, gather_bytes, opening
from dbclone.models.steps import Link, Scale
from dbclone.models.tree import FOLDS
from dbclone.privacy.protection import UNGUARDED, Guard
from dbclone.schema import TableName


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
    fold: np.ndarray
    """uint8[rows]: families are in one of FOLDS parts."""
    own_at: int
    """First byte of the own steps."""
    link_bytes: tuple[slice, ...]
    """Where the bytes of each linked parent stand."""
    alike_bytes: slice
    """Where those of the last sibling of the same kind stand."""
    guard: Guard = UNGUARDED
    """k, and the entity of each row."""


def take_sample(
    seen: Observation,
    observed: Observed,
    shapes: list[Shape],
    context: tuple[Path, ...],
    links: tuple[Link, ...],
    *,
    marks: tuple[str, str, np.ndarray],
) -> Sample:
    """``marks``: the paced step and the kind step ('' for none), and the highest number of the former in each row."""
    rows, family = observed.rows, observed.family
    first, picked = np.flatnonzero(opening(family)), observed.sampled
    position = _positions(first, rows.n)
    own = np.concatenate([rows.bytes[s.name] for s in shapes] or [np.zeros((0, rows.n), np.uint8)])
    previous = _taken(own, np.where(position[picked] > 0, picked - 1, -1))
    linked = [_linked_bytes(seen, rows, link, picked) for link in links]
    paced = (_paced(observed, marks[0]), marks[2])
    before = [_owner_bytes(seen, observed, context), _places(position, first, paced)[:, picked]]
    if marks[1]:
        kind = rows.bytes[marks[1]][0]
        before += [_seen_counts(family[picked], kind[picked]), previous, _taken(own, alike_rows(family, kind)[picked])]
    else:
        before.append(previous)
    features = np.ascontiguousarray(np.concatenate([*before, *linked, own[:, picked]]))
    ends = sum(map(len, before)) + np.cumsum([0, *map(len, linked)])
    ordered = _ordered(seen, observed, shapes, context, links, kind=bool(marks[1]))
    group = np.searchsorted(first, picked, side="right")
    fold = observed.rng.integers(FOLDS, size=len(first) + 1, dtype=np.uint8)[group]
    blocks = tuple(slice(int(a), int(b)) for a, b in pairwise(ends))
    alike = slice(int(ends[0]) - (len(own) if marks[1] else 0), int(ends[0]))
    own_at = len(features) - len(own)
    guard = observed.guard.take(picked)
    return Sample(picked, position[picked], features, ordered, fold, own_at, blocks, alike, guard)


def _positions(first: np.ndarray, n: int) -> np.ndarray:
    """Place of each row among its siblings, int64[n]; ``first`` are the positions of the families' first rows."""
    return np.arange(n) - np.repeat(first, np.diff(np.append(first, n)))


def _places(position: np.ndarray, first: np.ndarray, paced: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """uint8[POSITION_BYTES, n]"""
    n = len(position)
    sizes = np.diff(np.append(first, n))
    count = np.repeat(sizes, sizes)
    previous = np.full(n, np.nan)
    previous[1:] = np.where(position[1:] > 0, paced[0][:-1], np.nan)
    pace = _paces(previous, paced[1], count - position)
    places = np.array([count, position, count - position, pace]).reshape(POSITION_BYTES, n)
    return np.minimum(places, 255).astype(np.uint8)


@kernel
def _paces(previous, high, remaining):  # type: ignore[no-untyped-def]
    out = np.zeros(previous.shape[0], np.int64)
    for i in range(previous.shape[0]):
        out[i] = pace_byte(previous[i], high[i], remaining[i])
    return out


def _paced(observed: Observed, step: str) -> np.ndarray:
    return observed.rows.numbers.get(step, np.full(observed.rows.n, np.nan))


@kernel
def alike_rows(family, level):  # type: ignore[no-untyped-def]
    """Position of the last earlier row of the same family and level, −1 if there is none; int64[n]."""
    out = np.full(family.shape[0], -1, np.int64)
    latest = np.full(256, -1, np.int64)
    for i in range(family.shape[0]):
        if i == 0 or family[i] != family[i - 1]:
            latest[:] = -1
        out[i] = latest[level[i]]
        latest[level[i]] = i
    return out


@kernel
def _seen_counts(family, level):  # type: ignore[no-untyped-def]
    """How often each level came before in the family; uint8[SEEN_BYTES, n]."""
    out = np.zeros((SEEN_BYTES, family.shape[0]), np.uint8)
    for i in range(1, family.shape[0]):
        if family[i] == family[i - 1]:
            out[:, i] = out[:, i - 1]
            before = level[i - 1]
            if before < SEEN_BYTES and out[before, i] < 255:
                out[before, i] += 1
    return out


def _owner_bytes(seen: Observation, observed: Observed, context: tuple[Path, ...]) -> np.ndarray:
    """Of the sampled rows."""
    owner, picked = observed.owner, observed.sampled
    if owner is None:
        return np.zeros((0, len(picked)), dtype=np.uint8)
    up = observed.rows.parents[owner.id][picked]
    block = _taken(gather_bytes(seen.database, owner.parent, context), up)
    widths = [len(gather_bytes(seen.database, owner.parent, (path,))) for path in context]
    for at, path in zip(np.cumsum([0, *widths]), context, strict=False):
        if path == Path((), f"type:{owner.id}") and len(observed.others_types):
            block[at] = np.where(up >= 0, observed.others_types, 0)
    return block


def _linked_bytes(seen: Observation, rows: Rows, link: Link, picked: np.ndarray) -> np.ndarray:
    return _taken(gather_bytes(seen.database, link.parent, link.context), rows.parents[link.reference][picked])


def _taken(block: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Columns of the block by row number; 0 where the number is −1."""
    if not block.shape[1]:
        return np.zeros((len(block), len(rows)), dtype=np.uint8)
    return np.where(rows >= 0, block[:, np.maximum(rows, 0)], 0).astype(np.uint8)


def _ordered(
    seen: Observation,
    observed: Observed,
    shapes: list[Shape],
    context: tuple[Path, ...],
    links: tuple[Link, ...],
    *,
    kind: bool,
) -> np.ndarray:
    own = [flag for s in shapes for flag in s.feature.ordered]
    flags = [True] * (POSITION_BYTES + (SEEN_BYTES if kind else 0)) + own * (2 if kind else 1)
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
