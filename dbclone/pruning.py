"""What stands around the selected tables of a database: what they need stays, what reads a table left out goes.

Names are looked for in the statements' text, in which PostgreSQL qualifies every one of them; a product that does not
leaves it to its own target to refuse what cannot be recreated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from dbclone.schema import Omission, Schema, Statement, Table, TableName

_READERS = frozenset({"materialized view", "view"})
"""Kinds that cannot be without what they name."""


def prune(schema: Schema, lost: Iterable[TableName], left_out: Callable[[str], bool], grants: bool) -> Schema:
    """The schema, whose tables are selected already, with the statements that fit them; the others are omissions.

    ``lost`` are the tables that are not selected, ``left_out`` says whether a schema of that name is to be left out,
    ``grants`` whether owners and grants are wanted.
    """
    dropped = [_Dropped(str(name), _spelled(name.schema, name.name)) for name in lost if schema.dialect == "postgresql"]
    foreign = [omission.name for omission in schema.omissions if omission.kind == "foreign table"]
    dropped += [_Dropped(name, _spelled(*name.split(".", 1))) for name in foreign]
    epilogue, omitted = list[Statement](), list[Omission]()
    for statement in schema.epilogue:
        reason = _reason(statement, dropped, left_out)
        if reason:
            omitted.append(Omission(statement.kind, statement.name, reason))
            if statement.kind in _READERS:
                dropped.append(_Dropped(statement.name, _spelled(statement.schema, _bare(statement))))
        else:
            epilogue.append(statement)
    preamble = _needed(schema, epilogue, left_out)
    there = frozenset(preamble)
    omitted += [Omission(s.kind, s.name, _OUT.format(s.schema)) for s in schema.preamble if s not in there]
    omitted += [] if grants else _ungranted(schema)
    return replace(
        schema,
        preamble=tuple(preamble),
        epilogue=tuple(epilogue),
        privileges=schema.privileges if grants else (),
        omissions=(*schema.omissions, *omitted),
    )


_OUT = "the schema {} is left out"


class _Dropped:
    """Something that is not in the clone, and how statements name it."""

    def __init__(self, name: str, spelled: str) -> None:
        self.name = name
        self.pattern = re.compile(rf'(?<![\w."$]){re.escape(spelled)}(?![\w"$])')


def _reason(statement: Statement, dropped: Iterable[_Dropped], left_out: Callable[[str], bool]) -> str:
    if statement.schema and left_out(statement.schema):
        return _OUT.format(statement.schema)
    if statement.kind == "comment":
        return ""
    return next((f"there will be no {one.name}" for one in dropped if one.pattern.search(statement.sql)), "")


def _needed(schema: Schema, epilogue: Iterable[Statement], left_out: Callable[[str], bool]) -> list[Statement]:
    """The preamble without what is of a schema left out, unless something that stays names it."""
    kept = {s for s in schema.preamble if not (s.schema and left_out(s.schema))}
    waiting = [s for s in schema.preamble if s not in kept and s.kind != "schema"]
    if not waiting and len(kept) == len(schema.preamble):
        return list(schema.preamble)
    texts = [text for table in schema.tables for text in _texts(table)]
    texts += [statement.sql for statement in (*kept, *epilogue)]
    while waiting and (found := [s for s in waiting if any(_names(text, s) for text in texts)]):
        texts = [statement.sql for statement in found]
        kept |= set(found)
        waiting = [statement for statement in waiting if statement not in found]
    used = {statement.schema for statement in kept} | {table.name.schema for table in schema.tables}
    return [s for s in schema.preamble if s in kept or (s.kind == "schema" and s.schema in used)]


def _texts(table: Table) -> Iterator[str]:
    for column in table.columns:
        yield from (column.type.sql, column.default or "", column.generated or "", column.collation or "")
    yield from (check.expression for check in table.checks)
    yield from (index.ddl for index in table.indexes)
    yield from (statement.sql for statement in (*table.attachments, *table.completions))


def _names(text: str, statement: Statement) -> bool:
    bare = _bare(statement)
    return _spelled(statement.schema, bare) in text or f'"{statement.schema}"."{bare}"' in text


def _bare(statement: Statement) -> str:
    """The name without schema and parameters."""
    name = statement.name.partition("(")[0]
    for schema in (statement.schema, _identifier(statement.schema)):
        name = name.removeprefix(f"{schema}.")
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _spelled(schema: str, name: str) -> str:
    """A qualified name as PostgreSQL prints it."""
    return f"{_identifier(schema)}.{_identifier(name)}"


def _identifier(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) else '"' + name.replace('"', '""') + '"'


def _ungranted(schema: Schema) -> list[Omission]:
    owners = sorted({s.name.rpartition(" by ")[2] for s in schema.privileges if s.kind == "owner"})
    others = sum(s.kind != "owner" for s in schema.privileges)
    found = []
    if owners:
        found.append(
            Omission("owners", ", ".join(owners), "the clone is of the role that writes it, without --with-grants")
        )
    if others:
        found.append(Omission("grants", f"({others})", "roles are those of a server; --with-grants copies them"))
    return found
