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

import numpy as np
import numpy.typing as npt

from dbclone.abc import Read
from dbclone.matching import parent_rows
from dbclone.plan import Plan, ReferenceRole, TablePlan, TableRole
from dbclone.schema import ForeignKey, TableName

Ints = npt.NDArray[np.int64]

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


def entities_of(plan: Plan, read: Read) -> Mapping[TableName, Ints]:
    """The number of the entity of each row, by table, in the order in which rows are read."""
    found: dict[TableName, Ints] = {}
    for table in plan.tables:
        rows, through = read(table.table), table.held_through
        if through is None or through.parent not in found:
            found[table.table] = np.arange(rows.num_rows, dtype=np.int64)
        else:
            up = parent_rows(rows, read(through.parent), through)
            found[table.table] = handed_down(up, found[through.parent])
    return found


def handed_down(up: Ints, above: Ints) -> Ints:
    """The entity of each row: that of its parent row (``above``; ``up`` is negative for none), else one of its own."""
    if not len(above):
        return np.arange(len(up), dtype=np.int64)
    own = int(above.max()) + 1 + np.arange(len(up))
    entities: Ints = np.where(up >= 0, above[np.maximum(up, 0)], own)
    return entities
