"""Keys: new values that are unique and look like the source's, but are not taken from it.

Integers are counted up from the source's minimum where the source counts too (then a new key that equals an old one
says nothing: both are but numbers of rows), else drawn from its range, and none of the old ones again
(engines.avoidance); UUIDs are fresh; texts follow the source's pattern; dates, times and decimals continue the source's
calendar or lattice.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns import patterns
from dbclone.columns.base import contiguous
from dbclone.errors import PlanError
from dbclone.schema import SqlType, TypeFamily

_SAMPLE = 20_000
_DENSE = 20
"""A range up to this many times the number of keys counts as dense."""
_DAY = 86_400_000_000
_WIDEST = 2**62
"""Ranges are cut to this size, so that arithmetic stays within 64 bits."""


class KeyStyle(StrEnum):
    DENSE = "dense"
    """Low, low + step, low + 2 step …"""
    SPARSE = "sparse"
    """Distinct draws from the lattice between low and high."""
    UUID = "uuid"
    TIMED_UUID = "timed uuid"
    """Version 7: begins with the time, in rising order."""
    PATTERN = "pattern"
    LABELS = "labels"
    BYTES = "bytes"


@dataclass(frozen=True)
class KeyMaker:
    """Makes unique values of one column.  Numbers are counted in units of the type (days, µs, 10^-scale)."""

    style: KeyStyle
    type: SqlType
    exact: bool = True
    """A DECIMAL travels as decimal128; False: as float64."""
    low: int = 0
    high: int = 0
    step: int = 1
    count: int = 0
    """Keys in the source."""
    ordered: bool = False
    """The source's keys rise with the rows."""
    grammar: patterns.Grammar = field(default_factory=lambda: patterns.Grammar(()))
    labels: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        values: pa.Array | pa.ChunkedArray,
        type: SqlType,  # noqa: A002
        k: int,
        entities: npt.NDArray[np.int64] | None = None,
    ) -> KeyMaker:
        """Learn from the source's keys, in row order; NULLs are passed over.  ``entities`` says whose row each is."""
        keys = contiguous(values)
        owners = None if entities is None else entities[keys.is_valid().to_numpy(zero_copy_only=False)]
        keys = keys.drop_null()
        match type.family:
            case TypeFamily.UUID:
                return cls(_uuid_style(keys), type, count=len(keys), ordered=_rises(keys))
            case TypeFamily.ENUM | TypeFamily.BOOLEAN:
                return cls(KeyStyle.LABELS, type, count=len(keys), labels=_labels(keys, type))
            case TypeFamily.BYTES:
                size = int(np.median(pc.binary_length(keys).to_numpy(zero_copy_only=False))) if len(keys) else 16
                return cls(KeyStyle.BYTES, type, low=max(size, 1), count=len(keys))
            case _ if pa.types.is_string(keys.type) or pa.types.is_large_string(keys.type):
                return cls._fit_text(keys, type, k, owners)
            case _:
                return cls._fit_numbers(keys, type)

    @classmethod
    def _fit_text(
        cls,
        keys: pa.Array,
        type: SqlType,  # noqa: A002
        k: int,
        owners: npt.NDArray[np.int64] | None,
    ) -> KeyMaker:
        head = None if owners is None else owners[:_SAMPLE]
        grammar = patterns.learn(keys[:_SAMPLE].to_pylist(), k, head)
        return cls(KeyStyle.PATTERN, type, count=len(keys), grammar=grammar)

    @classmethod
    def _fit_numbers(cls, keys: pa.Array, type: SqlType) -> KeyMaker:  # noqa: A002
        exact = not pa.types.is_floating(keys.type)
        if not len(keys):
            return cls(KeyStyle.DENSE, type, exact, low=_origin(type))
        units = _units(keys, type)
        low, high = int(units.min()), int(units.max())
        step = _step(units, type)
        dense = (high - low) // step + 1 <= _DENSE * len(units) or len(units) < 3
        if type.family is TypeFamily.DATE:
            dense = (high - low) // step + 1 <= 1.5 * len(units)
        style = KeyStyle.DENSE if dense else KeyStyle.SPARSE
        if not dense:
            low, high = _inner_range(low, high, step)
        return cls(style, type, exact, low, high, step, len(units), bool(np.all(units[1:] >= units[:-1])))

    def make(self, n: int, rng: np.random.Generator) -> pa.Array:
        """n different keys of the column's canonical Arrow type; PlanError if the type cannot hold so many."""
        match self.style:
            case KeyStyle.UUID:
                return patterns.uuids(n, rng)
            case KeyStyle.TIMED_UUID:
                return patterns.uuids(n, rng, times=self._moments(n, rng))
            case KeyStyle.PATTERN:
                return self._texts(n, rng)
            case KeyStyle.LABELS:
                return self._labels(n)
            case KeyStyle.BYTES:
                return self._bytes(n, rng)
            case KeyStyle.DENSE | KeyStyle.SPARSE:
                return _restore(self._numbers(n, rng), self.type, self.exact)

    def _texts(self, n: int, rng: np.random.Generator) -> pa.Array:
        grammar = self.grammar if self.grammar.patterns else patterns.learn(["a"], 1)
        return grammar.draw_unique(n, rng, self.type.length)

    def _labels(self, n: int) -> pa.Array:
        if n > len(self.labels):
            raise _too_many(len(self.labels), n)
        if self.type.family is TypeFamily.BOOLEAN:
            return pa.array([label == "true" for label in self.labels[:n]], pa.bool_())
        return pa.array(self.labels[:n], pa.string())

    def _bytes(self, n: int, rng: np.random.Generator) -> pa.Array:
        """Random bytes that end in a running number, so that they differ."""
        width = max(self.low, (max(n - 1, 1).bit_length() + 7) // 8)
        if self.type.length is not None and width > self.type.length:
            raise _too_many(256**self.type.length, n)
        tail = (max(n - 1, 1).bit_length() + 7) // 8
        raw = np.frombuffer(rng.bytes(width * n), dtype=np.uint8).reshape(n, width).copy()
        raw[:, width - tail :] = np.arange(n, dtype=">u8").view(np.uint8).reshape(n, 8)[:, 8 - tail :]
        return pa.array([row.tobytes() for row in raw], pa.binary())

    def _moments(self, n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Milliseconds since 1970 of n events in 2024: the source's own times stay with the source."""
        return np.sort(rng.integers(1_704_067_200_000, 1_735_689_600_000, n))

    def _numbers(self, n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        lowest, highest = _limits(self.type)
        low, step = self.low, self.step
        places = n if self.style is KeyStyle.DENSE else max((self.high - low) // step + 1, 2 * n)
        if self.style is KeyStyle.SPARSE and self.type.family is TypeFamily.INTEGER and n > self.count > 0:
            places = max(places, int(((self.high - low) // step + 1) * (n / self.count)))
        if low + (places - 1) * step > highest:
            places = (highest - low) // step + 1
        places = min(places, _WIDEST)
        if places < n:
            low, step, places = self._lower(n, lowest, highest)
        if self.style is KeyStyle.DENSE or places < 2 * n:
            at = np.arange(n, dtype=np.int64)
        else:
            at = _distinct_below(places, n, rng, self.ordered)
        return low + at * step

    def _lower(self, n: int, lowest: int, highest: int) -> tuple[int, int, int]:
        """Where to begin, and in which steps, when the source's own beginning leaves too little room above."""
        for low, step in ((min(self.low, 1), 1), (lowest, 1)):
            if highest - low + 1 >= n:
                return low, step, n
        raise _too_many(highest - lowest + 1, n)


def _inner_range(low: int, high: int, step: int) -> tuple[int, int]:
    """The range without its ends, which are somebody's keys: up to round numbers, on the lattice of the step."""
    grain = 10 ** max(len(str(high - low)) - 2, 0)
    inner_low, inner_high = -(-(low + 1) // grain) * grain, (high - 1) // grain * grain
    return low + -(-(inner_low - low) // step) * step, low + (inner_high - low) // step * step


def _too_many(capacity: int, n: int) -> PlanError:
    return PlanError(f"a unique column of this type can hold {capacity} values, {n} are needed: ask for fewer rows")


def _distinct_below(places: int, n: int, rng: np.random.Generator, ordered: bool) -> npt.NDArray[np.int64]:
    """n different integers in [0, places), places ≥ 2 n; ascending where ordered."""
    found = _sorted_once(rng.integers(0, places, n + n // 64 + 8))
    while len(found) < n:
        found = _sorted_once(np.concatenate([found, rng.integers(0, places, n // 2 + 8)]))
    chosen = np.delete(found, rng.choice(len(found), len(found) - n, replace=False, shuffle=False))
    return chosen if ordered else rng.permutation(chosen)


def _sorted_once(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Ascending without repeats; np.unique hashes since NumPy 2.3, a hundred times slower on millions of numbers."""
    ascending = np.sort(numbers)
    once: npt.NDArray[np.int64] = ascending[np.append(True, ascending[1:] != ascending[:-1])]
    return once


def _origin(type: SqlType) -> int:  # noqa: A002
    """Where keys begin when the source has none: 1, or the first of January 2020."""
    return {TypeFamily.DATE: 18_262, TypeFamily.TIMESTAMP: 18_262 * _DAY, TypeFamily.TIME: 0}.get(type.family, 1)


def _step(units: npt.NDArray[np.int64], type: SqlType) -> int:  # noqa: A002
    """The greatest common divisor of the distances between keys."""
    if len(units) < 2:
        return _unit_step(type)
    if int(units.max()) - int(units.min()) > _WIDEST:
        return 1
    return max(int(np.gcd.reduce(np.diff(units))), 1)


def _unit_step(type: SqlType) -> int:  # noqa: A002
    """The step between keys of which only one is known."""
    return {TypeFamily.TIMESTAMP: _DAY, TypeFamily.TIME: 1_000_000}.get(type.family, 1)


def _units(keys: pa.Array, type: SqlType) -> npt.NDArray[np.int64]:  # noqa: A002
    """Keys as integers in units of their type."""
    match type.family:
        case TypeFamily.DATE:
            return _as_int64(keys.cast(pa.date32()).cast(pa.int32()))
        case TypeFamily.TIMESTAMP:
            return _as_int64(keys.cast(pa.timestamp("us", keys.type.tz)).cast(pa.int64()))
        case TypeFamily.TIME:
            return _as_int64(keys.cast(pa.time64("us")).cast(pa.int64()))
        case TypeFamily.DECIMAL | TypeFamily.FLOAT:
            scale = 10.0 ** _scale(type)
            numbers = keys.cast(pa.float64()).to_numpy(zero_copy_only=False)
            clipped: npt.NDArray[np.int64] = np.rint(np.clip(numbers * scale, -9e15, 9e15)).astype(np.int64)
            return clipped
        case _:
            return _as_int64(keys)


def _as_int64(keys: pa.Array) -> npt.NDArray[np.int64]:
    numbers: npt.NDArray[np.int64] = np.asarray(keys.to_numpy(zero_copy_only=False), dtype=np.int64)
    return numbers


def _scale(type: SqlType) -> int:  # noqa: A002
    return min(type.scale or 0, 9) if type.family is TypeFamily.DECIMAL else 0


def _limits(type: SqlType) -> tuple[int, int]:  # noqa: A002
    """Least and greatest value of the type, in its units."""
    match type.family:
        case TypeFamily.INTEGER:
            bits = min(type.precision or 64, 64)
            if type.unsigned:
                return 0, 2 ** min(bits, 63) - 1
            return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        case TypeFamily.DECIMAL if type.precision:
            digits = min(type.precision - (type.scale or 0) + _scale(type), 15)
            return 1 - 10**digits, 10**digits - 1
        case TypeFamily.DATE:
            return -700_000, 2_900_000
        case TypeFamily.TIMESTAMP:
            return -60_000_000_000_000_000, 250_000_000_000_000_000
        case TypeFamily.TIME:
            return 0, _DAY - 1
        case _:
            return -(2**53), 2**53


def _restore(numbers: npt.NDArray[np.int64], type: SqlType, exact: bool) -> pa.Array:  # noqa: A002
    """Integers in units of the type as its canonical Arrow array."""
    match type.family:
        case TypeFamily.DATE:
            return pa.array(numbers.astype(np.int32)).cast(pa.date32())
        case TypeFamily.TIMESTAMP:
            return pa.array(numbers).cast(pa.timestamp("us"))
        case TypeFamily.TIME:
            return pa.array(numbers).cast(pa.time64("us"))
        case TypeFamily.DECIMAL if exact:
            return _decimals(numbers, _scale(type)).cast(pa.decimal128(min(type.precision or 38, 38), type.scale or 0))
        case TypeFamily.DECIMAL | TypeFamily.FLOAT:
            return pa.array(numbers / 10.0 ** _scale(type), pa.float64())
        case _:
            return pa.array(numbers)


def _decimals(units: npt.NDArray[np.int64], scale: int) -> pa.Array:
    """units x 10^-scale, built from Arrow's own 16-byte form: its decimal arithmetic would widen the precision."""
    words = np.stack([units, units >> 63], axis=1)
    return pa.Array.from_buffers(pa.decimal128(38, scale), len(units), [None, pa.py_buffer(words.tobytes())])


def _uuid_style(keys: pa.Array) -> KeyStyle:
    head = keys[:1000].to_pylist()
    timed = sum(len(key) == 36 and key[14] in "167" for key in head) > 0.9 * len(head)
    return KeyStyle.TIMED_UUID if head and timed and _rises(keys) else KeyStyle.UUID


def _labels(keys: pa.Array, type: SqlType) -> tuple[str, ...]:  # noqa: A002
    """What the type can hold, the labels in use first."""
    used = set(keys.cast(pa.string()).to_pylist())
    return tuple(sorted(type.values or ("false", "true"), key=lambda label: label not in used))


def _rises(keys: pa.Array) -> bool:
    head = keys[:1000].to_pylist()
    return all(a < b for a, b in itertools.pairwise(head)) and len(head) > 2
