"""The ledger: what becomes of everything that a database holds, one line each, so that nothing is lost silently.

It is made of the plan, for what the schema holds, and of the findings, for what did not come out as planned; so the
ledger of ``plan`` foretells, and that of ``copy`` accounts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from dbclone.findings import Finding
from dbclone.plan import ColumnPlan, ColumnRole, Plan, ReferencePlan, ReferenceRole, TablePlan, TableRole
from dbclone.schema import Check, ForeignKey, Index, Statement, Table
from dbclone.virtual_keys import whole


class Fate(StrEnum):
    MODELLED = "modelled"
    """Its values are drawn from what was learned."""
    KEPT = "kept by construction"
    """A constraint, or a column that one fills: rows are made so that it holds."""
    COPIED = "copied"
    """Its rows are the source's."""
    RECREATED = "recreated"
    """The same definition, with no rows of its own."""
    DROPPED = "dropped"


@dataclass(frozen=True)
class Entry:
    kind: str
    """'table', 'column', 'primary key', 'foreign key', 'check', 'index', 'view', 'trigger', 'comment'…"""
    name: str
    """'app.t', 'app.t.column', 'x on app.t' for what is a table's own."""
    fate: Fate
    reason: str

    @property
    def subject(self) -> str:
        return f"{self.kind} {self.name}"


Ledger = tuple[Entry, ...]

_LOSSES = frozenset({"check", "dangling-key", "missing-parent", "not-copied"})
"""Codes of findings that say that something is not in the clone."""
_DOUBTS = frozenset({"unclear-check", "unclear-exclusion", "unclear-index"})
"""Codes of findings that say that a constraint is only proven, not kept by construction."""
_REMARKS = frozenset({"default", "generated", "length", "precision", "type-fallback", "unclear-check"})
"""Codes of findings that say more of a column."""
_MADE: dict[TableRole, tuple[Fate, str]] = {
    TableRole.SYNTHESISE: (Fate.KEPT, "rows are made to satisfy it"),
    TableRole.COPY: (Fate.KEPT, "the rows are the source's"),
    TableRole.EMPTY: (Fate.RECREATED, "there will be no rows"),
}
_CONSTRAINTS = frozenset({"check", "exclusion", "primary key", "unique key"})
_REASONS = {
    "comment": "as it is in the source",
    "extension": "if the target's server has it",
    "default privilege": "if the target's server has the roles",
    "function": "its text is the source's",
    "grant": "if the target's server has the role",
    "materialized view": "filled from the clone's rows, if the source's is filled",
    "owner": "if the target's server has the role",
    "partition": "rows are placed by the server",
    "policy": "its condition is the source's",
    "procedure": "its text is the source's",
    "rule": "created after the load",
    "sequence": "continues behind the numbers in use",
    "trigger": "created after the load: rows are loaded as they are",
    "view": "its query is the source's",
}
_ELSEWHERE: dict[str, tuple[Fate, str]] = {
    "domain": (Fate.KEPT, "the columns have its type and conditions"),
    "enum": (Fate.KEPT, "the columns have its labels as a condition or type"),
    "schema": (Fate.DROPPED, "names alone tell tables apart"),
    "sequence": (Fate.DROPPED, "the target numbers rows by the column itself"),
    "partition": (Fate.DROPPED, "one table holds the rows"),
}
"""What becomes of statements in a target of another product; everything else is dropped."""


def make_ledger(plan: Plan, dialect: str, findings: Iterable[Finding] = ()) -> Ledger:
    """One line for everything that the plan's schema holds, as it fares in a target of the given dialect.

    ``findings`` are those of the plan and, after a run, those of the target.
    """
    lines = {entry.subject: entry for entry in _planned(plan, dialect)}
    for finding in findings:
        subject = finding.subject or _column_of(finding)
        if subject in lines:
            lines[subject] = _amended(lines[subject], finding)
    return tuple(lines.values())


def fates(ledger: Ledger) -> dict[str, Counter[Fate]]:
    """Per kind how many things there are of each fate, kinds in the ledger's order."""
    counts: dict[str, Counter[Fate]] = {}
    for entry in ledger:
        counts.setdefault(entry.kind, Counter())[entry.fate] += 1
    return counts


def _column_of(finding: Finding) -> str:
    one = finding.table is not None and len(finding.columns) == 1 and finding.code in _REMARKS
    return f"column {finding.table}.{finding.columns[0]}" if one else f"table {finding.table}"


def _amended(entry: Entry, finding: Finding) -> Entry:
    if entry.fate is Fate.DROPPED or finding.code == "validated":
        return entry  # which says so already
    message = finding.message.rstrip(".")
    if finding.code in _LOSSES:
        return replace(entry, fate=Fate.DROPPED, reason=message)
    if finding.code in _DOUBTS and entry.kind != "column":
        return replace(entry, fate=Fate.RECREATED, reason=message)
    if finding.subject or finding.code in _REMARKS or finding.code == "inheritance":
        return replace(entry, reason=f"{entry.reason}; {message[:1].lower()}{message[1:]}")
    return entry


def _planned(plan: Plan, dialect: str) -> Iterator[Entry]:
    schema, own = whole(plan.schema), plan.schema.dialect == dialect
    yield from (_of_statement(statement, own) for statement in schema.preamble)
    for table in plan.tables:
        yield from _of_table(schema.table(table.table), table, own)
    yield from (_of_statement(statement, own) for statement in (*schema.epilogue, *schema.privileges))
    yield from (Entry(lost.kind, lost.name, Fate.DROPPED, lost.reason) for lost in schema.omissions)


def _of_statement(statement: Statement, own: bool) -> Entry:
    fate, reason = Fate.RECREATED, _REASONS.get(statement.kind, "as it is in the source")
    if not own:
        fate, reason = _ELSEWHERE.get(statement.kind, (Fate.DROPPED, "only the source's product has it so"))
    return Entry(statement.kind, statement.name, fate, reason)


def _of_table(table: Table, plan: TablePlan, own: bool) -> Iterator[Entry]:
    fate = {TableRole.SYNTHESISE: Fate.MODELLED, TableRole.COPY: Fate.COPIED}.get(plan.role, Fate.RECREATED)
    yield Entry("table", str(table.name), fate, plan.reason)
    planned = {column.column: column for column in plan.columns}
    split = {k.columns[0]: k.virtual.where[0] for k in table.foreign_keys if k.virtual and k.virtual.where}
    for column in table.columns:
        made = _of_column(planned.get(column.name), plan)
        if made[0] is Fate.MODELLED and column.name in split:
            made = Fate.KEPT, f"refers to the table that {split[column.name]} names"
        yield Entry("column", f"{table.name}.{column.name}", *made)
    made = _MADE[plan.role]
    for key in table.keys:
        if key.name not in {index.name for index in table.indexes}:
            kind = "primary key" if key is table.primary_key else "unique key"
            yield Entry(kind, f"{key.name} on {table.name}", *made)
    roles = {reference.foreign_key.name: reference for reference in plan.references}
    for reference in table.foreign_keys:
        fate, reason = _of_reference(roles.get(reference.name), plan, made)
        kind = "foreign key" if reference.virtual is None else "virtual key"
        for place, name in reference.declared_by or ((table.name, reference.name),):
            yield Entry(kind, f"{name} on {place}", fate, reason + _proven(reference))
    for check in table.checks:
        yield Entry("check", f"{check.name} on {table.name}", made[0], made[1] + _proven(check))
    for index in table.indexes:
        yield Entry("index", f"{index.name} on {table.name}", *_of_index(index, table, made))
    for statement in (*table.attachments, *table.completions):
        entry = _of_statement(statement, own)
        yield _of_constraint(entry, table, made) if own and statement.kind in _CONSTRAINTS else entry


def _proven(constraint: ForeignKey | Check) -> str:
    if isinstance(constraint, ForeignKey) and constraint.virtual is not None:
        return "; not declared in the source, so not created in the clone"
    return "; NOT VALID in the source, proven in the clone" if constraint.not_valid else ""


def _of_constraint(entry: Entry, table: Table, made: tuple[Fate, str]) -> Entry:
    """An exclusion constraint, or a constraint of a partition's own."""
    understood = {f"{exclusion.name} on {table.name}" for exclusion in table.exclusions}
    if entry.kind == "exclusion" and entry.name not in understood and made[0] is Fate.KEPT:
        reason = "rows are drawn like the source's; it is left out if they violate it"
        return replace(entry, reason=reason)
    return replace(entry, fate=made[0], reason=made[1])


def _of_column(column: ColumnPlan | None, table: TablePlan) -> tuple[Fate, str]:
    if column is None or table.role is TableRole.EMPTY:
        return Fate.RECREATED, "there will be no rows"
    if column.role in (ColumnRole.GENERATED, ColumnRole.NULLED):
        return Fate.RECREATED, column.reason
    if table.role is TableRole.COPY:
        return Fate.COPIED, "the rows are the source's"
    if column.role is ColumnRole.REFERENCE:
        return Fate.KEPT, column.reason
    if column.role is ColumnRole.KEY:
        return Fate.KEPT, f"new values ({column.reason})"
    return Fate.MODELLED, f"{column.kind} ({column.reason})"


def _of_reference(reference: ReferencePlan | None, table: TablePlan, made: tuple[Fate, str]) -> tuple[Fate, str]:
    if reference is None or table.role is not TableRole.SYNTHESISE:
        return made
    if reference.role is ReferenceRole.NULLED:
        return Fate.RECREATED, f"always NULL: {reference.reason}"
    return made[0], f"{reference.role}: {reference.reason}"


def _of_index(index: Index, table: Table, made: tuple[Fate, str]) -> tuple[Fate, str]:
    if not index.unique:
        return Fate.RECREATED, "created after the load"
    if index.items or any(key.name == index.name for key in table.uniques):
        return made
    return Fate.RECREATED, "rows are drawn like the source's and proven at the end"
