"""What SQLite's pragmas do not tell, read from CREATE TABLE text: checks, constraint names, deferrability, expressions.

A full parser would have to know every dialect of DDL that SQLite accepts; a tokenizer that respects strings, quoted
names, comments and parentheses is enough, since only the places of a few keywords are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<word>[^\W\d][\w$]*)
    |(?P<other>[\d.]+(?:[eE][+-]?\d+)?|.)""",
    re.VERBOSE | re.DOTALL,
)
_TABLE_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})


@dataclass(frozen=True)
class Token:
    text: str
    start: int
    end: int
    depth: int
    """Parentheses open before the token; a closing one has the depth of its opening one."""
    word: str
    """Upper-case keyword, or '' for anything that is not a bare word."""


@dataclass(frozen=True)
class CheckClause:
    name: str
    expression: str


@dataclass(frozen=True)
class ReferenceClause:
    """One foreign key as written.  ``start:end`` is its text, its name included, within the statement."""

    name: str
    columns: tuple[str, ...]
    parent: str
    deferrable: bool
    initially_deferred: bool
    start: int
    end: int
    whole_item: bool
    """True for a FOREIGN KEY item of its own, False for a REFERENCES clause of a column."""

    def says(self, columns: tuple[str, ...], parent: str) -> bool:
        """True if these are its columns and its parent; SQLite's names do not distinguish case."""
        written = (*self.columns, self.parent)
        return [name.lower() for name in written] == [name.lower() for name in (*columns, parent)]


@dataclass(frozen=True)
class TableText:
    """What the text of a CREATE TABLE says beyond the pragmas."""

    checks: tuple[CheckClause, ...]
    references: tuple[ReferenceClause, ...]
    generated: dict[str, str]
    """Expression of each generated column, by lower-case name."""
    collations: dict[str, str]
    primary_key: str
    uniques: tuple[str, ...]
    """Names of the UNIQUE constraints in the order written, '' for a nameless one."""
    autoincrement: bool
    suffix: str
    """Table options after the closing parenthesis."""


def tokenize(sql: str) -> list[Token]:
    """The tokens of a statement without white space and comments."""
    tokens: list[Token] = []
    depth = 0
    for match in _TOKEN.finditer(sql):
        if match.lastgroup == "skip":
            continue
        text = match.group()
        if text == ")":
            depth -= 1
        word = text.upper() if match.lastgroup == "word" else ""
        tokens.append(Token(text, match.start(), match.end(), depth, word))
        if text == "(":
            depth += 1
    return tokens


def unquote(name: str) -> str:
    """A name as written, without its delimiters."""
    if len(name) >= 2 and name[0] in "\"`'" and name[-1] == name[0]:
        return name[1:-1].replace(name[0] * 2, name[0])
    return name[1:-1] if name.startswith("[") and name.endswith("]") else name


def read_table(sql: str) -> TableText:
    """What a CREATE TABLE statement says; an empty answer for CREATE TABLE ... AS, which has no items."""
    items, closing = _items(tokenize(sql))
    checks: list[CheckClause] = []
    references: list[ReferenceClause] = []
    uniques: list[str] = []
    generated: dict[str, str] = {}
    collations: dict[str, str] = {}
    primary_key, autoincrement = "", False
    for item in items:
        column = "" if _is_constraint(item) else unquote(item[0].text).lower()
        for at, token in enumerate(item):
            if token.depth != 1 or (column and at == 0):
                continue
            name = _name_before(item, at)
            if token.word == "CHECK" and _group(item, at + 1):
                checks.append(CheckClause(name, _inside(sql, item, at + 1)))
            elif token.word == "REFERENCES":
                references.append(_reference(item, at, bool(column)))
            elif token.word == "AS" and column and _group(item, at + 1):
                generated[column] = _inside(sql, item, at + 1)
            elif token.word == "COLLATE" and column and at + 1 < len(item):
                collations[column] = unquote(item[at + 1].text)
            elif token.word == "PRIMARY":
                primary_key = name
            elif token.word == "UNIQUE":
                uniques.append(name)
            autoincrement = autoincrement or token.word == "AUTOINCREMENT"
    suffix = sql[closing:].strip().rstrip(";").strip() if closing else ""
    return TableText(
        tuple(checks), tuple(references), generated, collations, primary_key, tuple(uniques), autoincrement, suffix
    )


def read_index(sql: str) -> tuple[tuple[str, ...], str]:
    """What a CREATE INDEX is over, each element as an expression without its order and collation, and its condition.

    Both are empty if it is written as nothing that SQLite would accept.
    """
    items, closing = _items(tokenize(sql))
    after = [token for token in tokenize(sql) if token.start >= closing]
    condition = sql[after[0].end :].strip().rstrip(";").strip() if after and after[0].word == "WHERE" else ""
    return tuple(_element(sql, item) for item in items), condition


def _element(sql: str, item: list[Token]) -> str:
    """An element of an index without ASC, DESC and COLLATE at its end."""
    while len(item) > 1 and item[-1].word in ("ASC", "DESC"):
        item = item[:-1]
    while len(item) > 2 and item[-2].word == "COLLATE" and item[-2].depth == 1:
        item = item[:-2]
    return sql[item[0].start : item[-1].end]


def without_references(sql: str, drop: set[int]) -> str:
    """The statement without the foreign keys of those positions (in the order of ``read_table``)."""
    for position, clause in reversed(list(enumerate(read_table(sql).references))):
        if position not in drop:
            continue
        before = sql[: clause.start]
        if clause.whole_item and (comma := tokenize(before)[-1]).text == ",":
            before = before[: comma.start] + before[comma.end :]
        sql = before + sql[clause.end :]
    return sql


def _items(tokens: list[Token]) -> tuple[list[list[Token]], int]:
    """The column and constraint definitions, and where the text after the closing parenthesis begins."""
    opening = next((i for i, t in enumerate(tokens) if t.text == "(" and t.depth == 0), None)
    if opening is None or any(t.word == "AS" for t in tokens[:opening]):
        return [], 0
    items: list[list[Token]] = [[]]
    for token in tokens[opening + 1 :]:
        if token.text == ")" and token.depth == 0:
            return _split_constraints([item for item in items if item]), token.end
        if token.text == "," and token.depth == 1:
            items.append([])
        else:
            items[-1].append(token)
    return [], 0


def _split_constraints(items: list[list[Token]]) -> list[list[Token]]:
    """SQLite allows table constraints to follow each other without a comma: give each its own item."""
    split: list[list[Token]] = []
    for item in items:
        starts = [0]
        if _is_constraint(item):
            for at in range(1, len(item)):
                named = item[at - 2].word == "CONSTRAINT" if at >= 2 else False
                begins = item[at].word in _TABLE_CONSTRAINTS and item[at].depth == 1
                if begins and not named and at - 1 != starts[-1]:
                    starts.append(at)
        split += [item[a:b] for a, b in zip(starts, [*starts[1:], len(item)], strict=True)]
    return split


def _is_constraint(item: list[Token]) -> bool:
    return item[0].word in _TABLE_CONSTRAINTS


def _name_before(item: list[Token], at: int) -> str:
    return unquote(item[at - 1].text) if at >= 2 and item[at - 2].word == "CONSTRAINT" else ""


def _group(item: list[Token], at: int) -> bool:
    return at < len(item) and item[at].text == "("


def _inside(sql: str, item: list[Token], at: int) -> str:
    """The text between the parenthesis at ``at`` and the one that closes it."""
    end = next(t for t in item[at + 1 :] if t.text == ")" and t.depth == item[at].depth)
    return sql[item[at].end : end.start].strip()


def _reference(item: list[Token], at: int, of_column: bool) -> ReferenceClause:
    tail = list(_reference_tail(item, at))
    words = [token.word for token in tail]
    deferrable = "DEFERRABLE" in words and words[words.index("DEFERRABLE") - 1] != "NOT"
    if of_column:
        name = _name_before(item, at)
        columns: tuple[str, ...] = (unquote(item[0].text),)
        start, end = item[at - 2 if name else at], tail[-1]
    else:
        name = unquote(item[1].text) if item[0].word == "CONSTRAINT" else ""
        columns = tuple(unquote(t.text) for t in item[:at] if t.depth == 2 and t.text != ",")
        start, end = item[0], item[-1]
    parent = unquote(item[at + 1].text)
    deferred = "DEFERRED" in words
    return ReferenceClause(name, columns, parent, deferrable, deferred, start.start, end.end, not of_column)


def _reference_tail(item: list[Token], at: int) -> Iterator[Token]:
    """The tokens of a REFERENCES clause: parent, its columns, actions, MATCH and deferrability."""
    position = at + 2
    yield from item[at:position]
    if _group(item, position):
        while not (item[position].text == ")" and item[position].depth == 1):
            yield item[position]
            position += 1
        yield item[position]
        position += 1
    while length := _clause_length(item, position):
        yield from item[position : position + length]
        position += length


def _clause_length(item: list[Token], at: int) -> int:
    words = [token.word for token in item[at : at + 4]] + [""] * 4
    if words[0] == "ON":
        return 4 if words[2] in ("SET", "NO") else 3
    if words[0] == "MATCH":
        return 2
    if words[0] == "NOT" and words[1] == "DEFERRABLE":
        return 2
    if words[0] == "DEFERRABLE":
        return 1
    return 2 if words[0] == "INITIALLY" else 0
