"""Conditions evaluated over whole columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from dbclone.conditions.operators import OPERATORS
from dbclone.conditions.text_operators import TEXT_OPERATORS
from dbclone.conditions.time_operators import TIME_OPERATORS
from dbclone.conditions.tree import ColumnValue, Condition, Constant, Node
from dbclone.conditions.vectors import Flags, Vector, constant, load

_ALL = {**OPERATORS, **TEXT_OPERATORS, **TIME_OPERATORS}

Columns = Mapping[str, pa.Array]
"""Canonical Arrow arrays by column name, all of one length."""


class Evaluator:
    """Evaluates trees over the same rows; each column is loaded once."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._loaded: dict[ColumnValue, Vector] = {}

    def value(self, node: Node) -> Vector:
        """The node's values: as many as there are rows, or one that stands for all."""
        if isinstance(node, Constant):
            return constant(node)
        if isinstance(node, ColumnValue):
            if node not in self._loaded:
                self._loaded[node] = load(self._columns[node.name], node)
            return self._loaded[node]
        with np.errstate(all="ignore"):
            return _ALL[node.operator](*(self.value(argument) for argument in node.arguments))

    def violated(self, condition: Condition, n: int) -> Flags:
        """bool[n]: the rows for which the condition is FALSE.  One that is NULL is satisfied."""
        found = self.value(condition.tree)
        return np.broadcast_to(~found.data & ~found.null, n)
