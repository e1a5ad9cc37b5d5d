"""Readers of logic and comparisons."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from dbclone.conditions import patterns
from dbclone.conditions.coercion import NotUnderstood, is_text_constant, text_constant
from dbclone.conditions.literals import number
from dbclone.conditions.parser import Parser, Readers, Sql, bare
from dbclone.conditions.tree import Call, Constant, Kind, Node

_COMPARISONS = {"EQ": "eq", "NEQ": "ne", "LT": "lt", "LTE": "le", "GT": "gt", "GTE": "ge"}


def negated(sql: Sql, tree: Node) -> Node:
    """The tree, or its opposite where the SQL says NOT (as an argument, in newer versions of sqlglot)."""
    return Call("not", (tree,), Kind.BOOLEAN) if sql.args.get("negate") else tree


def _read_literal(parser: Parser, sql: Sql) -> Node:
    if sql.is_string:
        return text_constant(sql.this)
    found = number(sql.this, parser.sqlite)
    if found is None:
        raise NotUnderstood
    return found


def _read_comparison(parser: Parser, sql: Sql) -> Node:
    name = _COMPARISONS[type(sql).__name__]
    items = array_items(sql.expression)
    if items is None:
        return parser.compare(name, sql.this, sql.expression)
    return _quantified([parser.compare(name, sql.this, item) for item in items[1]], items[0])


def _quantified(nodes: Sequence[Node], joined: str) -> Node:
    if not nodes:
        return Constant(joined == "and", Kind.BOOLEAN)
    return nodes[0] if len(nodes) == 1 else Call(joined, tuple(nodes), Kind.BOOLEAN)


def array_items(sql: Sql) -> tuple[str, list[Sql]] | None:
    """The members of ANY (ARRAY[...]) or ALL (ARRAY[...]), and how their comparisons are joined."""
    sql = bare(sql)
    every = isinstance(sql, exp.All) or (isinstance(sql, exp.Anonymous) and str(sql.this).upper() == "ALL")
    if not every and not isinstance(sql, exp.Any):
        return None
    array = bare(sql.expressions[0] if isinstance(sql, exp.Anonymous) else sql.this)
    while isinstance(array, exp.Cast):
        array = bare(array.this)
    plain = isinstance(array, exp.Literal) and array.is_string and not set(array.this) & set('"\\')
    if plain and array.this[:1] == "{":
        members = [exp.Literal.string(text) for text in array.this[1:-1].split(",") if text]
        return ("and" if every else "or"), members
    if not isinstance(array, exp.Array):
        raise NotUnderstood
    return ("and" if every else "or"), list(array.expressions)


def _read_in(parser: Parser, sql: Sql) -> Node:
    if sql.args.get("query") or sql.args.get("unnest") or isinstance(bare(sql.this), exp.Tuple):
        raise NotUnderstood
    return negated(sql, _quantified([parser.compare("eq", sql.this, item) for item in sql.expressions], "or"))


def _read_between(parser: Parser, sql: Sql) -> Node:
    if sql.args.get("symmetric"):
        raise NotUnderstood
    low = parser.compare("ge", sql.this, sql.args["low"])
    high = parser.compare("le", sql.this, sql.args["high"])
    return negated(sql, Call("and", (low, high), Kind.BOOLEAN))


def _read_logical(parser: Parser, sql: Sql) -> Node:
    name = "and" if isinstance(sql, exp.And) else "or"
    return Call(name, (parser.truth(sql.this), parser.truth(sql.expression)), Kind.BOOLEAN)


def _read_distinct(parser: Parser, sql: Sql) -> Node:
    compared = parser.compare("ne", sql.this, sql.expression)
    assert isinstance(compared, Call)
    differ = Call("distinct", compared.arguments, Kind.BOOLEAN)
    return differ if isinstance(sql, exp.NullSafeNEQ) else Call("not", (differ,), Kind.BOOLEAN)


def _read_is(parser: Parser, sql: Sql) -> Node:
    other = bare(sql.expression)
    if isinstance(other, exp.Null):
        return negated(sql, Call("is null", (parser.read(sql.this),), Kind.BOOLEAN))
    if isinstance(other, exp.Boolean):
        name = "is true" if other.this else "is false"
        return negated(sql, Call(name, (parser.truth(sql.this),), Kind.BOOLEAN))
    raise NotUnderstood


def _read_like(parser: Parser, sql: Sql) -> Node:
    escape = None if parser.sqlite else "\\"
    if isinstance(sql, exp.Escape):
        escape, sql = str(sql.expression.this), sql.this
    items = array_items(sql.expression)
    wanted = [sql.expression] if items is None else items[1]
    found = [_like(parser, sql, pattern, escape) for pattern in wanted]
    return negated(sql, _quantified(found, items[0] if items else "or"))


def _like(parser: Parser, sql: Sql, wanted: Sql, escape: str | None) -> Node:
    text = parser.read(wanted)
    if not is_text_constant(text) or not isinstance(text, Constant):
        raise NotUnderstood
    pattern = str(text.value)
    folded = isinstance(sql, (exp.ILike, exp.RegexpILike)) or parser.caseless(sql.this)
    if isinstance(sql, exp.Glob):
        found = patterns.glob(pattern)
    elif isinstance(sql, exp.SimilarTo):
        found = patterns.similar(pattern)
    elif isinstance(sql, (exp.RegexpLike, exp.RegexpILike)):
        found = None if parser.sqlite else patterns.regular(pattern, folded)
    else:
        found = patterns.like(pattern, escape, folded or parser.sqlite)
    if found is None:
        raise NotUnderstood
    return Call("matches", (_padded(parser, sql.this), text_constant(found)), Kind.BOOLEAN)


def _padded(parser: Parser, sql: Sql) -> Node:
    """A text as patterns see it: only for them, and if it is not cast, CHAR(n) has its trailing spaces."""
    node, column = parser.coercion.text(parser.read(sql)), parser.column(sql)
    if column is not None and isinstance(node, Call) and node.operator == "trim right" and column.type.length:
        return Call("pad", (node, Constant(column.type.length, Kind.INTEGER)), Kind.TEXT)
    return node


CONDITION_READERS: Readers = {
    "Literal": _read_literal,
    "Null": lambda parser, sql: Constant(None, Kind.NULL),
    "Boolean": lambda parser, sql: Constant(bool(sql.this), Kind.BOOLEAN),
    "Collate": lambda parser, sql: parser.read(sql.this),
    **dict.fromkeys(_COMPARISONS, _read_comparison),
    "In": _read_in, "Between": _read_between, "And": _read_logical, "Or": _read_logical,
    "Not": lambda parser, sql: Call("not", (parser.truth(sql.this),), Kind.BOOLEAN),
    "NullSafeEQ": _read_distinct, "NullSafeNEQ": _read_distinct, "Is": _read_is,
    **dict.fromkeys(("Like", "ILike", "Glob", "SimilarTo", "RegexpLike", "RegexpILike", "Escape"), _read_like),
}  # fmt: skip
