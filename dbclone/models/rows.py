"""Rows of one table while they are learned from or drawn: codes, numbers, feature bytes and parent rows, by step.

The same shape serves fitting (real rows) and generation (drawn rows), so that a context is gathered by one function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dbclone.schema import ForeignKey, TableName


@dataclass
class Rows:
    """``parents[reference]`` is the row number in the parent table, −1 for none."""

    n: int
    codes: dict[str, np.ndarray] = field(default_factory=dict)
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    bytes: dict[str, np.ndarray] = field(default_factory=dict)
    """uint8[width, n] per step."""
    parents: dict[str, np.ndarray] = field(default_factory=dict)


Database = Mapping[TableName, Rows]


@dataclass(frozen=True)
class Hop:
    """From a row to its parent along one reference."""

    reference: str
    parent: TableName


@dataclass(frozen=True)
class Path:
    """A step of another row: follow the hops (none: the row itself), then look at ``step``."""

    hops: tuple[Hop, ...]
    step: str


def reference_id(child: TableName, key: ForeignKey) -> str:
    """A name for a foreign key that is unique in its database even where constraints have no names."""
    return f"{child}({','.join(key.columns)})->{key.parent}({','.join(key.parent_columns)})"


def follow(database: Database, start: TableName, hops: tuple[Hop, ...]) -> np.ndarray:
    """Row number at the end of the hops for each row of ``start``; −1 where the chain breaks.  int64[n]."""
    rows = np.arange(database[start].n)
    table = start
    for hop in hops:
        up = database[table].parents[hop.reference]
        rows = np.where(rows >= 0, up[np.maximum(rows, 0)], -1) if len(up) else np.full(len(rows), -1)
        table = hop.parent
    return rows


def gather_bytes(database: Database, start: TableName, paths: tuple[Path, ...]) -> np.ndarray:
    """uint8[bytes, n] of all paths, one below the other; 0 where a chain breaks."""
    parts = [np.zeros((0, database[start].n), dtype=np.uint8)]
    for path in paths:
        rows = follow(database, start, path.hops)
        seen = database[path.hops[-1].parent if path.hops else start].bytes[path.step]
        taken = seen[:, np.maximum(rows, 0)] if seen.shape[1] else np.zeros((len(seen), len(rows)), np.uint8)
        parts.append(np.where(rows >= 0, taken, 0).astype(np.uint8))
    return np.concatenate(parts)


def gather_numbers(database: Database, start: TableName, paths: tuple[Path, ...]) -> np.ndarray:
    """float64[n, paths]; NaN where a chain breaks or the number is NULL."""
    out = np.full((database[start].n, len(paths)), np.nan)
    for i, path in enumerate(paths):
        rows = follow(database, start, path.hops)
        out[:, i] = taken(database[path.hops[-1].parent if path.hops else start].numbers[path.step], rows)
    return out


def opening(family: np.ndarray) -> np.ndarray:
    """bool[n]: the first rows of the families; ``family`` int64[n], the rows of each stand together."""
    fresh = np.ones(len(family), dtype=bool)
    fresh[1:] = family[1:] != family[:-1]
    return fresh


def taken_rows(numbers: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The row numbers (int64[m]) at the given rows; −1 where the row number is −1.  int64[n]."""
    if not len(numbers):
        return np.full(len(rows), -1, dtype=np.int64)
    return np.where(rows >= 0, numbers[np.maximum(rows, 0)], -1)


def taken(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The values (float64[m]) at the given rows; NaN where the row number is −1.  float64[n]."""
    if not len(values):
        return np.full(len(rows), np.nan)
    return np.where(rows >= 0, values[np.maximum(rows, 0)], np.nan)
