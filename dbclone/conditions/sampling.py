"""Texts that match a regular expression, for columns in which no drawn text does."""

from __future__ import annotations

import re
import string
from typing import Any

import numpy as np

_ALPHABET = string.ascii_lowercase + string.digits
_CATEGORIES = {"digit": string.digits, "word": string.ascii_letters + string.digits, "space": " "}
_UNICODE = {r"\p{Lu}": "A-Z", r"\p{Ll}": "a-z", r"\p{L}": "a-zA-Z", r"\p{N}": "0-9", r"\z": r"\Z"}
_MORE = 6
"""Repetitions drawn beyond the least, where the pattern sets no limit."""


def matching_texts(pattern: str, count: int, rng: np.random.Generator) -> list[str]:
    """As many texts that a pattern of ``patterns`` is drawn from; none where it holds what cannot be drawn."""
    for name, plain in _UNICODE.items():
        pattern = pattern.replace(name, plain)
    try:
        tree = re._parser.parse(pattern)  # type: ignore[attr-defined]  # the only parser of regular expressions at hand
        return [_draw(tree, rng) for _ in range(count)]
    except (re.error, _Strange):
        return []


class _Strange(Exception):
    """A part that cannot be drawn."""


def _draw(tree: Any, rng: np.random.Generator) -> str:
    return "".join(_draw_one(str(name), value, rng) for name, value in tree)


def _draw_one(name: str, value: Any, rng: np.random.Generator) -> str:
    if name == "LITERAL":
        return chr(value)
    if name in ("AT", "ASSERT", "ASSERT_NOT"):
        return ""
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, inner = value
        times = int(rng.integers(least, min(int(most), least + _MORE) + 1))
        return "".join(_draw(inner, rng) for _ in range(times))
    if name == "SUBPATTERN":
        return _draw(value[-1], rng)
    if name == "BRANCH":
        return _draw(value[1][rng.integers(len(value[1]))], rng)
    signs = _signs(name, value)
    if not signs:
        raise _Strange
    return signs[rng.integers(len(signs))]


def _signs(name: str, value: Any) -> str:
    """The signs from which one is drawn."""
    if name == "ANY":
        return _ALPHABET
    if name == "NOT_LITERAL":
        return _ALPHABET.replace(chr(value), "")
    if name != "IN":
        raise _Strange
    members = "".join(_members(str(kind), member) for kind, member in value if str(kind) != "NEGATE")
    if str(value[0][0]) == "NEGATE":
        return "".join(sign for sign in _ALPHABET if sign not in members)
    return members


def _members(kind: str, member: Any) -> str:
    if kind == "LITERAL":
        return chr(member)
    if kind == "RANGE":
        return "".join(map(chr, range(member[0], min(member[1], member[0] + 200) + 1)))
    category = str(member).rpartition("_")[2].lower()
    if kind != "CATEGORY" or category not in _CATEGORIES or "NOT" in str(member):
        raise _Strange
    return _CATEGORIES[category]
