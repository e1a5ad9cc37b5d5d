"""PostgreSQL's text form of arrays: '{1,2}', '{a,"b c",NULL}', '{{1,2},{3,4}}'."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns import documents
from dbclone.columns.documents import Json, Node
from dbclone.schema import SqlType, TypeFamily

_TOKEN = re.compile(r'[{},]|"(?:[^"\\]|\\.)*"|[^{},"]+', re.DOTALL)
_NUMERIC = frozenset({TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT})


def parse(text: str) -> Json:
    """Nested lists of strings, numbers where they look so, and None; an empty list if it is no array text."""
    stack: list[list[Json]] = [[]]
    for token in _TOKEN.findall(text[text.find("{") :]):
        if token == "{":
            stack.append([])
        elif token == "}" and len(stack) > 1:
            done = stack.pop()
            stack[-1].append(done)
        elif token not in (",", "}"):
            stack[-1].append(_element(token))
    return stack[0][0] if stack[0] else []


def draw(node: Node, n: int, rng: np.random.Generator, type: SqlType) -> pa.Array:  # noqa: A002
    """n array texts of the node's items; arrays of arrays come out rectangular."""
    item = node.item or Node()
    depth, sizes = _shape(node)
    lengths = np.rint(documents.between(node.lengths, n, rng)).astype(np.int64) * int(np.prod(sizes))
    elements = _elements(item if depth == 1 else _innermost(item), int(lengths.sum()), rng, type)
    for size in reversed(sizes):
        elements = _grouped(elements, np.full(len(elements) // max(size, 1), size))
        lengths //= max(size, 1)
    return _grouped(elements, lengths)


def _element(token: str) -> Json:
    if token.startswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)
    if token == "NULL":
        return None
    for read in (int, float):
        try:
            return read(token)
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
    drawn = pc.if_else(pc.equal(drawn, "null"), "NULL", drawn)
    family = type.item.family if type.item else None
    if family in _NUMERIC or family is None:
        return drawn
    bare = pc.invert(pc.or_(pc.starts_with(drawn, '"'), pc.equal(drawn, "NULL")))
    return pc.if_else(bare, pc.binary_join_element_wise('"', drawn, '"', ""), drawn)


def _grouped(elements: pa.Array, lengths: np.ndarray) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    inner = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), elements), ",")
    return pc.binary_join_element_wise("{", inner, "}", "")
