"""A condition as frozen values: columns, constants and calls, each with the kind of value that it yields."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a node yields, as far as comparisons and arithmetic care."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    """Exact, of any scale."""
    FLOAT = "float"
    APPROXIMATE = "approximate"
    """Decimals of which only some 12 digits are known here (quotients): compared with a tolerance."""
    TEXT = "text"
    DATE = "date"
    """Microseconds since 1970, at midnight."""
    MOMENT = "moment"
    """Microseconds since 1970."""
    CLOCK = "clock"
    """Microseconds since midnight."""
    SPAN = "span"
    """A duration in microseconds."""
    MONTHS = "months"
    """A duration in whole months; only as a constant that is added to a date or moment."""
    OPAQUE = "opaque"
    """Of which only NULL or not is understood."""
    NULL = "null"


NUMBERS = (Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.APPROXIMATE)
"""Each may become any that follows it."""
TIMES = (Kind.DATE, Kind.MOMENT)


@dataclass(frozen=True)
class ColumnValue:
    name: str
    kind: Kind
    form: str = ""
    """What ``SqlType.storage`` says: how SQLite writes a temporal value or a boolean."""


@dataclass(frozen=True)
class Constant:
    value: bool | int | float | str | None
    kind: Kind
    scale: int = 0
    """Digits after the point of a DECIMAL, whose value is the integer without the point."""


@dataclass(frozen=True)
class Call:
    """An operator or function of ``operators.OPERATORS`` applied to its arguments."""

    operator: str
    arguments: tuple[Node, ...]
    kind: Kind


Node = ColumnValue | Constant | Call

NOTHING = Constant(None, Kind.NULL)
UNKNOWN = Call("unknown", (), Kind.BOOLEAN)
"""A part that is not understood.  It stands under AND, OR and NOT only, where NULL is sound: what is FALSE with NULL in
its place is FALSE with any value there."""


@dataclass(frozen=True)
class Condition:
    """A CHECK: rows for which ``tree`` is FALSE violate it."""

    tree: Node
    columns: tuple[str, ...]
    """The columns that the tree refers to, in the table's order."""
    complete: bool
    """False where a part is UNKNOWN: rows may then violate the CHECK unseen."""


def parts(node: Node) -> tuple[Node, ...]:
    """The node and all below it."""
    below = node.arguments if isinstance(node, Call) else ()
    return (node, *(part for argument in below for part in parts(argument)))
