"""Conditions that children lay on their parents: what a CHECK asks of a reference, it asks of the row referred to.

A child whose two key columns must differ can refer only to parents in which they do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dbclone.conditions.requirements import Requirement, requirements_of
from dbclone.conditions.tree import Call, ColumnValue, Condition, Node
from dbclone.schema import ForeignKey, Schema, Table


def inherited_requirements(schema: Schema, parent: Table) -> tuple[Requirement, ...]:
    """The children's conditions that lie within the columns of one reference to the table, over the table's columns."""
    asking = (child for child in schema.tables if child.checks or child.within)
    return tuple(found for child in asking for found in _of_child(schema, child, parent))


def _of_child(schema: Schema, child: Table, parent: Table) -> Iterator[Requirement]:
    keys = [key for key in child.foreign_keys if key.parent == parent.name and len(key.columns) > 1]
    keys = [key for key in keys if _alike(key, child, parent)]
    for requirement in requirements_of(child, schema.dialect) if keys else ():
        for key in keys:
            used = requirement.condition.columns
            if len(used) > 1 and {*used} <= {*key.columns}:
                columns = dict(zip(key.columns, key.parent_columns, strict=True))
                yield Requirement(requirement.name, _renamed(requirement.condition, columns, parent))


def _alike(key: ForeignKey, child: Table, parent: Table) -> bool:
    """Whether the columns are of the same types, so that the condition means the same on both sides."""
    pairs = zip(key.columns, key.parent_columns, strict=True)
    return all(child.column(own).type == parent.column(theirs).type for own, theirs in pairs)


def _renamed(condition: Condition, columns: Mapping[str, str], parent: Table) -> Condition:
    used = {columns[name] for name in condition.columns}
    order = tuple(column.name for column in parent.columns if column.name in used)
    return Condition(_renamed_node(condition.tree, columns), order, condition.complete)


def _renamed_node(node: Node, columns: Mapping[str, str]) -> Node:
    if isinstance(node, ColumnValue):
        return ColumnValue(columns[node.name], node.kind, node.form)
    if isinstance(node, Call):
        return Call(node.operator, tuple(_renamed_node(part, columns) for part in node.arguments), node.kind)
    return node
