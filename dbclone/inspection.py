"""What a database looks like to dbclone, as data: for ``dbclone inspect`` and ``dbclone plan``, printed or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dbclone.findings import Finding
from dbclone.graph import Cycle, Reference, find_cycles, is_nullable, load_order, references
from dbclone.key_proposals import Proposal
from dbclone.ledger import Entry, make_ledger
from dbclone.plan import ColumnPlan, Plan, ReferencePlan, TablePlan
from dbclone.schema import ForeignKey, Schema, Table, TableName

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Document: TypeAlias = "dict[str, Json]"


@dataclass(frozen=True)
class ColumnInspection:
    name: str
    type: str
    """As the source spells it."""
    nullable: bool
    kind: str
    reason: str
    """The evidence for the kind, free of data values."""


@dataclass(frozen=True)
class TableInspection:
    table: TableName
    rows: int
    keys: tuple[tuple[str, ...], ...]
    """Primary key first, then unique keys."""
    has_primary_key: bool
    foreign_keys: tuple[ForeignKey, ...]
    nullable_keys: tuple[bool, ...]
    """Per foreign key whether a row may refer to nothing."""
    columns: tuple[ColumnInspection, ...]


@dataclass(frozen=True)
class Inspection:
    dialect: str
    tables: tuple[TableInspection, ...]
    """By name."""
    graph: tuple[Reference, ...]
    """All foreign keys, self references included."""
    load_order: tuple[TableName, ...]
    cycles: tuple[Cycle, ...]
    findings: tuple[Finding, ...]
    proposals: tuple[Proposal, ...] = ()
    """Foreign keys that the database does not declare, but seems to mean."""

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(table.rows for table in self.tables)


def inspect(
    schema: Schema, counts: Mapping[TableName, int], plan: Plan, proposals: tuple[Proposal, ...] = ()
) -> Inspection:
    """Describe a schema with its row counts; kinds and findings come from its ``plan``, made without any selection."""
    cycles = find_cycles(schema)
    deferred = frozenset(reference for cycle in cycles for reference in cycle.deferred)
    order = load_order(schema, deferred)
    tables = tuple(_table(schema.table(name), counts.get(name, 0), plan.table(name)) for name in sorted(order))
    return Inspection(schema.dialect, tables, references(schema), order, cycles, plan.findings, proposals)


def _table(table: Table, rows: int, plan: TablePlan) -> TableInspection:
    kinds = {column.column: column for column in plan.columns}
    columns = tuple(
        ColumnInspection(c.name, c.type.sql, c.nullable, kinds[c.name].kind, kinds[c.name].reason)
        for c in table.columns
    )
    keys = tuple(key.columns for key in table.keys)
    nullable = tuple(is_nullable(table, fk) for fk in table.foreign_keys)
    return TableInspection(table.name, rows, keys, table.primary_key is not None, table.foreign_keys, nullable, columns)


def inspection_document(inspection: Inspection) -> Document:
    """The inspection as JSON-able values, always in the same order."""
    return {
        "dialect": inspection.dialect,
        "rows": inspection.rows,
        "tables": [_table_document(table) for table in inspection.tables],
        "load_order": [str(name) for name in inspection.load_order],
        "cycles": [_cycle_document(cycle) for cycle in inspection.cycles],
        "proposed_keys": [_proposal_document(proposal) for proposal in inspection.proposals],
        "findings": [finding_document(finding) for finding in inspection.findings],
    }


def plan_document(plan: Plan) -> Document:
    """The plan as JSON-able values: tables in load order, columns in declared order, references in drawing order."""
    return {
        "dialect": plan.schema.dialect,
        "tables": [_table_plan_document(table, plan.entity(table.table)) for table in plan.tables],
        "findings": [finding_document(finding) for finding in plan.findings],
        "ledger": [_entry_document(entry) for entry in make_ledger(plan, plan.schema.dialect, plan.findings)],
    }


def _entry_document(entry: Entry) -> Document:
    return {"kind": entry.kind, "name": entry.name, "fate": str(entry.fate), "reason": entry.reason}


def finding_document(finding: Finding) -> Document:
    """A finding as JSON-able values."""
    return {
        "severity": str(finding.severity),
        "code": finding.code,
        "table": str(finding.table) if finding.table else None,
        "columns": list(finding.columns),
        "message": finding.message,
        "count": finding.count,
        "subject": finding.subject,
    }


def _table_document(table: TableInspection) -> Document:
    primary = list(table.keys[0]) if table.has_primary_key else None
    uniques = table.keys[1:] if table.has_primary_key else table.keys
    return {
        "table": str(table.table),
        "rows": table.rows,
        "primary_key": primary,
        "unique": [list(columns) for columns in uniques],
        "foreign_keys": [
            {**_key_document(fk), "nullable": nullable}
            for fk, nullable in zip(table.foreign_keys, table.nullable_keys, strict=True)
        ],
        "columns": [
            {"column": c.name, "type": c.type, "nullable": c.nullable, "kind": c.kind, "reason": c.reason}
            for c in table.columns
        ],
    }


def _key_document(fk: ForeignKey) -> Document:
    document: Document = {
        "columns": list(fk.columns), "parent": str(fk.parent), "parent_columns": list(fk.parent_columns),
    }  # fmt: skip
    if fk.virtual is not None:
        document["virtual"] = True
        document |= {"where": {fk.virtual.where[0]: fk.virtual.where[1]}} if fk.virtual.where else {}
        document |= {"nothing": fk.virtual.nothing} if fk.virtual.nothing is not None else {}
    return document


def _proposal_document(proposal: Proposal) -> Document:
    evidence: Document = {
        "support": proposal.support, "distinct": proposal.distinct, "coverage": proposal.coverage,
        "name": proposal.reason, "name_score": proposal.score,
    }  # fmt: skip
    return {"table": str(proposal.table), **_key_document(proposal.key), "evidence": evidence}


def _cycle_document(cycle: Cycle) -> Document:
    deferred: list[Json] = [{"table": str(r.child), **_key_document(r.foreign_key)} for r in cycle.deferred]
    return {"tables": [str(name) for name in cycle.tables], "deferred": deferred}


def _table_plan_document(plan: TablePlan, entity: TableName) -> Document:
    return {
        "table": str(plan.table),
        "entity": str(entity),
        "role": str(plan.role),
        "reason": plan.reason,
        "rows": plan.rows,
        "order_by": list(plan.order_by),
        "references": [_reference_document(reference) for reference in plan.references],
        "columns": [_column_document(column) for column in plan.columns],
    }


def _reference_document(plan: ReferencePlan) -> Document:
    document: Document = {**_key_document(plan.foreign_key), "role": str(plan.role), "reason": plan.reason}
    for name, path in (("path", plan.path), ("within", plan.within)):
        if path:
            document[name] = [_key_document(fk) for fk in path]
    return document


def _column_document(plan: ColumnPlan) -> Document:
    return {"column": plan.column, "role": str(plan.role), "kind": plan.kind, "reason": plan.reason}
