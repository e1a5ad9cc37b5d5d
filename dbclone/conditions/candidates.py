"""Values that might make a condition true: of other rows and columns, at the bounds that it names, of its patterns."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.conditions.requirements import Requirement
from dbclone.conditions.sampling import matching_texts
from dbclone.conditions.tree import Call, Constant, Kind, parts
from dbclone.conditions.vectors import DAY

_LONGEST = 400
"""Constants up to which a number may be the length of a text."""
_TEXTS = 5_000
"""Different texts that are drawn from one pattern."""
_EPOCH = datetime.datetime(1970, 1, 1)


def candidates(
    column: str, columns: Mapping[str, pa.Array], requirements: Sequence[Requirement], rng: np.random.Generator
) -> Iterator[pa.Array]:
    """Other values for a column of the rows, one array each, those that keep closest to the data first."""
    own = columns[column]
    n = len(own)
    for name, other in columns.items():
        if name != column and other.type == own.type:
            yield other
    if pa.types.is_boolean(own.type):
        yield from (pa.array(np.full(n, truth)) for truth in (True, False))
    wanted = [r for r in requirements if column in r.condition.columns]
    if pa.types.is_string(own.type) or pa.types.is_large_string(own.type):
        yield from (found.cast(own.type) for found in _texts(own.cast(pa.string()), wanted, rng))
    for constant in _constants(wanted):
        for value in _nearby(constant, own.type):
            found = _array(value, own.type, n)
            if found is not None:
                yield found


def _constants(requirements: Sequence[Requirement]) -> list[Constant]:
    trees = (part for r in requirements for part in parts(r.condition.tree))
    return list(dict.fromkeys(part for part in trees if isinstance(part, Constant) and part.value is not None))


def _array(value: object, wanted: pa.DataType, n: int) -> pa.Array | None:
    try:
        return pa.array([value], wanted).take(pa.array(np.zeros(n, dtype=np.int64)))
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None


def _nearby(constant: Constant, wanted: pa.DataType) -> Iterator[object]:
    """The constant as a value of the type, and those next to it."""
    value = constant.value
    if constant.kind in (Kind.DATE, Kind.MOMENT) and pa.types.is_temporal(wanted):
        step = DAY if pa.types.is_date(wanted) else 1_000_000
        for micros in (int(value or 0), int(value or 0) + step, int(value or 0) - step):
            moment = _EPOCH + datetime.timedelta(microseconds=micros)
            yield moment.date() if pa.types.is_date(wanted) else moment
    elif constant.kind is Kind.CLOCK and pa.types.is_time(wanted):
        yield int(value or 0)
    elif isinstance(value, bool) or constant.kind is Kind.TEXT:
        yield value
    elif constant.kind in (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT) and isinstance(value, int | float):
        yield from _numbers_near(Decimal(value).scaleb(-constant.scale), wanted)


def _numbers_near(value: Decimal, wanted: pa.DataType) -> Iterator[object]:
    for step in (0, 1, -1):
        if pa.types.is_boolean(wanted):
            yield bool(value)
        elif pa.types.is_decimal(wanted):
            yield (value + Decimal(step).scaleb(-wanted.scale)).quantize(Decimal(1).scaleb(-wanted.scale))
        elif pa.types.is_floating(wanted):
            yield float(value) + step
        else:
            yield int(value) + step


def _texts(own: pa.Array, requirements: Sequence[Requirement], rng: np.random.Generator) -> Iterator[pa.Array]:
    """The texts in other letters, cut, filled up, or drawn from the patterns that they should match."""
    plain = pc.utf8_trim_whitespace(own)
    yield from (plain, pc.utf8_lower(plain), pc.utf8_upper(plain))
    for constant in _constants(requirements):
        if constant.kind is Kind.INTEGER and 0 < int(constant.value or 0) <= _LONGEST:
            width = int(constant.value or 0)
            yield pc.utf8_rpad(pc.utf8_slice_codeunits(own.fill_null(""), 0, width), width=width, padding="x")
    for pattern in _patterns(requirements):
        drawn = matching_texts(pattern, min(len(own), _TEXTS), rng)
        if drawn:
            yield pa.array(drawn, pa.string()).take(pa.array(np.arange(len(own)) % len(drawn)))


def _patterns(requirements: Sequence[Requirement]) -> list[str]:
    calls = (
        p for r in requirements for p in parts(r.condition.tree) if isinstance(p, Call) and p.operator == "matches"
    )
    return [str(pattern.value) for call in calls if isinstance(pattern := call.arguments[1], Constant)]
