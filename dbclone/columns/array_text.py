"""PostgreSQL's text form of arrays: '{1,2}', '{a,"b c",NULL}', '{{1,2},{3,4}}'."""

from __future__ import annotations

import json
import re
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns import array_elements, documents
from dbclone.columns.documents import Json, Node
from dbclone.schema import SqlType, TypeFamily

_DELIMITERS = {"box": ";"}
"""Of the types whose values hold commas as they stand."""
_NUMERIC = frozenset({TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT})


def parse(text: str, numbers: bool = True, delimiter: str = ",") -> Json:
    """Nested lists of strings, numbers where they look so and may be, and None; an empty list if it is no array."""
    stack: list[list[Json]] = [[]]
    for token in _tokens(delimiter).findall(text[text.find("{") :]):
        if token == "{":
            stack.append([])
        elif token == "}" and len(stack) > 1:
            done = stack.pop()
            stack[-1].append(done)
        elif token not in (delimiter, "}"):
            stack[-1].append(_element(token, numbers))
    return stack[0][0] if stack[0] else []


def draw(node: Node, n: int, rng: np.random.Generator, type: SqlType) -> pa.Array:  # noqa: A002
    """n array texts of the node's items; arrays of arrays come out rectangular."""
    item = node.item or Node()
    depth, sizes = _shape(node)
    lengths = np.rint(documents.between(node.lengths, n, rng)).astype(np.int64) * int(np.prod(sizes))
    elements = _elements(item if depth == 1 else _innermost(item), int(lengths.sum()), rng, type)
    for size in reversed(sizes):
        elements = _grouped(elements, np.full(len(elements) // max(size, 1), size), _delimiter(type))
        lengths //= max(size, 1)
    return _grouped(elements, lengths, _delimiter(type))


def read(text: str, type: SqlType) -> Json:  # noqa: A002
    """``parse`` for arrays of a type: only its numbers are numbers."""
    return parse(text, type.item is None or type.item.family in _NUMERIC, _delimiter(type))


@cache
def _tokens(delimiter: str) -> re.Pattern[str]:
    return re.compile(rf'[{{}}{delimiter}]|"(?:[^"\\]|\\.)*"|[^{{}}{delimiter}"]+', re.DOTALL)


def _delimiter(type: SqlType) -> str:  # noqa: A002
    return _DELIMITERS.get(type.item.sql if type.item else "", ",")


def _element(token: str, numbers: bool) -> Json:
    if token.startswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)
    if token == "NULL":
        return None
    for number in (int, float) if numbers else ():
        try:
            return number(token)
        except ValueError:
            continue
    return token


def _shape(node: Node) -> tuple[int, list[int]]:
    """Depth of the nesting and the usual size of each inner dimension."""
    sizes, item = [], node.item
    while item is not None and item.weights[-1] > 0.5 * sum(item.weights):
        sizes.append(max(round(item.lengths[len(item.lengths) // 2]), 1))
        item = item.item
    return 1 + len(sizes), sizes


def _innermost(node: Node) -> Node:
    while node.item is not None and node.weights[-1] > 0.5 * sum(node.weights):
        node = node.item
    return node


def _elements(node: Node, n: int, rng: np.random.Generator, type: SqlType) -> pa.Array:  # noqa: A002
    """n elements as they stand between braces: numbers plain, everything else quoted."""
    drawn = node.draw(n, rng)
    if type.item is None or type.item.family in _NUMERIC:
        return pc.if_else(pc.equal(drawn, "null"), "NULL", drawn)
    kept = frozenset(node.text.kept) if node.text else frozenset[str]()
    texts = pa.array([None if text == "null" else json.loads(text) for text in drawn.to_pylist()], pa.string())
    return documents.quoted(array_elements.valid(texts, kept, type.item, rng)).fill_null("NULL")


def _grouped(elements: pa.Array, lengths: np.ndarray, delimiter: str) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    inner = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), elements), delimiter)
    return pc.binary_join_element_wise("{", inner, "}", "")
