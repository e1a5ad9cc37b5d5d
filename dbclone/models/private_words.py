"""Where the words of a source's personal data are found: in the columns that the plan makes up."""

from __future__ import annotations

import pyarrow as pa

from dbclone.abc import Read
from dbclone.plan import ColumnRole, Plan
from dbclone.privacy.private_words import NAMING, words_of


def private_words(plan: Plan, read: Read) -> frozenset[str]:
    """The words of all columns of names, addresses and the like."""
    columns = [
        read(table.table).column(column.column)
        for table in plan.tables
        for column in table.columns
        if column.role is ColumnRole.VALUE and column.kind.removeprefix("pii:") in NAMING
    ]
    return words_of(c for c in columns if pa.types.is_string(c.type))
