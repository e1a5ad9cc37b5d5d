"""Logic, comparisons and arithmetic on vectors, with SQL's three-valued logic."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
import pyarrow.compute as pc

from dbclone.conditions.tree import Kind
from dbclone.conditions.vectors import (
    Flags,
    Numbers,
    Vector,
    aligned,
    booleans,
    choose,
    floats,
    magnitude,
    rescaled,
    roomy,
)

Operator = Callable[..., Vector]
_TOLERANCE = 1e-12
"""Relative difference up to which approximate numbers count as equal."""


def any_null(*vectors: Vector) -> Flags:
    """Where any of the vectors is NULL."""
    return reduce(np.logical_or, (v.null for v in vectors))


def _conjunction(*vectors: Vector) -> Vector:
    false = reduce(np.logical_or, (~v.null & ~v.data for v in vectors))
    return booleans(~false, any_null(*vectors) & ~false)


def _disjunction(*vectors: Vector) -> Vector:
    true = reduce(np.logical_or, (~v.null & v.data for v in vectors))
    return booleans(true, any_null(*vectors) & ~true)


def _negation(vector: Vector) -> Vector:
    return booleans(~vector.data, vector.null)


def _is_null(vector: Vector) -> Vector:
    return booleans(vector.null, np.zeros_like(vector.null))


def _is_true(vector: Vector) -> Vector:
    return booleans(vector.data & ~vector.null, np.zeros_like(vector.null))


def _is_false(vector: Vector) -> Vector:
    return booleans(~vector.data & ~vector.null, np.zeros_like(vector.null))


def _unknown() -> Vector:
    return booleans(np.array([False]), np.array([True]))


def texts(*vectors: Vector) -> list[object]:
    """Arrow arrays, those that stand for all as scalars beside any that does not."""
    every = all(v.alone for v in vectors)
    return [v.data if every or not v.alone else v.data[0] for v in vectors]


_TEXT_COMPARISONS = {
    "eq": pc.equal, "ne": pc.not_equal, "lt": pc.less, "le": pc.less_equal, "gt": pc.greater, "ge": pc.greater_equal,
}  # fmt: skip
_COMPARISONS: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
}  # fmt: skip


def _comparison(name: str) -> Operator:
    def compare(one: Vector, other: Vector) -> Vector:
        null = any_null(one, other)
        if Kind.NULL in (one.kind, other.kind):
            return booleans(np.zeros_like(null), np.ones_like(null))
        if one.kind is Kind.TEXT:
            found = _TEXT_COMPARISONS[name](*texts(one, other))
            return booleans(found.fill_null(False).to_numpy(zero_copy_only=False), null)
        kind, left, right, _ = aligned(one, other)
        if kind is Kind.APPROXIMATE:
            left = np.where(np.isclose(left, right, rtol=_TOLERANCE, atol=_TOLERANCE), right, left)
        return booleans(_COMPARISONS[name](left, right).astype(np.bool_), null)

    return compare


def _distinct(one: Vector, other: Vector) -> Vector:
    """IS DISTINCT FROM: NULL counts as a value."""
    if Kind.NULL in (one.kind, other.kind) or Kind.OPAQUE in (one.kind, other.kind):
        differ = one.null != other.null
    else:
        compared = OPERATORS["ne"](one, other)
        differ = compared.data | (one.null != other.null)
    return booleans(differ, np.zeros_like(differ))


def _case(*vectors: Vector) -> Vector:
    """Condition, value, condition, value, …, default."""
    found = vectors[-1]
    for at in range(len(vectors) - 3, -1, -2):
        found = choose(vectors[at].data & ~vectors[at].null, vectors[at + 1], found)
    return found


def _coalesce(*vectors: Vector) -> Vector:
    return reduce(lambda one, other: choose(~one.null, one, other), vectors)


def _extreme(name: str, skips_null: bool) -> Operator:
    """The greatest or least; NULLs are skipped (PostgreSQL) or make the result NULL (SQLite)."""

    def pick(one: Vector, other: Vector) -> Vector:
        compared = OPERATORS[name](one, other)
        found = choose(other.null | compared.data & ~one.null, one, other)
        return found if skips_null else found.with_null(any_null(one, other))

    return lambda *vectors: reduce(pick, vectors)


def _count_null(*vectors: Vector) -> Vector:
    counts = sum((v.null.astype(np.int64) for v in vectors), np.zeros(1, dtype=np.int64))
    return Vector(Kind.INTEGER, counts, np.zeros(len(counts), dtype=bool))


def _sum(sign: int) -> Operator:
    def add(one: Vector, other: Vector) -> Vector:
        kind, left, right, scale = aligned(one, other)
        if kind not in (Kind.FLOAT, Kind.APPROXIMATE):
            left = roomy(left, magnitude(left) + magnitude(right))
        return Vector(kind, left + sign * right, any_null(one, other), scale)

    return add


def _product(one: Vector, other: Vector) -> Vector:
    null = any_null(one, other)
    for kind in (Kind.APPROXIMATE, Kind.FLOAT):
        if kind in (one.kind, other.kind):
            return Vector(kind, floats(one) * floats(other), null)
    left = roomy(one.data, magnitude(one.data) * magnitude(other.data))
    kind = other.kind if one.kind is Kind.INTEGER else one.kind
    return Vector(kind, left * other.data, null, one.scale + other.scale)


def _nonzero(vector: Vector) -> tuple[Numbers, Flags]:
    zero = np.asarray(vector.data == 0)
    return np.where(zero, np.ones_like(vector.data), vector.data), zero


def _quotient(one: Vector, other: Vector) -> Vector:
    """Of integers without remainder, towards zero; NULL if divided by zero."""
    null = any_null(one, other)
    if one.kind is other.kind is Kind.INTEGER:
        divisor, zero = _nonzero(other)
        whole = np.abs(one.data) // np.abs(divisor)
        return Vector(Kind.INTEGER, whole * np.sign(one.data) * np.sign(divisor), null | zero)
    kind = Kind.FLOAT if Kind.FLOAT in (one.kind, other.kind) else Kind.APPROXIMATE
    divisor, zero = _nonzero(Vector(kind, floats(other), other.null))
    return Vector(kind, floats(one) / divisor, null | zero)


def _remainder(one: Vector, other: Vector) -> Vector:
    """With the dividend's sign; NULL if divided by zero."""
    scale = max(one.scale, other.scale)
    kind = Kind.DECIMAL if Kind.DECIMAL in (one.kind, other.kind) else Kind.INTEGER
    divisor, zero = _nonzero(Vector(kind, rescaled(other, scale), other.null))
    dividend = rescaled(one, scale)
    rest = np.abs(dividend) % np.abs(divisor) * np.sign(dividend)
    return Vector(kind, rest, any_null(one, other) | zero, scale)


def _opposite(vector: Vector) -> Vector:
    return Vector(vector.kind, -vector.data, vector.null, vector.scale)


def _absolute(vector: Vector) -> Vector:
    return Vector(vector.kind, np.abs(vector.data), vector.null, vector.scale)


def _sign(vector: Vector) -> Vector:
    return Vector(Kind.INTEGER, np.sign(vector.data).astype(np.int64), vector.null)


def _round(vector: Vector, digits: Vector) -> Vector:
    """Half away from zero."""
    places = int(digits.data[0])
    if vector.kind in (Kind.FLOAT, Kind.APPROXIMATE):
        near = np.round(vector.data, places)
        power = 10.0**places
        away = np.floor(np.abs(vector.data) * power + 0.5) / power * np.sign(vector.data)
        return Vector(vector.kind, np.where(near == vector.data, near, away), vector.null)
    if places >= vector.scale:
        return vector
    factor = 10 ** (vector.scale - places)
    kept = (np.abs(vector.data) + factor // 2) // factor * np.sign(vector.data)
    return Vector(vector.kind, kept * 10 ** max(-places, 0), vector.null, max(places, 0))


def _toward(name: str) -> Operator:
    """Rounding to whole numbers: down, up, towards zero, or to the even one of two that are as near."""
    rules: dict[str, Callable[[Numbers], Numbers]] = {"floor": np.floor, "ceil": np.ceil, "trunc": np.trunc,
                                                      "even": np.rint}  # fmt: skip

    def toward(vector: Vector) -> Vector:
        if vector.kind in (Kind.FLOAT, Kind.APPROXIMATE):
            return Vector(vector.kind, rules[name](vector.data), vector.null)
        factor = 10**vector.scale
        down = vector.data // factor
        up = -(-vector.data // factor)
        whole = {"floor": down, "ceil": up, "trunc": np.where(vector.data < 0, up, down)}[name]
        return Vector(vector.kind, whole, vector.null)

    return toward


def _integer(vector: Vector) -> Vector:
    """The INTEGER that a whole number of another kind, or a truth value, is."""
    if vector.kind in (Kind.FLOAT, Kind.APPROXIMATE):
        held = np.abs(vector.data) < 2.0**62
        return Vector(Kind.INTEGER, np.where(held, vector.data, 0).astype(np.int64), vector.null | ~held)
    whole = vector.data.astype(np.int64) if vector.kind is Kind.BOOLEAN else vector.data
    return Vector(Kind.INTEGER, whole, vector.null)


def _truth(vector: Vector) -> Vector:
    return booleans(np.asarray(vector.data != 0), vector.null)


def _to_float(vector: Vector) -> Vector:
    return Vector(Kind.FLOAT, floats(vector), vector.null)


def _to_single(vector: Vector) -> Vector:
    """As a column of 32 bits keeps it."""
    return Vector(Kind.FLOAT, floats(vector).astype(np.float32).astype(np.float64), vector.null)


def _approximate(vector: Vector) -> Vector:
    return Vector(Kind.APPROXIMATE, floats(vector), vector.null)


OPERATORS: dict[str, Operator] = {
    "and": _conjunction, "or": _disjunction, "not": _negation, "unknown": _unknown,
    "is null": _is_null, "is true": _is_true, "is false": _is_false, "distinct": _distinct,
    **{name: _comparison(name) for name in _COMPARISONS},
    "case": _case, "coalesce": _coalesce, "count null": _count_null,
    "greatest": _extreme("gt", True), "least": _extreme("lt", True),
    "greatest or null": _extreme("gt", False), "least or null": _extreme("lt", False),
    "add": _sum(1), "sub": _sum(-1), "mul": _product, "div": _quotient, "mod": _remainder,
    "neg": _opposite, "abs": _absolute, "sign": _sign, "round": _round,
    **{name: _toward(name) for name in ("floor", "ceil", "trunc", "even")},
    "integer": _integer, "truth": _truth, "float": _to_float, "single": _to_single, "approximate": _approximate,
}  # fmt: skip
