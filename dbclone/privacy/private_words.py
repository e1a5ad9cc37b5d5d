"""The words of a source's personal data: they stand in no model, not even as words that many share in a text.

A name that five persons mention in their remarks is still a name, and in a model file nobody can tell it from a real
person's.  Such words come back as made-up ones, as rare words do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa

from dbclone.abc import Read
from dbclone.plan import ColumnRole, Plan

NAMING = frozenset(
    {"first_name", "last_name", "full_name", "company", "street", "city", "email", "username", "url_user"}
)
"""Kinds of personal data that are made of words."""
_WORD = re.compile(r"[^\W\d_]{3,}")


def private_words(plan: Plan, read: Read, k: int) -> frozenset[str]:
    """The words of all columns of names, addresses and the like; none where nothing is protected (k ≤ 1)."""
    if k <= 1:
        return frozenset()
    columns = [
        read(table.table).column(column.column)
        for table in plan.tables
        for column in table.columns
        if column.role is ColumnRole.VALUE and column.kind.removeprefix("pii:") in NAMING
    ]
    return words_of(c for c in columns if pa.types.is_string(c.type))


def words_of(columns: Iterable[pa.ChunkedArray]) -> frozenset[str]:
    """The words of three letters and more in columns of texts, as they are written there."""
    found: set[str] = set()
    for values in columns:
        for text in values.unique().to_pylist():
            found.update(_WORD.findall(text or ""))
    return frozenset(found)


def tells(text: str, private: frozenset[str]) -> bool:
    """Whether one of the private words stands in a text."""
    return bool(private) and not private.isdisjoint(_WORD.findall(text))
