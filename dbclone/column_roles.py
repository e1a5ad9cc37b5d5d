"""What each column is and where its values come from, with the evidence."""

from __future__ import annotations

from collections.abc import Sequence

from dbclone.columns.kinds import detect
from dbclone.plan import ColumnPlan, ColumnRole, ReferencePlan, ReferenceRole
from dbclone.privacy.pii import MODELLED
from dbclone.schema import Column, Table, TypeFamily
from dbclone.survey import Survey

IDENTIFIER = "identifier"


def choose_column_roles(survey: Survey, table: Table, references: Sequence[ReferencePlan]) -> tuple[ColumnPlan, ...]:
    """The plan of every column of the table, in declared order."""
    referring: dict[str, str] = {}
    nulled: dict[str, str] = {}
    for reference in references:
        into = nulled if reference.role is ReferenceRole.NULLED else referring
        for name in reference.foreign_key.columns:
            into.setdefault(name, str(reference.foreign_key.parent))
    return tuple(_choose(survey, table, c, referring.get(c.name), nulled.get(c.name)) for c in table.columns)


def _choose(survey: Survey, table: Table, column: Column, parent: str | None, lost: str | None) -> ColumnPlan:
    if column.generated is not None:
        return ColumnPlan(column.name, ColumnRole.GENERATED, "opaque", "computed by the database")
    if parent is not None:
        return ColumnPlan(column.name, ColumnRole.REFERENCE, IDENTIFIER, f"refers to {parent}")
    if lost is not None and column.nullable:
        return ColumnPlan(column.name, ColumnRole.NULLED, IDENTIFIER, f"always NULL: there will be no row of {lost}")
    if table.primary_key is not None and table.primary_key.columns == (column.name,):
        kind, evidence = _kind(survey, table, column, is_key=True)
        return ColumnPlan(column.name, ColumnRole.KEY, kind, f"primary key; {evidence}")
    kind, evidence = _kind(survey, table, column, is_key=False)
    if any(key.columns == (column.name,) for key in table.uniques) and _is_identifier(column, kind):
        return ColumnPlan(column.name, ColumnRole.KEY, IDENTIFIER, f"unique; {evidence}")
    return ColumnPlan(column.name, ColumnRole.VALUE, kind, evidence)


def _is_identifier(column: Column, kind: str) -> bool:
    """Whether unique values are arbitrary codes; a unique title or e-mail address is a value that may not repeat."""
    return kind == IDENTIFIER or (kind == "numeric" and column.type.family is TypeFamily.INTEGER)


def _kind(survey: Survey, table: Table, column: Column, is_key: bool) -> tuple[str, str]:
    if is_key and (pii := survey.pii(table.name, column.name)) is not None and pii.kind not in MODELLED:
        return f"pii:{pii.kind}", pii.evidence
    values = survey.values(table.name, column.name)
    in_key = _is_in_key(table, column.name)
    kind = detect(column, values, is_key, table.name, lambda: survey.pii(table.name, column.name), in_key=in_key)
    return kind.kind, kind.reason


def _is_in_key(table: Table, column: str) -> bool:
    """Whether a key or a unique index, be it of some rows only, is over the column."""
    keys = [key.columns for key in table.keys]
    return any(column in columns for columns in (*keys, *(i.columns for i in table.indexes if i.unique)))
