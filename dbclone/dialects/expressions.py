"""Conditions, defaults and generated columns from one product's SQL to another's, where that is certain.

Only what both products understand alike is translated: comparisons of values of one class, arithmetic, NULL, IN,
BETWEEN, LIKE and a few functions.  All else is refused, since a condition that means something else is worse than none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Any, TypeAlias

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dbclone.dialects.type_mapping import SINGLE_BITS
from dbclone.schema import Column, SqlType, TypeFamily

Node: TypeAlias = Any
"""A node of sqlglot's trees; the name of their base class differs between its versions."""

_SQLGLOT = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql", "duckdb": "duckdb"}
_CASELESS = "_ci"
"""How MariaDB's names of collations end under which case makes no difference."""


class ValueClass(StrEnum):
    """What an expression yields, as far as comparisons care."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    MOMENT = "moment"
    CLOCK = "clock"
    ANY = "any"
    """NULL, and literals that take the other side's type."""


class NotCertain(Exception):
    """The expression has a part that the products may understand differently."""


_CLASSES: dict[TypeFamily, ValueClass] = {
    TypeFamily.INTEGER: ValueClass.NUMBER,
    TypeFamily.DECIMAL: ValueClass.NUMBER,
    TypeFamily.FLOAT: ValueClass.NUMBER,
    TypeFamily.TEXT: ValueClass.TEXT,
    TypeFamily.ENUM: ValueClass.TEXT,
    TypeFamily.BOOLEAN: ValueClass.BOOLEAN,
    TypeFamily.DATE: ValueClass.MOMENT,
    TypeFamily.TIMESTAMP: ValueClass.MOMENT,
    TypeFamily.TIME: ValueClass.CLOCK,
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ZEROS = re.compile(r"^0000|-00")
"""No day of the calendar, but for MariaDB."""
_NEW_UUID = re.compile(r'(?:"?\w+"?\.)?(?:gen_random_uuid|uuid_generate_v4|uuid)\(\)', re.IGNORECASE)
_NEW_UUIDS = {"postgresql": "gen_random_uuid()", "mysql": "(uuid())", "duckdb": "uuid()"}
_FORMS = {ValueClass.MOMENT: _DAY, ValueClass.CLOCK: re.compile(r"\d\d:\d\d")}
"""How a text must begin to be a value of the class."""
_NUMBER_FUNCTIONS = (exp.Abs,)
_TEXT_FUNCTIONS = (exp.Lower, exp.Upper)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul)
_UNKNOWN_DIGITS = 38
"""Digits that a decimal may have that declares none; more than DuckDB has room for in a sum or product."""
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


@dataclass(frozen=True)
class Translator:
    """Translates expressions over the columns of one table; ``names`` are the columns' names in the target."""

    columns: tuple[Column, ...]
    names: Mapping[str, str]
    source: str
    target: str

    def condition(self, sql: str) -> str | None:
        """A CHECK's condition, or None if it cannot be translated for certain."""
        return self._translated(sql, ValueClass.BOOLEAN)

    def generated(self, sql: str, column: Column) -> str | None:
        """A generated column's expression, or None."""
        return self._translated(sql, _CLASSES.get(column.type.family, ValueClass.ANY))

    def default(self, sql: str, column: Column) -> str | None:
        """A column's default, or None: constants, the present moment, and a new UUID."""
        if column.type.family is TypeFamily.UUID and _NEW_UUID.fullmatch(sql):
            return _NEW_UUIDS.get(self.target)
        try:
            tree = _bare(sqlglot.parse_one(sql, read=_SQLGLOT[self.source]))
        except (SqlglotError, NotCertain):
            return None
        if isinstance(tree, (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime)):
            return self._now(str(tree.sql(_SQLGLOT[self.target])).split("(")[0], column)
        if _says_now(tree):
            return self._now("CURRENT_TIMESTAMP", column) if column.type.family is TypeFamily.TIMESTAMP else None
        try:
            value, found = self._walk(tree, ValueClass.ANY)
            value = self._as(value, _CLASSES.get(column.type.family, ValueClass.ANY))
        except NotCertain:
            return None
        if any(value.find_all(exp.Column)) or not _assignable(value, found, column):
            return None
        return str(value.sql(_SQLGLOT[self.target]))

    def _now(self, word: str, column: Column) -> str:
        """MariaDB wants as many digits of the second as the column has, and other functions in parentheses."""
        if self.target != "mysql":
            return word
        moment = column.type.family is TypeFamily.TIMESTAMP and word == "CURRENT_TIMESTAMP"
        return f"{word}(6)" if moment else f"({word})"

    def _translated(self, sql: str, wanted: ValueClass) -> str | None:
        try:
            tree, found = self._walk(sqlglot.parse_one(sql, read=_SQLGLOT[self.source]), wanted)
        except (SqlglotError, NotCertain):
            return None
        if found is not wanted and ValueClass.ANY not in (found, wanted):
            return None
        return str(tree.sql(_SQLGLOT[self.target]))

    def _walk(self, node: Node, wanted: ValueClass) -> tuple[Node, ValueClass]:
        """The node in neutral form, and its class."""
        node = _bare(node)
        if node.args.get("symmetric"):
            raise NotCertain
        if node.args.get("negate"):  # newer versions of sqlglot keep NOT as an argument: IS NOT NULL, NOT LIKE, NOT IN
            plain = node.copy()
            plain.set("negate", None)
            return exp.Paren(this=exp.Not(this=self._condition(plain))), ValueClass.BOOLEAN
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, (exp.Literal, exp.Null, exp.Boolean)):
            return _constant(node)
        if isinstance(node, (exp.And, exp.Or)):
            return self._logical(node)
        if isinstance(node, exp.Not):
            return exp.Not(this=self._condition(node.this)), ValueClass.BOOLEAN
        if isinstance(node, exp.Paren):
            inner, found = self._walk(node.this, wanted)
            return exp.Paren(this=inner), found
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            return exp.Is(this=self._walk(node.this, ValueClass.ANY)[0], expression=exp.Null()), ValueClass.BOOLEAN
        if isinstance(node, (*_COMPARISONS, exp.Between, exp.In)):
            return self._comparison(node)
        if isinstance(node, (exp.Like, exp.ILike)):
            return self._like(node)
        return self._computed(node)

    def _logical(self, node: exp.Connector) -> tuple[Node, ValueClass]:
        left, right = self._condition(node.this), self._condition(node.expression)
        return type(node)(this=left, expression=right), ValueClass.BOOLEAN

    def _condition(self, node: Node) -> Node:
        tree, found = self._walk(node, ValueClass.BOOLEAN)
        if found is not ValueClass.BOOLEAN:
            raise NotCertain
        return tree

    def _column(self, node: exp.Column) -> tuple[Node, ValueClass]:
        for column in self.columns:
            same = column.name == node.name
            if same or (self.source != "postgresql" and column.name.lower() == node.name.lower()):
                found = _CLASSES.get(column.type.family)
                if found is None:
                    raise NotCertain
                return exp.column(exp.to_identifier(self.names[column.name], quoted=True)), found
        if self.source == "sqlite" and isinstance(node.this, exp.Identifier) and node.this.quoted:
            # SQLite takes a quoted name that no column has for a text.
            return exp.Literal.string(node.name), ValueClass.ANY
        raise NotCertain

    def _comparison(self, node: Node) -> tuple[Node, ValueClass]:
        """A comparison, once all its operands are of one class."""
        if isinstance(node, exp.Between):
            operands = [node.this, node.args["low"], node.args["high"]]
        elif isinstance(node, exp.In):
            if node.args.get("query") or not node.expressions:
                raise NotCertain
            operands = [node.this, *node.expressions]
        elif isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any):
            operands = [node.this, *_array(node.expression)]
            node = exp.In()
        else:
            operands = [node.this, node.expression]
        trees = self._alike(operands)
        if self.source != self.target:
            self._refuse_inexact(operands)
        if self._caseless(*operands):
            trees = [_lowered(tree) for tree in trees]
            if not isinstance(node, (exp.EQ, exp.NEQ, exp.In)):
                raise NotCertain  # the order of letters is the server's business
        if isinstance(node, exp.Between):
            return exp.Between(this=trees[0], low=trees[1], high=trees[2]), ValueClass.BOOLEAN
        if isinstance(node, exp.In):
            return exp.In(this=trees[0], expressions=trees[1:]), ValueClass.BOOLEAN
        return type(node)(this=trees[0], expression=trees[1]), ValueClass.BOOLEAN

    def _caseless(self, *nodes: Node) -> bool:
        """Whether the source compares texts without regard to case, which targets do not: a binary one prevails."""
        if self.source != "mysql":
            return False
        names = {column.name.lower() for node in nodes for column in node.find_all(exp.Column)}
        texts = (c for c in self.columns if c.name.lower() in names and c.type.family is TypeFamily.TEXT)
        collations = [column.collation or "" for column in texts]
        return any(c.endswith(_CASELESS) for c in collations) and not any(c.endswith("_bin") for c in collations)

    def _refuse_inexact(self, operands: list[Node]) -> None:
        """Refuse to compare what the two products compute with different digits.

        SQLite computes with floats what others compute with decimals, so that ``t = p * q`` may hold in the one only;
        floats of 32 bits are widened at different moments; DuckDB has no more than 38 digits for a product.
        """
        for computed in (part for node in operands for part in node.find_all(*_ARITHMETIC)):
            kinds = [self._number(column) for column in computed.find_all(exp.Column)]
            families = {kind.family for kind in kinds}
            if any("." in constant.this for constant in computed.find_all(exp.Literal)):
                families.add(TypeFamily.DECIMAL)
            if any(kind.family is TypeFamily.FLOAT and kind.precision == SINGLE_BITS for kind in kinds):
                raise NotCertain
            if TypeFamily.DECIMAL not in families:
                continue
            if "sqlite" in (self.source, self.target) or TypeFamily.FLOAT in families:
                raise NotCertain
            if self.target == "duckdb" and sum(kind.precision or _UNKNOWN_DIGITS for kind in kinds) > _UNKNOWN_DIGITS:
                raise NotCertain

    def _number(self, node: exp.Column) -> SqlType:
        names = {column.name.lower(): column.type for column in self.columns}
        return names.get(node.name.lower(), SqlType(TypeFamily.OPAQUE, ""))

    def _alike(self, operands: list[Node]) -> list[Node]:
        walked = [self._walk(operand, ValueClass.ANY) for operand in operands]
        fixed = {found for tree, found in walked if not isinstance(tree, (exp.Literal, exp.Null, exp.Boolean))}
        if len(fixed) != 1:
            raise NotCertain
        wanted = fixed.pop()
        return [self._as(tree, wanted) for tree, _ in walked]

    def _as(self, tree: Node, wanted: ValueClass) -> Node:
        """A constant in the form that values of the wanted class have."""
        if isinstance(tree, exp.Boolean) and wanted is ValueClass.NUMBER:
            raise NotCertain
        if not isinstance(tree, exp.Literal) or wanted is ValueClass.ANY:
            return tree
        if wanted is ValueClass.BOOLEAN:
            if tree.this.lower() not in ("0", "1", "t", "f", "true", "false"):
                raise NotCertain
            return exp.Boolean(this=tree.this.lower() in ("1", "t", "true"))
        form = _FORMS.get(wanted)
        if tree.is_string == (wanted is ValueClass.NUMBER) or (form and not form.match(tree.name)):
            raise NotCertain
        return tree

    def _like(self, node: exp.Like | exp.ILike) -> tuple[Node, ValueClass]:
        """SQLite's LIKE does not distinguish the case of ASCII letters, MariaDB's does as the column's collation does.

        The tables that are made in MariaDB do; PostgreSQL has ILIKE.
        """
        operand, found = self._walk(node.this, ValueClass.TEXT)
        pattern = _bare(node.expression)
        if found is not ValueClass.TEXT or not (isinstance(pattern, exp.Literal) and pattern.is_string):
            raise NotCertain
        if self.source != self.target and "\\" in pattern.this:
            raise NotCertain  # escapes in texts and escapes in patterns are not told apart alike
        caseless = isinstance(node, exp.ILike) or self.source == "sqlite" or self._caseless(node.this)
        cased = any(letter.isalpha() for letter in pattern.this)
        knows_both = self.target in ("postgresql", "duckdb")
        if cased and caseless != (self.target == "sqlite") and not knows_both:
            raise NotCertain
        kind = exp.ILike if knows_both and cased and caseless else exp.Like
        return kind(this=operand, expression=pattern.copy()), ValueClass.BOOLEAN

    def _computed(self, node: Node) -> tuple[Node, ValueClass]:
        if isinstance(node, _ARITHMETIC):
            left, right = self._operand(node.this), self._operand(node.expression)
            return type(node)(this=left, expression=right), ValueClass.NUMBER
        if isinstance(node, exp.Neg):
            return exp.Neg(this=self._operand(node.this)), ValueClass.NUMBER
        if isinstance(node, _NUMBER_FUNCTIONS):
            return type(node)(this=self._operand(node.this)), ValueClass.NUMBER
        if isinstance(node, exp.Concat) and self.source == "mysql":
            node = reduce(lambda left, right: exp.DPipe(this=left, expression=right, safe=True), node.expressions)
        if isinstance(node, exp.Length) and node.args.get("binary"):
            raise NotCertain  # bytes
        if isinstance(node, (exp.Length, *_TEXT_FUNCTIONS)):
            operand, found = self._walk(node.this, ValueClass.TEXT)
            if found is ValueClass.TEXT:
                kind = ValueClass.NUMBER if isinstance(node, exp.Length) else ValueClass.TEXT
                return type(node)(this=operand), kind
        if isinstance(node, exp.DPipe):
            sides = [self._walk(side, ValueClass.TEXT) for side in (node.this, node.expression)]
            if all(found in (ValueClass.TEXT, ValueClass.ANY) for _, found in sides):
                return exp.DPipe(this=sides[0][0], expression=sides[1][0], safe=True), ValueClass.TEXT
        raise NotCertain

    def _operand(self, node: Node) -> Node:
        tree, found = self._walk(node, ValueClass.NUMBER)
        if found is not ValueClass.NUMBER:
            raise NotCertain
        return tree


def _lowered(tree: Node) -> Node:
    if isinstance(tree, exp.Literal):
        return exp.Literal.string(tree.this.lower())
    return tree if isinstance(tree, exp.Null) else exp.Lower(this=tree)


def _bare(node: Node) -> Node:
    """The node without casts that PostgreSQL prints for certainty's sake, and without needless parentheses."""
    while isinstance(node, (exp.Cast, exp.Paren)):
        if isinstance(node, exp.Paren) and isinstance(node.this, (exp.Connector, exp.Binary)):
            return node
        if isinstance(node, exp.Cast) and not _harmless(node):
            raise NotCertain
        node = node.this
    return node


def _harmless(node: exp.Cast) -> bool:
    """Casts of constants, and of text to text: those of other columns may change the value."""
    inner = node.this
    while isinstance(inner, (exp.Paren, exp.Neg)):
        inner = inner.this
    if isinstance(inner, (exp.Literal, exp.Boolean, exp.Null, exp.Array)):
        return True
    return node.is_type(*exp.DataType.TEXT_TYPES) or node.is_type("numeric", "bigint", "double precision")


def _array(node: exp.Any) -> list[Node]:
    array = node.this
    while isinstance(array, (exp.Cast, exp.Paren)):
        array = array.this
    if not isinstance(array, exp.Array) or not array.expressions:
        raise NotCertain
    return list(array.expressions)


def _constant(node: Node) -> tuple[Node, ValueClass]:
    if isinstance(node, exp.Literal):
        return node.copy(), ValueClass.ANY if node.is_string else ValueClass.NUMBER
    return node.copy(), ValueClass.BOOLEAN if isinstance(node, exp.Boolean) else ValueClass.ANY


def _says_now(tree: Node) -> bool:
    """SQLite's ``datetime('now')`` and the like."""
    if tree.sql("postgres").lower() in ("now()", "current_timestamp"):
        return True
    text = tree.sql("sqlite").lower().replace(" ", "")
    return text in ("datetime('now')", "timestamp('now')", "current_timestamp()", "datetime()")


def _assignable(value: Node, found: ValueClass, column: Column) -> bool:
    """True if the constant is certainly a value of the column's type."""
    family = column.type.family
    if isinstance(value, exp.Null):
        return True
    if isinstance(value, exp.Boolean):
        return family is TypeFamily.BOOLEAN
    if found is ValueClass.NUMBER:
        whole = value.sql().lstrip("-").isdigit()
        return family in (TypeFamily.DECIMAL, TypeFamily.FLOAT) or (family is TypeFamily.INTEGER and whole)
    if family in (TypeFamily.DATE, TypeFamily.TIMESTAMP):
        return bool(_DAY.match(value.name)) and not _ZEROS.search(value.name[:10])
    if family is TypeFamily.JSON:
        return _is_json(value.name)
    return family in (TypeFamily.TEXT, TypeFamily.ENUM)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
