"""Whose a row is: the entities in whom k is counted, one table of them for each table, found along the foreign keys.

Where a row hangs from persons, the persons are the entities, whichever reference drives the table: of the lessons of a
course that a student attends, what one student alone has is rare, however many courses have it.  What persons hold by a
table of links (the accounts of customers) is theirs, too: each row that of its first holder.  Else the entities are the
rows at the top of the owners.  Owners of few rows are passed over, since they are no population whose members need
hiding but a dimension: of customers and the three clerks who serve them, the entities are the customers, and each
customer is one of its own; so are the customers of a district, other than the members of a household.  But what hangs
from few persons and from no others is theirs (the pay slips of three clerks).  A table that is one of persons for no
more than a telephone number or an address (branches, suppliers) comes after those that name persons.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dbclone.abc import Read
from dbclone.matching import parent_rows
from dbclone.plan import Holding, Plan, ReferenceRole, TablePlan, TableRole
from dbclone.schema import ForeignKey, TableName

Ints = npt.NDArray[np.int64]

FEWEST = 20
"""Rows from which a table's rows are a population."""
HOUSEHOLD = 5
"""Persons to a row of their owner up to which they are one entity: a household, but no district."""
HOLDERS = (0.8, 3.0)
"""Rows of a table of links to each row that persons hold by it: nearly all are held, and not by many."""
_LEADING = (ReferenceRole.OWNER, ReferenceRole.LINK)


@dataclass(frozen=True)
class _Choice:
    """Tables planned in load order, and what leads from the rows of each to their entities."""

    named: frozenset[TableName]
    """Tables that name persons."""
    reached: frozenset[TableName]
    """Tables of persons for no more than how to reach them."""
    planned: Mapping[TableName, TablePlan]
    done: dict[TableName, TablePlan] = field(default_factory=dict)

    def decide(self, table: TablePlan) -> TablePlan:
        if table.role is not TableRole.SYNTHESISE:
            return table
        if any(t.held_by is not None and t.held_by.links == table.table for t in self.done.values()):
            return replace(table, held_through=self._holder(table))
        if table.table in self.named:
            return replace(table, held_through=self._household(table))
        key = self._of_persons(table, self.named)
        held = self._holding(table) if key is None else None
        if held is not None:
            return replace(table, held_by=held)
        if key is None and table.table in self.reached:
            return replace(table, held_through=self._household(table))
        return replace(table, held_through=key or self._of_persons(table, self.reached) or self._owner(table))

    def _household(self, table: TablePlan) -> ForeignKey | None:
        """The key to what a few persons share; none that is held by persons itself, which would be a circle."""
        key = self._owner(table)
        if key is None or table.rows > HOUSEHOLD * self.planned[key.parent].rows:
            return None
        return None if self._top(key.parent) in self.named - {key.parent} else key

    def _owner(self, table: TablePlan) -> ForeignKey | None:
        return next((key for key in self._keys(table) if key == table.owner and self._many(key)), None)

    def _of_persons(self, table: TablePlan, persons: Collection[TableName]) -> ForeignKey | None:
        keys = [key for key in self._keys(table) if self._top(key.parent) in persons]
        own = [key for key in keys if key == table.owner]
        best = [key for key in own if self._many(key)] or [key for key in keys if self._many(key)] or own or keys
        return next(iter(best), None)

    def _holding(self, table: TablePlan) -> Holding | None:
        """The table of links by which persons hold the rows; that of the fewest holders."""
        least, most = (times * table.rows for times in HOLDERS)
        for link, key in self.links.get(table.table, ()):
            if least <= link.rows <= most and self._holder(link) is not None:
                return Holding(link.table, key)
        return None

    @cached_property
    def links(self) -> Mapping[TableName, list[tuple[TablePlan, ForeignKey]]]:
        """The tables that refer to each, the smallest first, with the first key of each that does."""
        found: defaultdict[TableName, list[tuple[TablePlan, ForeignKey]]] = defaultdict(list)
        for link in sorted(self.planned.values(), key=lambda t: t.rows):
            first = {key.parent: key for key in reversed(self._keys(link))}
            for parent, key in first.items():
                found[parent].append((link, key))
        return found

    def _holder(self, link: TablePlan) -> ForeignKey | None:
        """The key of a table of links that refers to a person."""
        keys = (key for key in self._keys(link) if key.parent in self.named)
        return next((key for key in keys if self.planned[key.parent].rows >= FEWEST), None)

    def _keys(self, table: TablePlan) -> list[ForeignKey]:
        """The keys to tables that are synthesised."""
        keys = [r.foreign_key for r in table.references if r.role in _LEADING and r.foreign_key.parent in self.planned]
        return [key for key in keys if self.planned[key.parent].role is TableRole.SYNTHESISE]

    def _many(self, key: ForeignKey) -> bool:
        return self.planned[self._top(key.parent)].rows >= FEWEST

    def _top(self, name: TableName) -> TableName:
        """The table of the entities of a table: of one that is still to be decided, itself."""
        plan = self.done.get(name)
        if plan is None:
            return name
        if plan.held_by is not None:
            key = self._holder(self.planned[plan.held_by.links])
            return key.parent if key is not None else name
        return name if plan.held_through is None else self._top(plan.held_through.parent)


def with_entities(
    tables: Sequence[TablePlan], named: frozenset[TableName], reached: frozenset[TableName]
) -> tuple[TablePlan, ...]:
    """The plans (in load order) with the key that leads to each row's entity.

    ``named`` are the tables that name persons, ``reached`` those that hold telephone numbers and addresses alone.
    """
    choice = _Choice(named, reached, {t.table: t for t in tables})
    for table in tables:
        choice.done[table.table] = choice.decide(table)
    return tuple(choice.done.values())


def entities_of(plan: Plan, read: Read) -> Mapping[TableName, Ints]:
    """The number of the entity of each row, by table, in the order in which rows are read."""
    found: dict[TableName, Ints] = {}
    for table in plan.tables:
        _find(plan, table, read, found)
    return found


def _find(plan: Plan, table: TablePlan, read: Read, found: dict[TableName, Ints]) -> Ints:
    if table.table not in found:
        rows = read(table.table)
        entities: Ints = np.arange(rows.num_rows, dtype=np.int64)
        through, by = table.held_through, table.held_by
        if through is not None and plan.holder(table.table) is not None:
            above = _find(plan, plan.table(through.parent), read, found)
            entities = handed_down(parent_rows(rows, read(through.parent), through), above)
        elif by is not None and plan.holder(table.table) is not None:
            links = _find(plan, plan.table(by.links), read, found)
            entities = handed_down(_first(parent_rows(read(by.links), rows, by.key), rows.num_rows), links)
        found[table.table] = entities
    return found[table.table]


def _first(up: Ints, n: int) -> Ints:
    """The first of the rows ``up`` that refer to each of ``n`` rows, −1 where none does."""
    first = np.full(n, -1, dtype=np.int64)
    there = np.flatnonzero(up >= 0)[::-1]
    first[up[there]] = there
    return first


def handed_down(up: Ints, above: Ints) -> Ints:
    """The entity of each row: that of its parent row (``above``; ``up`` is negative for none), else one of its own."""
    if not len(above):
        return np.arange(len(up), dtype=np.int64)
    own = int(above.max()) + 1 + np.arange(len(up))
    entities: Ints = np.where(up >= 0, above[np.maximum(up, 0)], own)
    return entities
