"""The functions that conditions use, by name (SQL's own, and sqlglot's where it has another)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from dbclone.conditions.coercion import NUMERIC_AFFINITY, NotUnderstood, form_of, text_constant, widest
from dbclone.conditions.parser import Parser, Sql, bare
from dbclone.conditions.tree import NUMBERS, TIMES, Call, ColumnValue, Constant, Kind, Node
from dbclone.schema import TypeFamily

Nodes = list[Node]
Function = Callable[[Parser, Nodes], Node]


def same_kind(parser: Parser, nodes: Sequence[Node]) -> list[Node]:
    """The nodes as alternatives of one expression."""
    known = {node.kind for node in nodes} - {Kind.NULL}
    if known == {Kind.BOOLEAN} and not any(map(form_of, nodes)):
        return list(nodes)
    return parser.coercion.alike(nodes)


def common_kind(nodes: Sequence[Node]) -> Kind:
    """The kind of an expression that is one of the nodes."""
    kinds = {node.kind for node in nodes} - {Kind.NULL}
    if kinds <= set(NUMBERS):
        return widest(nodes)
    return Kind.MOMENT if Kind.MOMENT in kinds else kinds.pop()


def sliced(node: Node, start: int, stop: int | None) -> Node:
    """Characters of a text from ``start`` (0 is the first) up to ``stop``."""
    end = Constant(stop, Kind.INTEGER)
    return Call("slice", (node, Constant(start, Kind.INTEGER), end), Kind.TEXT)


def octets_of(parser: Parser, node: Node) -> Node:
    """The length in bytes of a column of bytes, else NotUnderstood."""
    if isinstance(node, ColumnValue) and node.kind is Kind.OPAQUE:
        column = next((c for c in parser.columns if c.name == node.name), None)
        if column is not None and column.type.family is TypeFamily.BYTES:
            return ColumnValue(node.name, Kind.INTEGER, "octets")
    raise NotUnderstood


def _one(nodes: Nodes) -> Node:
    if len(nodes) != 1:
        raise NotUnderstood
    return nodes[0]


def _known(node: Node) -> int:
    """A constant whole number."""
    if not isinstance(node, Constant) or node.kind is not Kind.INTEGER or node.value is None:
        raise NotUnderstood
    return int(node.value)


def _word(node: Node) -> Node:
    if not isinstance(node, Constant) or node.kind is not Kind.TEXT:
        raise NotUnderstood
    return node


def _length(parser: Parser, nodes: Nodes) -> Node:
    node = _one(nodes)
    if node.kind is Kind.OPAQUE:
        return octets_of(parser, node)
    return Call("length", (parser.coercion.text(node),), Kind.INTEGER)


def _octets(parser: Parser, nodes: Nodes) -> Node:
    node = _one(nodes)
    if node.kind is Kind.OPAQUE:
        return octets_of(parser, node)
    return Call("octets", (parser.coercion.text(node),), Kind.INTEGER)


def _letters(name: str) -> Function:
    """Upper or lower case; SQLite's knows ASCII only."""

    def read(parser: Parser, nodes: Nodes) -> Node:
        operator = f"ascii {name}" if parser.sqlite else name
        return Call(operator, (parser.coercion.text(_one(nodes)),), Kind.TEXT)

    return read


def _trim(name: str) -> Function:
    def read(parser: Parser, nodes: Nodes) -> Node:
        characters = _word(nodes[1]) if len(nodes) > 1 else text_constant(" ")
        return Call(name, (parser.coercion.text(nodes[0]), characters), Kind.TEXT)

    return read


def _substring(parser: Parser, nodes: Nodes) -> Node:
    """From a positive position, as many characters as a constant says."""
    text, start = parser.coercion.text(nodes[0]), _known(nodes[1])
    if start < 1 or len(nodes) > 3:
        raise NotUnderstood
    if len(nodes) == 2:
        return sliced(text, start - 1, None)
    length = _known(nodes[2])
    if length < 0:
        raise NotUnderstood
    return sliced(text, start - 1, start - 1 + length)


def _left(parser: Parser, nodes: Nodes) -> Node:
    if _known(nodes[1]) < 0:
        raise NotUnderstood
    return sliced(parser.coercion.text(nodes[0]), 0, _known(nodes[1]))


def _right(parser: Parser, nodes: Nodes) -> Node:
    if _known(nodes[1]) < 1:
        raise NotUnderstood
    return sliced(parser.coercion.text(nodes[0]), -_known(nodes[1]), None)


def _position(parser: Parser, nodes: Nodes) -> Node:
    if len(nodes) != 2:
        raise NotUnderstood
    return Call("position", (parser.coercion.text(nodes[0]), _word(nodes[1])), Kind.INTEGER)


def _starts(parser: Parser, nodes: Nodes) -> Node:
    word = _word(nodes[1])
    assert isinstance(word, Constant)
    start = sliced(parser.coercion.text(nodes[0]), 0, len(str(word.value)))
    return Call("eq", (start, word), Kind.BOOLEAN)


def _replace(parser: Parser, nodes: Nodes) -> Node:
    if len(nodes) != 3:
        raise NotUnderstood
    return Call("replace", (parser.coercion.text(nodes[0]), _word(nodes[1]), _word(nodes[2])), Kind.TEXT)


def _concat(parser: Parser, nodes: Nodes) -> Node:
    """PostgreSQL's concat takes NULL for nothing, MariaDB's does not."""
    if parser.sqlite:
        raise NotUnderstood
    if parser.mysql:
        return Call("concatenation", tuple(map(parser.coercion.text, nodes)), Kind.TEXT)
    filled = [Call("coalesce", (parser.coercion.text(node), text_constant("")), Kind.TEXT) for node in nodes]
    return Call("concatenation", tuple(filled), Kind.TEXT)


def _numeric(operator: str) -> Function:
    def read(parser: Parser, nodes: Nodes) -> Node:
        node = parser.coercion.number(_one(nodes))
        if operator in ("floor", "ceil", "trunc") and parser.sqlite and form_of(node) == NUMERIC_AFFINITY:
            raise NotUnderstood
        return Call(operator, (node,), Kind.INTEGER if operator == "sign" else node.kind)

    return read


def _round(parser: Parser, nodes: Nodes) -> Node:
    node = parser.coercion.number(nodes[0])
    digits = _known(nodes[1]) if len(nodes) > 1 else 0
    if parser.sqlite:
        return Call("round", (Call("float", (node,), Kind.FLOAT), Constant(digits, Kind.INTEGER)), Kind.FLOAT)
    if node.kind is Kind.FLOAT:
        return Call("even", (node,), Kind.FLOAT)
    return Call("round", (node, Constant(digits, Kind.INTEGER)), node.kind)


def _mod(parser: Parser, nodes: Nodes) -> Node:
    left, right = (parser.coercion.number(node) for node in nodes)
    if not {left.kind, right.kind} <= {Kind.INTEGER, Kind.DECIMAL}:
        raise NotUnderstood
    parser.divisors.append(right)
    return Call("mod", (left, right), common_kind((left, right)))


def _choice(operator: str) -> Function:
    def read(parser: Parser, nodes: Nodes) -> Node:
        alike = same_kind(parser, nodes)
        return Call(operator, tuple(alike), common_kind(alike))

    return read


def _extreme(operator: str) -> Function:
    """GREATEST and LEAST of numbers and dates; the order of texts is the server's business."""

    def read(parser: Parser, nodes: Nodes) -> Node:
        alike = parser.coercion.alike(nodes)
        if Kind.TEXT in {node.kind for node in alike} or len(alike) < 2:
            raise NotUnderstood
        return Call(operator, tuple(alike), common_kind(alike))

    return read


def _null_if(parser: Parser, nodes: Nodes) -> Node:
    one, other = parser.coercion.alike(nodes)
    equal = Call("eq", (one, other), Kind.BOOLEAN)
    return Call("case", (equal, Constant(None, Kind.NULL), one), one.kind)


def _count_null(parser: Parser, nodes: Nodes) -> Node:
    return Call("count null", tuple(nodes), Kind.INTEGER)


def _count_present(parser: Parser, nodes: Nodes) -> Node:
    total = Constant(len(nodes), Kind.INTEGER)
    return Call("sub", (total, _count_null(parser, nodes)), Kind.INTEGER)


def _iif(parser: Parser, nodes: Nodes) -> Node:
    if len(nodes) != 3:
        raise NotUnderstood
    alike = same_kind(parser, nodes[1:])
    return Call("case", (parser.coercion.truth(nodes[0]), *alike), common_kind(alike))


def _printed(form: str, kinds: tuple[Kind, ...]) -> Function:
    """SQLite's date(), datetime() and time() of a column that holds such values."""

    def read(parser: Parser, nodes: Nodes) -> Node:
        if not parser.sqlite or _one(nodes).kind not in kinds:
            raise NotUnderstood
        return Call("printed", (nodes[0], text_constant(form)), Kind.TEXT)

    return read


def _date(parser: Parser, nodes: Nodes) -> Node:
    if parser.sqlite:
        return _printed("0000-00-00", TIMES)(parser, nodes)
    node = _one(nodes)
    if node.kind not in TIMES:
        raise NotUnderstood
    return Call("begin day", (node,), Kind.DATE)


def _julian_day(parser: Parser, nodes: Nodes) -> Node:
    if not parser.sqlite or _one(nodes).kind not in TIMES:
        raise NotUnderstood
    return Call("julian day", tuple(nodes), Kind.FLOAT)


def _is_json(parser: Parser, nodes: Nodes) -> Node:
    if _one(nodes).kind is not Kind.TEXT:
        raise NotUnderstood
    return Call("is json", tuple(nodes), Kind.BOOLEAN)


def _json_type(parser: Parser, nodes: Nodes) -> Node:
    if parser.sqlite or _one(nodes).kind is not Kind.TEXT:
        raise NotUnderstood
    return Call("json type", tuple(nodes), Kind.TEXT)


def _type_of(parser: Parser, nodes: Nodes) -> Node:
    """SQLite's name of the storage class."""
    node = _one(nodes)
    if node.kind in NUMBERS or (node.kind is Kind.BOOLEAN and not form_of(node)):
        whole, real = text_constant("integer"), text_constant("real")
        if node.kind is not Kind.FLOAT:
            name: Node = whole
        elif form_of(node) == NUMERIC_AFFINITY:
            equal = Call("eq", (Call("trunc", (node,), node.kind), node), Kind.BOOLEAN)
            name = Call("case", (equal, whole, real), Kind.TEXT)
        else:
            name = real
    elif node.kind in (Kind.TEXT, *TIMES, Kind.CLOCK, Kind.BOOLEAN):
        name = text_constant("text")
    else:
        raise NotUnderstood
    return Call("case", (Call("is null", (node,), Kind.BOOLEAN), text_constant("null"), name), Kind.TEXT)


_FUNCTIONS: dict[str, Function] = {
    **dict.fromkeys(("length", "char_length", "character_length"), _length), "octet_length": _octets,
    "lower": _letters("lower"), "upper": _letters("upper"),
    **dict.fromkeys(("trim", "btrim"), _trim("trim")), "ltrim": _trim("trim left"), "rtrim": _trim("trim right"),
    **dict.fromkeys(("substring", "substr"), _substring), "left": _left, "right": _right,
    **dict.fromkeys(("strposition", "strpos", "instr", "position"), _position),
    **dict.fromkeys(("startswith", "starts_with"), _starts), "replace": _replace, "concat": _concat,
    "abs": _numeric("abs"), "sign": _numeric("sign"), "floor": _numeric("floor"), "trunc": _numeric("trunc"),
    **dict.fromkeys(("ceil", "ceiling"), _numeric("ceil")), "round": _round, "mod": _mod,
    **dict.fromkeys(("coalesce", "ifnull"), _choice("coalesce")), "nullif": _null_if, "iif": _iif,
    "greatest": _extreme("greatest"), "least": _extreme("least"),
    "greatest or null": _extreme("greatest or null"), "least or null": _extreme("least or null"),
    "num_nulls": _count_null, "num_nonnulls": _count_present,
    "date": _date, "datetime": _printed("0000-00-00 00:00:00", TIMES), "time": _printed("00:00:00", (Kind.CLOCK,)),
    "julianday": _julian_day, "json_valid": _is_json, "typeof": _type_of,
    **dict.fromkeys(("jsonb_typeof", "json_typeof"), _json_type),
}  # fmt: skip


def read_function(parser: Parser, sql: Sql) -> Node:
    """A call of a function that is known by name."""
    name, arguments = _signature(sql)
    function = _FUNCTIONS.get(name)
    if function is None:
        raise NotUnderstood
    return function(parser, [parser.read(argument) for argument in arguments])


def _signature(sql: Sql) -> tuple[str, list[Sql]]:
    """A function's name and arguments, whether sqlglot knows it or not."""
    if isinstance(sql, exp.Anonymous):
        return str(sql.this).lower(), list(sql.expressions)
    if not isinstance(sql, exp.Func):
        raise NotUnderstood
    name = type(sql).__name__.lower()
    arguments: list[Sql] = []
    if name == "length" and sql.args.get("binary"):
        name = "octet_length"
    if name == "trim" and str(sql.args.get("position") or "BOTH").upper() != "BOTH":
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}[str(sql.args["position"]).upper()]
    if name in ("greatest", "least") and not sql.args.get("ignore_nulls", True):
        name += " or null"
    for key in type(sql).arg_types:
        found = sql.args.get(key)
        arguments += found if isinstance(found, list) else [found] if hasattr(found, "args") else []
    return name, [bare(argument) for argument in arguments]
