"""What stands in comparisons: arithmetic, casts, CASE and functions."""

from __future__ import annotations

from sqlglot import exp

from dbclone.conditions.coercion import (
    NotUnderstood,
    form_of,
    is_text_constant,
    surely_real,
    text_constant,
    widest,
)
from dbclone.conditions.functions import common_kind, read_function, same_kind, sliced
from dbclone.conditions.literals import coerced
from dbclone.conditions.parser import Parser, Readers, Sql
from dbclone.conditions.time_operators import FIELDS
from dbclone.conditions.tree import NUMBERS, TIMES, Call, Constant, Kind, Node

_ARITHMETIC = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Mod": "mod"}
_FLOAT_TYPES, _TEXT_TYPES = ("DOUBLE", "FLOAT"), ("TEXT", "VARCHAR", "CHAR", "NAME", "NVARCHAR")
_INTEGER_TYPES = ("INT", "BIGINT", "SMALLINT")
_MOMENT_TYPES = ("TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPNTZ", "TIMESTAMPLTZ", "DATETIME")


def _read_arithmetic(parser: Parser, sql: Sql) -> Node:
    return _arithmetic(parser, _ARITHMETIC[type(sql).__name__], parser.read(sql.this), parser.read(sql.expression))


def _read_opposite(parser: Parser, sql: Sql) -> Node:
    return _opposite(parser.coercion.number(parser.read(sql.this)))


def _read_concatenation(parser: Parser, sql: Sql) -> Node:
    sides = (parser.coercion.text(parser.read(sql.this)), parser.coercion.text(parser.read(sql.expression)))
    return Call("concatenation", sides, Kind.TEXT)


def _read_interval(parser: Parser, sql: Sql) -> Node:
    unit = sql.args.get("unit")
    text = f"{sql.this.name} {unit.name}" if unit is not None else sql.this.name
    return _converted(Constant(text, Kind.TEXT), Kind.SPAN)


def _read_field(parser: Parser, sql: Sql) -> Node:
    name = sql.this.this if isinstance(sql.this, exp.Cast) else sql.this
    return _field(parser.read(sql.expression), name.name)


def _converted(constant: Constant, kind: Kind) -> Constant:
    found = coerced(constant, kind, floating=kind is Kind.FLOAT)
    if found is None:
        raise NotUnderstood
    return found


def _opposite(node: Node) -> Node:
    if isinstance(node, Constant) and node.value is not None and not isinstance(node.value, str):
        return Constant(-node.value, node.kind, node.scale)
    return Call("neg", (node,), node.kind)


def _arithmetic(parser: Parser, name: str, left: Node, right: Node) -> Node:
    if {left.kind, right.kind} & {*TIMES, Kind.CLOCK, Kind.SPAN, Kind.MONTHS} and not parser.sqlite:
        if parser.mysql:
            raise NotUnderstood  # it makes numbers of them, digit by digit
        return _with_times(name, left, right)
    left, right = parser.coercion.number(left), parser.coercion.number(right)
    kind = widest((left, right))
    if name == "div" and parser.mysql and kind is not Kind.NULL:
        left, right = (Call("float", (side,), Kind.FLOAT) for side in (left, right))
        kind = Kind.FLOAT
    if kind is Kind.NULL:
        raise NotUnderstood
    if name in ("div", "mod"):
        parser.divisors.append(right)
    if name == "mod" and kind in (Kind.FLOAT, Kind.APPROXIMATE):
        raise NotUnderstood
    if name == "div" and kind is Kind.FLOAT and parser.sqlite and not (surely_real(left) or surely_real(right)):
        raise NotUnderstood  # whole numbers in a NUMERIC column are integers, and divided as such
    if name == "div" and kind is Kind.DECIMAL:
        kind = Kind.APPROXIMATE
    return Call(name, (left, right), kind)


def _with_times(name: str, left: Node, right: Node) -> Node:
    """Sums and differences of dates, moments and durations in PostgreSQL."""
    if name == "add" and left.kind not in TIMES:
        left, right = right, left
    if name == "sub" and left.kind in (*TIMES, Kind.CLOCK) and right.kind in (*TIMES, Kind.CLOCK):
        if left.kind is right.kind is Kind.DATE:
            return Call("days between", (left, right), Kind.INTEGER)
        return Call("sub", (left, right), Kind.SPAN)
    if name not in ("add", "sub"):
        raise NotUnderstood
    if left.kind is Kind.DATE and right.kind is Kind.INTEGER:
        return Call("plus days", (left, right if name == "add" else _opposite(right)), Kind.DATE)
    if left.kind in TIMES and right.kind is Kind.SPAN:
        return Call(name, (left, right), Kind.MOMENT)
    if left.kind in TIMES and right.kind is Kind.MONTHS:
        return Call("plus months", (left, right if name == "add" else _opposite(right)), Kind.MOMENT)
    if left.kind is right.kind is Kind.SPAN:
        return Call(name, (left, right), Kind.SPAN)
    raise NotUnderstood


def _read_case(parser: Parser, sql: Sql) -> Node:
    branches = [sql] if isinstance(sql, exp.If) else sql.args["ifs"]
    default = sql.args.get("false" if isinstance(sql, exp.If) else "default")
    subject = None if isinstance(sql, exp.If) else sql.this
    conditions = [
        parser.truth(branch.this) if subject is None else parser.compare("eq", subject, branch.this)
        for branch in branches
    ]
    results = [parser.read(branch.args["true"]) for branch in branches]
    results.append(Constant(None, Kind.NULL) if default is None else parser.read(default))
    results = same_kind(parser, results)
    flat = [node for pair in zip(conditions, results, strict=False) for node in pair]
    return Call("case", (*flat, results[-1]), common_kind(results))


def _read_cast(parser: Parser, sql: Sql) -> Node:
    name, node = sql.args["to"].this, parser.read(sql.this)
    name = getattr(name, "name", str(name))
    if name in _TEXT_TYPES:
        return _cast_to_text(parser, node, sql)
    if name == "BPCHAR" and not parser.sqlite:
        return _without_padding(_cast_to_text(parser, node, sql))
    if name in _INTEGER_TYPES and not parser.mysql:
        return _cast_to_integer(parser, node)
    if name == "FLOAT" and node.kind in NUMBERS and not parser.sqlite:
        return Call("single", (node,), Kind.FLOAT)  # PostgreSQL's real
    if name in _FLOAT_TYPES and node.kind in NUMBERS:
        return node if node.kind is Kind.FLOAT and not form_of(node) else Call("float", (node,), Kind.FLOAT)
    if parser.sqlite or parser.mysql:
        raise NotUnderstood
    if isinstance(node, Constant) and node.value is None:
        return node
    return _cast_in_postgresql(name, node, sql.args["to"])


def _cast_to_text(parser: Parser, node: Node, sql: Sql) -> Node:
    if sql.args["to"].expressions and not is_text_constant(node):
        raise NotUnderstood  # it may cut the text
    return parser.coercion.text(node)


def _without_padding(node: Node) -> Node:
    """A text as CHAR(n) is compared: spaces at its end do not count."""
    if isinstance(node, Constant) and isinstance(node.value, str):
        return text_constant(node.value.rstrip(" "))
    if isinstance(node, Call) and node.operator == "trim right" and node.arguments[1] == text_constant(" "):
        return node
    return Call("trim right", (node, text_constant(" ")), Kind.TEXT)


def _cast_to_integer(parser: Parser, node: Node) -> Node:
    if is_text_constant(node) and isinstance(node, Constant):
        return _converted(node, Kind.INTEGER)
    if node.kind is Kind.INTEGER:
        return node
    if node.kind is Kind.BOOLEAN and not form_of(node):
        return Call("integer", (node,), Kind.INTEGER)
    if node.kind is Kind.TEXT and parser.sqlite:
        return Call("leading integer", (node,), Kind.INTEGER)
    if node.kind not in NUMBERS or node.kind is Kind.APPROXIMATE:
        raise NotUnderstood
    if parser.sqlite:
        whole: Node = Call("trunc", (node,), node.kind)
    elif node.kind is Kind.FLOAT:
        whole = Call("even", (node,), node.kind)
    else:
        whole = Call("round", (node, Constant(0, Kind.INTEGER)), node.kind)
    return Call("integer", (whole,), Kind.INTEGER)


def _cast_in_postgresql(name: str, node: Node, to: Sql) -> Node:
    if name == "DECIMAL" and (node.kind in NUMBERS or is_text_constant(node)):
        return _cast_to_decimal(node, [int(p.name) for p in to.expressions])
    if name == "BOOLEAN" and node.kind is Kind.INTEGER:
        return Call("truth", (node,), Kind.BOOLEAN)
    if name == "BOOLEAN" and node.kind is Kind.BOOLEAN:
        return node
    wanted = Kind.MOMENT if name in _MOMENT_TYPES else _CAST_KINDS.get(name)
    if wanted is not None and is_text_constant(node) and isinstance(node, Constant):
        return _converted(node, wanted)
    if name == "DATE" and node.kind in TIMES:
        return node if node.kind is Kind.DATE else Call("begin day", (node,), Kind.DATE)
    if wanted is Kind.MOMENT and node.kind in TIMES:
        return node if node.kind is Kind.MOMENT else Call("begin day", (node,), Kind.MOMENT)
    if name == "TIME" and node.kind is Kind.MOMENT:
        return Call("time of day", (node,), Kind.CLOCK)
    if name in ("USERDEFINED", "UUID") and node.kind is Kind.TEXT:
        return node  # an enum's label, a domain's value
    raise NotUnderstood


_CAST_KINDS = {"DATE": Kind.DATE, "TIME": Kind.CLOCK, "INTERVAL": Kind.SPAN, "BOOLEAN": Kind.BOOLEAN}


def _cast_to_decimal(node: Node, limits: list[int]) -> Node:
    if is_text_constant(node) and isinstance(node, Constant):
        node = _converted(node, Kind.DECIMAL)
    exact = node if node.kind is not Kind.FLOAT else Call("approximate", (node,), Kind.APPROXIMATE)
    kind = Kind.APPROXIMATE if exact.kind is Kind.APPROXIMATE else Kind.DECIMAL
    if limits:
        return Call("round", (exact, Constant(limits[1] if len(limits) > 1 else 0, Kind.INTEGER)), kind)
    return exact if kind is exact.kind else Call("add", (exact, Constant(0, Kind.DECIMAL)), kind)


def _field(node: Node, name: str) -> Node:
    name = name.lower()
    if name not in FIELDS or node.kind not in (*TIMES, Kind.CLOCK):
        raise NotUnderstood
    if node.kind is Kind.CLOCK and name not in ("hour", "minute", "second", "epoch"):
        raise NotUnderstood
    return Call(f"field {name}", (node,), Kind.DECIMAL)


def _begin(node: Node, unit: str) -> Node:
    if unit.lower() not in ("year", "month", "week", "day", "hour", "minute", "second") or node.kind not in TIMES:
        raise NotUnderstood
    return Call(f"begin {unit.lower()}", (node,), Kind.MOMENT)


_PLACES = {"Y": (0, 4), "m": (5, 7), "d": (8, 10), "H": (11, 13), "M": (14, 16), "S": (17, 19)}


def _read_strftime(parser: Parser, sql: Sql) -> Node:
    """SQLite's strftime of a date, put together from pieces of its text."""
    inner = sql.this
    while type(inner).__name__.startswith("TsOrDs"):
        inner = inner.this
    node, form = parser.read(inner), sql.args["format"].name
    if not parser.sqlite or node.kind not in TIMES:
        raise NotUnderstood
    whole = Call("printed", (node, text_constant("0000-00-00 00:00:00")), Kind.TEXT)
    pieces: list[Node] = []
    at = 0
    while at < len(form):
        place = _PLACES.get(form[at + 1 : at + 2]) if form[at] == "%" else None
        if form[at] == "%" and place is None:
            raise NotUnderstood
        pieces.append(sliced(whole, *place) if place else text_constant(form[at]))
        at += 2 if place else 1
    return Call("concatenation", tuple(pieces), Kind.TEXT)


SCALAR_READERS: Readers = {
    **dict.fromkeys(_ARITHMETIC, _read_arithmetic), "Neg": _read_opposite, "DPipe": _read_concatenation,
    **dict.fromkeys(("Cast", "TryCast"), _read_cast), **dict.fromkeys(("Case", "If"), _read_case),
    "Interval": _read_interval, "Extract": _read_field, "TimeToStr": _read_strftime,
    "TimestampTrunc": lambda parser, sql: _begin(parser.read(sql.this), sql.args["unit"].name),
    "Func": read_function,
}  # fmt: skip
