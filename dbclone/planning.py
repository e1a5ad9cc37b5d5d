"""The plan of a clone: what happens to each table, foreign key and column, decided before any fit."""

from __future__ import annotations

from collections.abc import Mapping

from dbclone.abc import Read
from dbclone.column_roles import choose_column_roles
from dbclone.conditions.ranges import unclear_exclusions
from dbclone.conditions.requirements import refuse_impossible, unclear_conditions, unmet_within_partitions
from dbclone.conditions.uniques import unclear_indexes
from dbclone.entities import with_entities
from dbclone.findings import Finding, Severity
from dbclone.graph import Cycle, Reference, find_cycles, is_nullable, load_order, person_descendants
from dbclone.options import PlanOptions
from dbclone.plan import ColumnRole, Plan, ReferencePlan, ReferenceRole, TablePlan, TableRole
from dbclone.reference_roles import Circumstances, choose_references
from dbclone.schema import ForeignKey, Schema, Table, TableName
from dbclone.selection import select
from dbclone.survey import Survey
from dbclone.table_roles import RoleChoice, choose_table_roles, person_tables, tables_of_named_persons


def make_plan(schema: Schema, counts: Mapping[TableName, int], read: Read, options: PlanOptions | None = None) -> Plan:
    """Plan a clone of ``schema``, whose tables have ``counts`` rows that ``read`` returns (memoised by the caller).

    Raises UsageError if a glob of the options matches nothing, PlanError if a check cannot hold without the tables that
    are left out.
    """
    selection = select(schema, options or PlanOptions())
    survey = Survey(selection.schema, counts, read)
    cycles = find_cycles(selection.schema)
    deferred = frozenset(reference for cycle in cycles for reference in cycle.deferred)
    order = load_order(selection.schema, deferred, counts)
    choices = choose_table_roles(survey, order)
    persons = person_tables(survey)
    descending = person_descendants(selection.schema, persons)
    known = Circumstances({name: c.role for name, c in choices.items()}, deferred, descending)
    planned = [_plan_table(survey, n, choices[n], known, selection.nulled[n]) for n in order]
    named = tables_of_named_persons(survey)
    tables = with_entities(planned, named, persons - named)
    graph = (*_virtual_findings(selection.schema), *_cycle_findings(selection.schema, cycles))
    findings = (*selection.findings, *graph, *_table_findings(survey, tables))
    return Plan(selection.schema, tables, findings)


def _plan_table(
    survey: Survey, name: TableName, choice: RoleChoice, known: Circumstances, lost: tuple[ForeignKey, ...]
) -> TablePlan:
    table = survey.schema.table(name)
    chosen = choose_references(survey, table, known)
    nulled = tuple(ReferencePlan(fk, ReferenceRole.NULLED, f"{fk.parent} is left out") for fk in lost)
    plans = (*chosen.references, *nulled)
    columns = choose_column_roles(survey, table, plans)
    return TablePlan(name, choice.role, choice.reason, survey.rows(name), plans, columns, chosen.order_by)


def _virtual_findings(schema: Schema) -> list[Finding]:
    found = []
    for table in schema.tables:
        for key in (key for key in table.foreign_keys if key.virtual is not None):
            columns, theirs = ", ".join(key.columns), ", ".join(key.parent_columns)
            message = f"{table.name}({columns}) refers to {key.parent}({theirs}), which the source does not declare."
            found.append(Finding(Severity.NOTE, "virtual-key", table.name, key.columns, message))
    return found


def _cycle_findings(schema: Schema, cycles: tuple[Cycle, ...]) -> list[Finding]:
    return [_cycle_finding(schema, cycle, r) for cycle in cycles for r in cycle.deferred]


def _cycle_finding(schema: Schema, cycle: Cycle, reference: Reference) -> Finding:
    tables = ", ".join(str(name) for name in cycle.tables)
    required = not is_nullable(schema.table(reference.child), reference.foreign_key)
    note = " (it is NOT NULL: constraints follow the load)" if required else ""
    message = f"{tables} refer to each other in a cycle; {reference} is filled in a second phase{note}."
    return Finding(Severity.NOTE, "cycle", reference.child, reference.foreign_key.columns, message)


def _table_findings(survey: Survey, tables: tuple[TablePlan, ...]) -> list[Finding]:
    findings: list[Finding] = []
    for plan in tables:
        table = survey.schema.table(plan.table)
        if plan.role is TableRole.EMPTY:
            findings.append(Finding(Severity.NOTE, "empty", plan.table, (), f"It stays empty: it {plan.reason}."))
        elif (table.whole or table).primary_key is None:
            message = f"{plan.table} has no primary key: its rows are kept in the order in which they are read."
            findings.append(Finding(Severity.NOTE, "no-primary-key", plan.table, (), message))
        if plan.rows:
            findings += _orphan_findings(survey, table)
        if plan.role is TableRole.SYNTHESISE:
            findings += unclear_conditions(table, survey.schema.dialect)
            findings += unmet_within_partitions(table, survey.read(plan.table), survey.schema.dialect)
            findings += unclear_indexes(table, survey.schema.dialect)
            findings += unclear_exclusions(table, survey.schema.dialect)
            lost = [column.column for column in plan.columns if column.role is ColumnRole.NULLED]
            refuse_impossible(table, survey.read(plan.table), lost, survey.schema.dialect)
    return findings


def _orphan_findings(survey: Survey, table: Table) -> list[Finding]:
    own = (Reference(table.name, fk) for fk in table.foreign_keys)
    return [_orphan_finding(table, reference, count) for reference in own if (count := survey.orphans(reference))]


def _orphan_finding(table: Table, reference: Reference, count: int) -> Finding:
    fate = "are taken as NULL" if is_nullable(table, reference.foreign_key) else "are left out"
    message = f"{count} rows of {reference} refer to a row that does not exist; they {fate}."
    return Finding(Severity.WARNING, "orphans", table.name, reference.foreign_key.columns, message, count)
