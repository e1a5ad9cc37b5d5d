"""Filling columns that repeat another: the buyer's name on an order, the superior's in an employee's row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.uniqueness import limited
from dbclone.matching import parent_rows
from dbclone.models.copies import REPEATED, Copied
from dbclone.models.relations import Relation
from dbclone.models.rows import Rows
from dbclone.schema import Table

Columns = Mapping[str, pa.Array]


def repeated(copy: Copied, table: Table, rows: Rows, *, own: Columns, other: Columns, at: np.ndarray) -> pa.Array:
    """The values of ``copy.column``: those of row ``at`` (int64[n], -1 for none) of the ``other`` table's columns.

    They are cut to the length of the column.  Where it repeats only sometimes, the rows that do not keep their ``own``.
    """
    values = other[copy.source].take(pa.array(np.maximum(at, 0), mask=at < 0))
    if pa.types.is_string(values.type):
        values = limited(values, table.column(copy.column).type.length)
    if not copy.sometimes:
        return values
    made, there = own[copy.column], rows.codes[f"column:{copy.column}"] == REPEATED
    return pc.if_else(pa.array(there), pc.coalesce(values, made), made)


def referred(relation: Relation, columns: Columns) -> np.ndarray:
    """The row that each row refers to within its table, by the values of its keys; int64[n], below 0: none."""
    keys = pa.table({name: columns[name] for name in {*relation.key.columns, *relation.key.parent_columns}})
    return parent_rows(keys, keys, relation.key)
