"""Rows drawn from fitted trees by the compiled loop, for tests of what a tree has learned."""

from collections.abc import Sequence

import numpy as np

from dbclone.models.drawing import Size, draw_rows
from dbclone.models.features import CodedFeature
from dbclone.models.layout import ABSOLUTE, CODED
from dbclone.models.rows import Path, Rows
from dbclone.models.steps import Step, TableSteps, Variant
from dbclone.models.tree import Tree
from dbclone.schema import TableName

OWNER, CHILD = TableName("", "owner"), TableName("", "child")


def leaf(tree: Tree, x: Sequence[int]) -> int:
    """The node in which a row of these bytes ends."""
    at = 0
    while tree.feature[at] >= 0:
        b = int(x[tree.feature[at]])
        at = int(tree.left[at] if int(tree.mask[at, b >> 6]) >> (b & 63) & 1 else tree.right[at])
    return at


def codes_in(tree: Tree, node: int) -> np.ndarray:
    """The training codes of a node."""
    return tree.codes[tree.start[node] : tree.end[node]]


def draws(tree: Tree, context: np.ndarray, seed: int = 0) -> np.ndarray:
    """One code per row of context (uint8[n, bytes]), which stands first among what the tree sees."""
    steps = (Step("x", CODED, CodedFeature(), (Variant(ABSOLUTE, tree),)),)
    table = TableSteps(CHILD, "fk", OWNER, (Path((), "context"),), (), (), steps, 0)
    owners = Rows(len(context), bytes={"context": np.ascontiguousarray(context.T)})
    size = Size(np.ones(len(context), dtype=np.int64), 0)
    return draw_rows(table, size, {OWNER: owners}, {}, seed).codes["x"]
