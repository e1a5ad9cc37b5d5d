"""What the generators share: seeded draws of people and places, and the way from NumPy arrays to plain columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Value: TypeAlias = bool | int | float | str | list[str] | dict[str, str | int] | None
Columns: TypeAlias = dict[str, list[Value]]
"""A table as plain values per column; dates and timestamps are ISO text, which every dialect reads."""

_WORDS = Path(__file__).parent / "words"


def words(file: str) -> Array:
    """The lines of a file of words."""
    return np.array((_WORDS / file).read_text(encoding="utf-8").splitlines())


FIRST_NAMES, LAST_NAMES, STREETS = words("first_names.txt"), words("last_names.txt"), words("streets.txt")


class Places:
    """Postal codes with their city and state: zip → city → state are functional dependencies."""

    def __init__(self) -> None:
        rows = [line.split() for line in words("places.txt").tolist()]
        repeats = [int(row[3]) for row in rows]
        self.zip = np.array([f"{int(row[2]) + i:05d}" for row, n in zip(rows, repeats, strict=True) for i in range(n)])
        self.city = np.repeat(np.array([row[0] for row in rows]), repeats)
        self.state = np.repeat(np.array([row[1] for row in rows]), repeats)

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """``n`` indices of places, a few of them much more frequent than the others."""
        return skewed(rng, len(self.zip), n, 0.7)


def skewed(rng: np.random.Generator, choices: int, n: int, exponent: float) -> Array:
    """``n`` draws from ``choices`` indices with Zipf-like weights in a random order of preference."""
    weights = 1.0 / np.arange(1, choices + 1) ** exponent
    drawn: Array = rng.permutation(choices)[rng.choice(choices, n, p=weights / weights.sum())]
    return drawn


def choose(rng: np.random.Generator, labels: Sequence[str], weights: Sequence[float] | Array, n: int) -> Array:
    """``n`` labels with the given weights."""
    probabilities = np.asarray(weights, dtype=float)
    drawn: Array = np.array(labels)[rng.choice(len(labels), n, p=probabilities / probabilities.sum())]
    return drawn


def choose_by(
    rng: np.random.Generator, labels: Sequence[str], weights: Mapping[str, Sequence[float]], by: Array
) -> Array:
    """One label per entry of ``by``, with weights that depend on that entry: how a dependence is planted."""
    table = np.array([weights[key] for key in weights], dtype=float)
    cumulative = np.cumsum(table / table.sum(axis=1, keepdims=True), axis=1)
    rows = lookup({key: i for i, key in enumerate(weights)}, by).astype(int)
    drawn = (rng.random(len(by))[:, None] > cumulative[rows]).sum(axis=1)
    result: Array = np.array(labels)[np.minimum(drawn, len(labels) - 1)]
    return result


def lookup(mapping: Mapping[str, float], keys: Array) -> Array:
    """``mapping[key]`` per key."""
    values, inverse = np.unique(keys, return_inverse=True)
    result: Array = np.array([mapping[str(v)] for v in values], dtype=float)[inverse]
    return result


def position(counts: Array) -> Array:
    """0, 1, … within each group of the given sizes, groups one after another."""
    starts = np.cumsum(counts) - counts
    result: Array = np.arange(int(counts.sum())) - np.repeat(starts, counts)
    return result


def running(values: Array, counts: Array) -> Array:
    """Cumulative sums within each group."""
    total = np.cumsum(values)
    before = np.concatenate([np.zeros(1, total.dtype), total])[np.cumsum(counts) - counts]
    result: Array = total - np.repeat(before, counts)
    return result


def days(start: str, offsets: Array) -> Array:
    """Dates ``offsets`` days after ``start``."""
    result: Array = np.datetime64(start, "D") + offsets.astype("timedelta64[D]")
    return result


def seconds(offsets: Array) -> Array:
    """Durations in seconds."""
    result: Array = offsets.astype("int64").astype("timedelta64[s]")
    return result


def people(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """First and last names."""
    first = FIRST_NAMES[skewed(rng, len(FIRST_NAMES), n, 0.4)]
    return first, LAST_NAMES[skewed(rng, len(LAST_NAMES), n, 0.4)]


def emails(rng: np.random.Generator, first: Array, last: Array) -> list[Value]:
    """Addresses made of the names, unique by a number where a name comes back."""
    domains = choose(
        rng, ["example.com", "example.org", "mail.example.net", "post.example.com"], [5, 2, 2, 1], len(first)
    )
    seen: dict[str, int] = {}
    result: list[Value] = []
    for given, family, domain in zip(first.tolist(), last.tolist(), domains.tolist(), strict=True):
        local = f"{given}.{family}".lower()
        seen[local] = seen.get(local, 0) + 1
        result.append(f"{local}{'' if seen[local] == 1 else seen[local]}@{domain}")
    return result


def phones(rng: np.random.Generator, n: int) -> list[Value]:
    """Telephone numbers of the range that is reserved for fiction."""
    area, line = rng.integers(201, 990, n).tolist(), rng.integers(100, 200, n).tolist()
    return [f"+1-{a}-555-0{b}" for a, b in zip(area, line, strict=True)]


def streets(rng: np.random.Generator, n: int) -> list[Value]:
    """House number and street."""
    names = STREETS[skewed(rng, len(STREETS), n, 0.5)].tolist()
    return [f"{number} {name}" for number, name in zip(rng.integers(1, 400, n).tolist(), names, strict=True)]


def known(values: Array | Sequence[Value], mask: Array) -> list[Value]:
    """The values where ``mask`` holds, None elsewhere."""
    return [v if m else None for v, m in zip(plain(values), mask.tolist(), strict=True)]


def plain(values: Array | Sequence[Value]) -> list[Value]:
    """Plain Python values: NaN and NaT become None, dates and timestamps ISO text."""
    if not isinstance(values, np.ndarray):
        return list(values)
    if values.dtype.kind == "M":
        texts = np.datetime_as_string(values).tolist()
        return [None if t == "NaT" else t.replace("T", " ") for t in texts]
    if values.dtype.kind == "f":
        return [None if v != v else v for v in values.tolist()]
    result: list[Value] = values.tolist()
    return result


def table(**columns: Array | Sequence[Value]) -> Columns:
    """A table from its columns."""
    return {name: plain(values) for name, values in columns.items()}


def scaled(n: int, scale: float) -> int:
    """``n`` rows at scale 1, never fewer than two."""
    return max(2, round(n * scale))
