"""Which tables a clone consists of: the globs of ``--tables`` and ``--exclude``, and parents left out."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from dbclone.errors import UsageError
from dbclone.findings import Finding, Severity
from dbclone.graph import is_nullable
from dbclone.options import PlanOptions
from dbclone.pruning import prune
from dbclone.schema import ForeignKey, Omission, Schema, Table, TableName


@dataclass(frozen=True)
class Selection:
    schema: Schema
    """The selected tables only, without the foreign keys to tables left out."""
    nulled: Mapping[TableName, tuple[ForeignKey, ...]]
    """Per selected table the nullable foreign keys whose parent is left out."""
    findings: tuple[Finding, ...]


def select(schema: Schema, options: PlanOptions) -> Selection:
    """Apply the globs (of tables against 'name' and 'schema.name', whatever their case).

    A parent that is left out is pulled in again if a selected table needs it (NOT NULL); else the reference is dropped.
    Raises UsageError for a glob that matches no table, and if nothing is left.
    """
    wanted = _matching(schema, options.tables, "--tables") if options.tables else {t.name for t in schema.tables}
    wanted -= _matching(schema, options.exclude, "--exclude")
    left_out = _schemas_left_out(schema, options)
    wanted = {name for name in wanted if name.schema not in left_out}
    if schema.tables and not wanted:
        raise UsageError("--tables, --exclude, --schema and --exclude-schema leave no table to clone.")
    findings = _pull_in_required_parents(schema, wanted)
    names = {t.name for t in schema.tables}
    dropped = {t.name: _dropped(t, wanted) for t in schema.tables if t.name in wanted}
    nulled = {table: tuple(fk for fk in keys if fk.parent in names) for table, keys in dropped.items()}
    findings += [_nulled_finding(table, fk) for table, keys in nulled.items() for fk in keys]
    missing = [(table, fk) for table, keys in dropped.items() for fk in keys if fk.parent not in names]
    findings += [_missing_parent_finding(table, fk) for table, fk in missing]
    tables = tuple(_without(t, dropped[t.name]) for t in schema.tables if t.name in wanted)
    omissions = (*schema.omissions, *_omissions(schema, wanted, dropped))
    chosen = dataclasses.replace(schema, tables=tables, omissions=omissions)
    pruned = prune(chosen, names - wanted, left_out.__contains__, options.with_grants)
    return Selection(pruned, nulled, tuple(findings))


def _schemas_left_out(schema: Schema, options: PlanOptions) -> set[str]:
    names = {t.name.schema for t in schema.tables} | {s.schema for s in schema.preamble if s.kind == "schema"}
    wanted = _matching_schemas(names, options.schemas, "--schema") if options.schemas else names
    return names - (wanted - _matching_schemas(names, options.exclude_schemas, "--exclude-schema"))


def _matching_schemas(names: set[str], globs: tuple[str, ...], option: str) -> set[str]:
    found: set[str] = set()
    for glob in globs:
        matches = {name for name in names if name and fnmatchcase(name.lower(), glob.lower())}
        if not matches:
            known = ", ".join(sorted(filter(None, names))) or "none"
            raise UsageError(f"No schema matches {glob!r} in {option}; the source's schemas: {known}.")
        found |= matches
    return found


def _omissions(
    schema: Schema, wanted: set[TableName], dropped: Mapping[TableName, tuple[ForeignKey, ...]]
) -> Iterator[Omission]:
    """The tables left out, each with all that is its own, and the foreign keys that go with them."""
    for table in schema.tables:
        if table.name not in wanted:
            yield Omission("table", str(table.name), "left out by choice, with all that is its own")
    for name, keys in dropped.items():
        for fk in keys:
            yield Omission("foreign key", f"{fk.name} on {name}", f"there will be no table {fk.parent}")


def _matching(schema: Schema, globs: tuple[str, ...], option: str) -> set[TableName]:
    found: set[TableName] = set()
    for glob in globs:
        matches = {t.name for t in schema.tables if _matches(t.name, glob.lower())}
        if not matches:
            raise UsageError(_no_match(schema, glob, option))
        found |= matches
    return found


def _matches(name: TableName, glob: str) -> bool:
    spellings = (name.name.lower(), str(name).lower())
    return any(spelling == glob or fnmatchcase(spelling, glob) for spelling in spellings)


def _no_match(schema: Schema, glob: str, option: str) -> str:
    spellings = {s.lower(): s for t in schema.tables for s in (t.name.name, str(t.name))}
    near = [spellings[s] for s in difflib.get_close_matches(glob.lower(), list(spellings), n=3, cutoff=0.6)]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"No table matches {glob!r} in {option}.{hint}"


def _pull_in_required_parents(schema: Schema, wanted: set[TableName]) -> list[Finding]:
    """Add to ``wanted``, in place, the parents that NOT NULL keys of wanted tables need, and theirs in turn."""
    findings: list[Finding] = []
    names = {t.name for t in schema.tables}
    waiting = sorted(wanted)
    while waiting:
        table = schema.table(waiting.pop(0))
        for fk in table.foreign_keys:
            if fk.parent in names and fk.parent not in wanted and _is_required(table, fk):
                wanted.add(fk.parent)
                waiting.append(fk.parent)
                findings.append(_pulled_in_finding(table, fk))
    return findings


def _is_required(table: Table, fk: ForeignKey) -> bool:
    """Whether rows cannot do without the parent; the columns of a split table say less than those of its whole."""
    if fk.virtual is None or (fk.virtual.where is None and fk.virtual.nothing is None):
        return not is_nullable(table, fk)
    owner = table.whole or table
    key = next(k for k in owner.foreign_keys if k.name == fk.name)
    return fk.virtual.nothing is None and not is_nullable(owner, key)


def _pulled_in_finding(table: Table, fk: ForeignKey) -> Finding:
    columns = ", ".join(fk.columns)
    message = f"Table {fk.parent} is cloned although left out: {table.name}({columns}) refers to it and is NOT NULL."
    return Finding(Severity.NOTE, "pulled-in", fk.parent, (), message)


def _nulled_finding(table: TableName, fk: ForeignKey) -> Finding:
    columns = ", ".join(fk.columns)
    message = f"{table}({columns}) will be NULL, and its foreign key is dropped: table {fk.parent} is left out."
    return Finding(Severity.NOTE, "nulled", table, fk.columns, message)


def _missing_parent_finding(table: TableName, fk: ForeignKey) -> Finding:
    message = f"The foreign key of {table}({', '.join(fk.columns)}) is dropped: the source has no table {fk.parent}."
    return Finding(Severity.WARNING, "missing-parent", table, fk.columns, message)


def _dropped(table: Table, wanted: set[TableName]) -> tuple[ForeignKey, ...]:
    return tuple(fk for fk in table.foreign_keys if fk.parent not in wanted)


def _without(table: Table, keys: tuple[ForeignKey, ...]) -> Table:
    """The table without these foreign keys; its DDL text goes with them where it spells them."""
    if not keys:
        return table
    ddl = table.ddl if all(fk.virtual for fk in keys) else None
    return dataclasses.replace(table, foreign_keys=tuple(fk for fk in table.foreign_keys if fk not in keys), ddl=ddl)
