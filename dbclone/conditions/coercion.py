"""What a product does before it compares or computes: constants and columns brought to one kind.

PostgreSQL gives an untyped constant the type of the other side.  SQLite has no dates and no booleans: such columns are
the texts and numbers that it stores, and columns (not constants) have an affinity that converts the other side.
MariaDB does as PostgreSQL, but its truth values are numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dbclone.conditions import literals
from dbclone.conditions.tree import NUMBERS, TIMES, Call, ColumnValue, Constant, Kind, Node, parts


class NotUnderstood(Exception):
    """A part of the expression whose meaning is not certain."""


TEXT_AFFINITY = "text"
"""``ColumnValue.form`` of a text column in SQLite whose declared type says so."""
NUMERIC_AFFINITY = "numeric"
"""``ColumnValue.form`` of a number column in SQLite that stores whole numbers as integers."""
_TEMPORAL = (*TIMES, Kind.CLOCK)
_FORMS = {Kind.DATE: "0000-00-00", Kind.MOMENT: "0000-00-00 00:00:00", Kind.CLOCK: "00:00:00"}


def text_constant(value: str) -> Constant:
    """A text."""
    return Constant(value, Kind.TEXT)


def is_text_constant(node: Node) -> bool:
    """Whether it is a literal that may become a value of another kind."""
    return isinstance(node, Constant) and node.kind is Kind.TEXT


def widest(nodes: Sequence[Node]) -> Kind:
    """The kind of numbers that all of the nodes can become."""
    kinds = [node.kind for node in nodes if node.kind is not Kind.NULL]
    if not all(kind in NUMBERS for kind in kinds):
        raise NotUnderstood
    return max(kinds, key=NUMBERS.index, default=Kind.NULL)


@dataclass(frozen=True)
class Coercion:
    """The rules of one product."""

    sqlite: bool
    mysql: bool = False

    def truth(self, node: Node) -> Node:
        """The node as a condition."""
        if node.kind in (Kind.BOOLEAN, Kind.NULL) and not form_of(node):
            return node
        if (self.sqlite or self.mysql) and node.kind in NUMBERS:
            return Call("truth", (node,), Kind.BOOLEAN)
        if not self.sqlite and is_text_constant(node):
            return self._constant(node, Kind.BOOLEAN)
        raise NotUnderstood

    def number(self, node: Node) -> Node:
        """The node as an operand of arithmetic."""
        if (self.sqlite or self.mysql) and node.kind is Kind.BOOLEAN and not form_of(node):
            return Call("integer", (node,), Kind.INTEGER)
        if not self.sqlite and is_text_constant(node):
            return self._constant(node, Kind.INTEGER)
        if node.kind in NUMBERS or node.kind is Kind.NULL:
            return node
        raise NotUnderstood

    def text(self, node: Node) -> Node:
        """The node as a text."""
        if node.kind in (Kind.TEXT, Kind.NULL):
            return node
        if node.kind is Kind.INTEGER:
            return Call("print", (node,), Kind.TEXT)
        if self.sqlite and node.kind in (*_TEMPORAL, Kind.BOOLEAN):
            stored = self._stored(node)
            return stored if stored.kind is Kind.TEXT else Call("print", (stored,), Kind.TEXT)
        raise NotUnderstood

    def alike(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes in a form in which they can be compared."""
        if any(node.kind is Kind.OPAQUE for node in nodes):
            raise NotUnderstood
        if self.sqlite:
            return self._alike_in_sqlite(nodes)
        if self.mysql:
            nodes = [self.number(node) if node.kind is Kind.BOOLEAN else node for node in nodes]
        kinds = {Kind(node.kind) for node in nodes if not is_text_constant(node)} - {Kind.NULL}
        wanted = self._common(kinds)
        return [self._constant(node, wanted) if is_text_constant(node) else _spanned(node, kinds) for node in nodes]

    def _common(self, kinds: set[Kind]) -> Kind:
        if not kinds:
            return Kind.TEXT
        if kinds <= set(NUMBERS):
            return max(kinds, key=NUMBERS.index)
        if kinds <= set(TIMES):
            return Kind.MOMENT if Kind.MOMENT in kinds else Kind.DATE
        if kinds <= {Kind.SPAN, Kind.MONTHS}:
            return Kind.SPAN
        if len(kinds) > 1:
            raise NotUnderstood
        return kinds.pop()

    def _constant(self, node: Node, kind: Kind) -> Constant:
        assert isinstance(node, Constant)
        found = literals.coerced(node, kind, self.sqlite or kind is Kind.FLOAT)
        if found is None:
            raise NotUnderstood
        return found

    def _alike_in_sqlite(self, nodes: Sequence[Node]) -> list[Node]:
        times = {(n.kind, n.form) for n in nodes if isinstance(n, ColumnValue) and n.kind in _TEMPORAL}
        others = [n for n in nodes if not (isinstance(n, ColumnValue) and n.kind in _TEMPORAL)]
        if len(times) == 1:
            kind, form = next(iter(times))
            if all(_shaped(node, kind, form) for node in others):
                return [_shaped(node, kind, form) or node for node in nodes]
        if any(_converts(node) for node in nodes) and any(map(_is_numeric_text, nodes)):
            raise NotUnderstood
        stored = [self._stored(node) for node in nodes]
        kinds = {n.kind for n in stored if n.kind is not Kind.NULL}
        if kinds <= set(NUMBERS) or kinds <= {Kind.TEXT}:
            return stored
        if len(stored) > 2 or not all(k in NUMBERS or k is Kind.TEXT for k in kinds):
            raise NotUnderstood
        return [self._with_affinity(stored[0], stored[1]), self._with_affinity(stored[1], stored[0])]

    def _stored(self, node: Node) -> Node:
        """A truth value or a date as SQLite has it."""
        if node.kind in _TEMPORAL:
            form = form_of(node) or _FORMS[node.kind]
            return Call("printed", (node, text_constant(form)), Kind.TEXT)
        if node.kind is Kind.BOOLEAN and form_of(node):
            false, true = (text_constant(word) for word in form_of(node).split("/"))
            missing = (Call("is null", (node,), Kind.BOOLEAN), Constant(None, Kind.TEXT))
            return Call("case", (*missing, node, true, false), Kind.TEXT)
        return self.number(node) if node.kind is Kind.BOOLEAN else node

    def _with_affinity(self, node: Node, other: Node) -> Node:
        """A constant as the column that it is compared with converts it; there is nothing else to convert."""
        if isinstance(node, Constant) and not isinstance(other, Constant):
            if node.kind is Kind.TEXT and other.kind in NUMBERS and columnlike(other):
                return self._constant(node, other.kind)
            if node.kind is Kind.INTEGER and form_of(other) == TEXT_AFFINITY:
                return text_constant(str(node.value))
            raise NotUnderstood
        if isinstance(other, Constant):
            return node
        raise NotUnderstood


def columnlike(node: Node) -> bool:
    """Whether it is a column, at most cast to a number: only those have an affinity."""
    return isinstance(node, ColumnValue) or (
        isinstance(node, Call) and node.operator == "integer" and isinstance(node.arguments[0], ColumnValue)
    )


def form_of(node: Node) -> str:
    """How the value is stored, if it is a column's."""
    return node.form if isinstance(node, ColumnValue) else ""


def surely_real(node: Node) -> bool:
    """Whether SQLite computes the value with floats, and never as an integer that happens to be whole."""
    if isinstance(node, Call) and node.operator in ("float", "round", "julian day"):
        return True
    if isinstance(node, Call) and node.operator in ("add", "sub", "mul", "div", "neg", "abs"):
        return any(surely_real(argument) for argument in node.arguments)
    return node.kind is Kind.FLOAT and not isinstance(node, Call) and form_of(node) != NUMERIC_AFFINITY


def _shaped(node: Node, kind: Kind, form: str) -> Node | None:
    """A text constant as the moment that a column of the form would hold, if it is written as the column's are."""
    if isinstance(node, Constant) and node.kind is Kind.NULL:
        return node
    if not is_text_constant(node) or not isinstance(node, Constant):
        return None
    text = str(node.value)
    shape = "".join("0" if sign.isdigit() else sign for sign in text)
    return literals.coerced(node, kind, floating=True) if shape == (form or _FORMS[kind]) else None


def _converts(node: Node) -> bool:
    """Whether SQLite would convert a text that looks like a number before it compares it with this column."""
    textual = node.kind in (*_TEMPORAL, Kind.BOOLEAN, Kind.TEXT) and form_of(node) != TEXT_AFFINITY
    return isinstance(node, ColumnValue) and textual


def _is_numeric_text(node: Node) -> bool:
    return isinstance(node, Constant) and isinstance(node.value, str) and literals.number(node.value, True) is not None


def _spanned(node: Node, kinds: set[Kind]) -> Node:
    """Months as a duration, among durations."""
    if node.kind is Kind.MONTHS and isinstance(node, Constant) and Kind.SPAN in kinds:
        return Constant(int(node.value or 0) * literals.MONTH, Kind.SPAN)
    return node


def has_columns(node: Node) -> bool:
    """Whether the value depends on the row."""
    return any(isinstance(part, ColumnValue) for part in parts(node))
