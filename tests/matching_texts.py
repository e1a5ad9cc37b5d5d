"""Texts that match a regular expression of the plain kind that CHECK constraints use."""

import re
from typing import Any

import numpy as np

from re import _constants as kinds, _parser as parser  # isort: skip  # the standard library's own parser

SOME = 3
"""How often an open repetition repeats at most beyond its minimum."""


def matching_text(pattern: str, random: np.random.Generator) -> str:
    """A random text that the pattern matches; NotImplementedError for look-around and references."""
    text = "".join(_part(kind, value, random) for kind, value in parser.parse(pattern))
    assert re.search(pattern, text)
    return text


def _part(kind: Any, value: Any, random: np.random.Generator) -> str:
    if kind is kinds.AT:
        return ""
    if kind is kinds.LITERAL:
        return chr(value)
    if kind is kinds.ANY:
        return "."
    if kind is kinds.IN:
        choices = [text for item in value for text in _members(*item)]
        return choices[int(random.integers(len(choices)))]
    if kind is kinds.SUBPATTERN:
        return "".join(_part(*item, random) for item in value[-1])
    if kind is kinds.BRANCH:
        chosen = value[1][int(random.integers(len(value[1])))]
        return "".join(_part(*item, random) for item in chosen)
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        low, high, inner = value
        times = int(random.integers(low, min(high, low + SOME) + 1))
        return "".join(_part(*item, random) for _ in range(times) for item in inner)
    raise NotImplementedError(f"patterns with {kind}")


def _members(kind: Any, value: Any) -> list[str]:
    if kind is kinds.LITERAL:
        return [chr(value)]
    if kind is kinds.RANGE:
        return [chr(code) for code in range(value[0], value[1] + 1)]
    if kind is kinds.CATEGORY and value is kinds.CATEGORY_DIGIT:
        return list("0123456789")
    if kind is kinds.CATEGORY and value is kinds.CATEGORY_WORD:
        return list("abcXYZ019_")
    raise NotImplementedError(f"sets with {kind}")
