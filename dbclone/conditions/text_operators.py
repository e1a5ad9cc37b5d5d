"""Operators that take or give text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.conditions.operators import Operator, any_null
from dbclone.conditions.tree import Kind
from dbclone.conditions.vectors import Vector, booleans, stretched


def _text(array: object, vector: Vector) -> Vector:
    return Vector(Kind.TEXT, array, vector.null)


def _mapped(function: Callable[..., pa.Array]) -> Operator:
    return lambda vector: _text(function(vector.data), vector)


def _counted(function: Callable[..., pa.Array]) -> Operator:
    def count(vector: Vector) -> Vector:
        counts = function(vector.data).fill_null(0).to_numpy(zero_copy_only=False)
        return Vector(Kind.INTEGER, counts.astype(np.int64), vector.null)

    return count


def _octets(array: pa.Array) -> pa.Array:
    return pc.binary_length(array)


def _number(vector: Vector) -> int:
    return int(vector.data[0])


def _only(vector: Vector) -> str:
    return str(vector.data[0].as_py())


def _trim(function: Callable[..., pa.Array]) -> Operator:
    return lambda vector, characters: _text(function(vector.data, characters=_only(characters)), vector)


def _slice(vector: Vector, start: Vector, stop: Vector) -> Vector:
    """Characters from ``start`` (0 is the first) up to ``stop``; both constants, NULL for no end."""
    end = None if stop.null[0] else _number(stop)
    return _text(pc.utf8_slice_codeunits(vector.data, _number(start), end), vector)


def _position(vector: Vector, wanted: Vector) -> Vector:
    """1 for the first character, 0 where the text is not in it; in bytes, which only differs in being larger."""
    found = pc.find_substring(vector.data, pattern=_only(wanted))
    return Vector(Kind.INTEGER, found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1, vector.null)


def _replace(vector: Vector, old: Vector, new: Vector) -> Vector:
    return _text(pc.replace_substring(vector.data, pattern=_only(old), replacement=_only(new)), vector)


def _concatenation(*vectors: Vector) -> Vector:
    n = max(len(v.null) for v in vectors)
    joined = pc.binary_join_element_wise(*(stretched(v, n).data for v in vectors), "")
    return Vector(Kind.TEXT, joined, np.broadcast_to(any_null(*vectors), n))


def _pad(vector: Vector, width: Vector) -> Vector:
    return _text(pc.utf8_rpad(vector.data, width=_number(width)), vector)


def _matches(vector: Vector, pattern: Vector) -> Vector:
    """Whether a regular expression is found in the text."""
    try:
        found = pc.match_substring_regex(vector.data, pattern=_only(pattern))
    except pa.ArrowInvalid:  # RE2 cannot look ahead; Python can
        wanted = re.compile(_only(pattern))
        found = _by_distinct(vector.data, lambda text: wanted.search(text) is not None, pa.bool_())
    return booleans(found.fill_null(False).to_numpy(zero_copy_only=False), vector.null)


def _by_distinct(array: pa.Array, function: Callable[[str], object], wanted: pa.DataType) -> pa.Array:
    """A function of Python on the distinct values."""
    encoded = array.dictionary_encode()
    results = pa.array([function(text) for text in encoded.dictionary.to_pylist()], wanted)
    return results.take(encoded.indices)


def _is_json(vector: Vector) -> Vector:
    def valid(text: str) -> bool:
        try:
            json.loads(text, parse_constant=_refuse)
        except ValueError:
            return False
        return True

    found = _by_distinct(vector.data, valid, pa.bool_())
    return booleans(found.fill_null(False).to_numpy(zero_copy_only=False), vector.null)


def _refuse(word: str) -> None:
    raise ValueError(word)


_JSON_TYPES = {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}


def _json_type(vector: Vector) -> Vector:
    first = pc.utf8_slice_codeunits(pc.utf8_ltrim_whitespace(vector.data), 0, 1)
    return _text(_by_distinct(first, lambda c: _JSON_TYPES.get(c, "number"), pa.string()), vector)


def _print(vector: Vector) -> Vector:
    """Whole numbers as text."""
    return _text(pa.array(vector.data).cast(pa.string()), vector)


def _leading_integer(vector: Vector) -> Vector:
    """What SQLite's CAST finds in a text: the digits with which it begins, else 0."""
    digits = pc.struct_field(pc.extract_regex(vector.data, r"^\s*\+?(?P<n>-?\d{1,18})"), "n")
    plain = pc.if_else(pc.equal(digits, ""), "0", digits)
    return Vector(Kind.INTEGER, plain.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), vector.null)


def _rank(vector: Vector, *labels: Vector) -> Vector:
    """The place of each value in a list of labels, as which PostgreSQL orders an enum."""
    found = pc.index_in(vector.data, value_set=pa.concat_arrays([label.data for label in labels])).fill_null(-1)
    return Vector(Kind.INTEGER, found.to_numpy(zero_copy_only=False).astype(np.int64), vector.null)


TEXT_OPERATORS: dict[str, Operator] = {
    "lower": _mapped(pc.utf8_lower), "upper": _mapped(pc.utf8_upper), "ascii lower": _mapped(pc.ascii_lower),
    "ascii upper": _mapped(pc.ascii_upper), "reverse": _mapped(pc.utf8_reverse),
    "length": _counted(pc.utf8_length), "octets": _counted(_octets),
    "trim": _trim(pc.utf8_trim), "trim left": _trim(pc.utf8_ltrim), "trim right": _trim(pc.utf8_rtrim),
    "slice": _slice, "position": _position, "replace": _replace, "concatenation": _concatenation, "pad": _pad,
    "matches": _matches, "is json": _is_json, "json type": _json_type, "print": _print,
    "leading integer": _leading_integer, "rank": _rank,
}  # fmt: skip
