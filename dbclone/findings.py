"""Two nouns of every report: a Finding is something a reader must know, a Figure is a measurement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dbclone.schema import TableName


class Severity(StrEnum):
    NOTE = "note"
    WARNING = "warning"
    VIOLATION = "violation"


@dataclass(frozen=True)
class Finding:
    """One fact about one table or column.  ``count`` is the number of rows concerned, 0 where rows do not matter."""

    severity: Severity
    code: str
    """A short stable word: 'orphans', 'duplicate-key', 'null', 'check', 'type-fallback', 'not-copied'…"""
    table: TableName | None
    columns: tuple[str, ...]
    message: str
    """One sentence: what, where, what to do.  Never a data value."""
    count: int = 0
    subject: str = ""
    """The ledger's line that it is about ('check positive on app.t'), where that is no table or column."""


UNPROTECTED = Finding(
    Severity.WARNING,
    "unprotected",
    None,
    (),
    "UNPROTECTED: rare values of the source stand in the model and in its clones. For measuring only: fit again without"
    " --unprotected before anything is handed on.",
)


@dataclass(frozen=True)
class Content:
    """What a model holds of one column, and what it does not hold because fewer than k entities do."""

    table: TableName
    column: str
    holds: str
    rare_values: int = 0
    """Distinct values of the source that are not in the model."""
    rare_rows: int = 0
    """Rows that held them."""
    beyond: int = 0
    """Rows beyond the extremes that are kept."""


@dataclass(frozen=True)
class Rules:
    """What a model holds of how the columns of a table go together, in numbers."""

    table: TableName
    trees: int
    """Decision trees by which columns and numbers of children are drawn."""
    leaves: int
    smallest: int
    """Rows of the source in the smallest node of them; 0 where there is none but roots."""
    computed: int
    """Columns that are computed or repeated, not drawn."""


@dataclass(frozen=True)
class Figure:
    name: str
    table: TableName | None
    value: float
    floor: float | None = None
    """The same measurement between two halves of the real data: the best that can be had."""
