"""Whose a row is: the entities in whom k is counted, one table of them for each table, found along the foreign keys.

Where a row hangs from persons, the persons are the entities, whichever reference drives the table: of the lessons of a
course that a student attends, what one student alone has is rare, however many courses have it.  Else they are the rows
at the top of the owners.  Owners of few rows are passed over, since they are no population whose members need hiding
but a dimension: of customers and the three clerks who serve them, the entities are the customers, and each customer is
one of its own.  But what hangs from few persons and from no others is theirs (the pay slips of three clerks).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from dbclone.plan import ReferenceRole, TablePlan, TableRole
from dbclone.schema import ForeignKey, TableName

FEWEST = 20
"""Rows from which a table's rows are a population."""
_LEADING = (ReferenceRole.OWNER, ReferenceRole.LINK)


def with_entities(tables: Sequence[TablePlan], persons: Collection[TableName]) -> tuple[TablePlan, ...]:
    """The plans (in load order) with the key that leads to each row's entity; ``persons`` are tables of persons."""
    done: dict[TableName, TablePlan] = {}
    for table in tables:
        done[table.table] = replace(table, held_through=_through(table, done, persons))
    return tuple(done.values())


def _through(
    table: TablePlan, above: Mapping[TableName, TablePlan], persons: Collection[TableName]
) -> ForeignKey | None:
    if table.role is not TableRole.SYNTHESISE:
        return None
    keys = [r.foreign_key for r in table.references if r.role in _LEADING and r.foreign_key.parent in above]
    keys = [key for key in keys if above[key.parent].role is TableRole.SYNTHESISE]
    top = {key: _top(above, key.parent) for key in keys}
    many = [key for key in keys if above[top[key]].rows >= FEWEST]
    if table.table in persons:
        return next((key for key in many if key == table.owner), None)
    of_persons = [key for key in keys if top[key] in persons]
    own = [key for key in of_persons if key == table.owner]
    best = [key for key in own if key in many] or [key for key in of_persons if key in many] or own or of_persons
    return next(iter(best), None) or next((key for key in many if key == table.owner), None)


def _top(plans: Mapping[TableName, TablePlan], name: TableName) -> TableName:
    """The table of the entities of a table that is planned already."""
    key = plans[name].held_through
    return name if key is None else _top(plans, key.parent)
