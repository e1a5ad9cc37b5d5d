"""The foreign-key graph of a schema: what descends from what, where its cycles are cut, and the load order.

An edge runs from parent to child.  Self references are no edges: such a table is loaded once, in levels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbclone.schema import ForeignKey, Schema, Table, TableName

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class Reference:
    """A foreign key together with the table that declares it."""

    child: TableName
    foreign_key: ForeignKey

    @property
    def parent(self) -> TableName:
        return self.foreign_key.parent

    @property
    def is_self(self) -> bool:
        """Whether the table refers to itself."""
        return self.child == self.foreign_key.parent

    def __str__(self) -> str:
        return f"{self.child}({', '.join(self.foreign_key.columns)}) -> {self.parent}"


@dataclass(frozen=True)
class Cycle:
    """Tables that all depend on each other (a strongly connected component), and the references that are cut."""

    tables: tuple[TableName, ...]
    deferred: tuple[Reference, ...]
    """References filled after both tables are loaded; without them the tables can be ordered."""


def references(schema: Schema) -> tuple[Reference, ...]:
    """All foreign keys, self references included, by table and then in their declared order.

    Keys whose parent is not part of the schema are passed over: they constrain nothing within it.
    """
    names = {table.name for table in schema.tables}
    tables = sorted(schema.tables, key=lambda table: table.name)
    return tuple(Reference(t.name, fk) for t in tables for fk in t.foreign_keys if fk.parent in names)


def is_nullable(table: Table, foreign_key: ForeignKey) -> bool:
    """Whether a row may refer to nothing: one NULL column satisfies the key (MATCH SIMPLE)."""
    return any(table.column(name).nullable for name in foreign_key.columns)


def find_cycles(schema: Schema) -> tuple[Cycle, ...]:
    """The cycles of more than one table, by name of their first table, each with the cheapest references to defer."""
    edges = [reference for reference in references(schema) if not reference.is_self]
    deferred = _cut(schema, edges)
    return tuple(
        Cycle(tables, tuple(r for r in deferred if r.child in tables and r.parent in tables))
        for tables in _components(_digraph(_names(schema), edges))
    )


def load_order(
    schema: Schema, deferred: Collection[Reference] = (), rows: Mapping[TableName, int] | None = None
) -> tuple[TableName, ...]:
    """Parents before children; ``deferred`` references are passed over.

    Where neither comes first, the larger does if ``rows`` are given (of two tables of visits the smaller has dates of
    the larger), else the one whose name does.
    Raises ValueError if a cycle remains.
    """
    import networkx as nx

    edges = [r for r in references(schema) if not r.is_self and r not in deferred]
    try:
        graph = _digraph(_names(schema), edges)
        return tuple(nx.lexicographical_topological_sort(graph, lambda name: (-(rows or {}).get(name, 0), name)))
    except nx.NetworkXUnfeasible as error:
        raise ValueError("the deferred references leave a cycle") from error


def ancestors(schema: Schema, table: TableName) -> frozenset[TableName]:
    """All tables that ``table`` refers to, directly or through others; in a cycle also itself."""
    return _closure(schema, (table,), upward=True)


def descendants(schema: Schema, table: TableName) -> frozenset[TableName]:
    """All tables that refer to ``table``, directly or through others; in a cycle also itself."""
    return _closure(schema, (table,), upward=False)


def person_descendants(schema: Schema, persons: Collection[TableName]) -> frozenset[TableName]:
    """The tables whose rows are persons or hang from a person by any path of foreign keys."""
    return frozenset(persons) | _closure(schema, persons, upward=False)


def _closure(schema: Schema, start: Collection[TableName], upward: bool) -> frozenset[TableName]:
    neighbours: dict[TableName, set[TableName]] = {}
    for reference in references(schema):
        near, far = (reference.child, reference.parent) if upward else (reference.parent, reference.child)
        if near != far:
            neighbours.setdefault(near, set()).add(far)
    found: set[TableName] = set()
    open_tables = list(start)
    while open_tables:
        new = neighbours.get(open_tables.pop(), set()) - found
        found |= new
        open_tables.extend(new)
    return frozenset(found)


def _digraph(tables: Iterable[TableName], edges: Iterable[Reference]) -> nx.DiGraph:
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(sorted(tables))
    graph.add_edges_from((r.parent, r.child) for r in edges)
    return graph


def _names(schema: Schema) -> list[TableName]:
    return [table.name for table in schema.tables]


def _components(graph: nx.DiGraph) -> list[tuple[TableName, ...]]:
    import networkx as nx

    return sorted(tuple(sorted(c)) for c in nx.strongly_connected_components(graph) if len(c) > 1)


def _cut(schema: Schema, edges: list[Reference]) -> tuple[Reference, ...]:
    """References whose removal leaves no cycle: cheapest first; those found needless are put back.

    Two tables may be joined by several keys; they only come apart if all of these are cut, so they are cut as one.
    """
    remaining = list(edges)
    cut: list[tuple[TableName, TableName]] = []
    while components := _components(_digraph(_names(schema), remaining)):
        pair = _cheapest_pair(schema, remaining, components[0])
        cut.append(pair)
        remaining = [r for r in remaining if (r.child, r.parent) != pair]
    for pair in cut[:-1]:
        left = frozenset(remaining)
        restored = [r for r in edges if r in left or (r.child, r.parent) == pair]
        if not _components(_digraph(_names(schema), restored)):
            remaining = restored
    left = frozenset(remaining)
    return tuple(r for r in edges if r not in left)


def _cheapest_pair(
    schema: Schema, edges: list[Reference], component: tuple[TableName, ...]
) -> tuple[TableName, TableName]:
    within = [r for r in edges if r.child in component and r.parent in component]
    groups: dict[tuple[TableName, TableName], list[Reference]] = {}
    for reference in within:
        groups.setdefault((reference.child, reference.parent), []).append(reference)

    def cost(pair: tuple[TableName, TableName]) -> tuple[tuple[bool, ...], int, int, tuple[TableName, TableName]]:
        worst = max(deferral_cost(schema, r) for r in groups[pair])
        rest = [r for r in within if (r.child, r.parent) != pair]
        still_tied = sum(len(c) for c in _components(_digraph(component, rest)))
        return worst, still_tied, len(groups[pair]), pair

    return min(groups, key=cost)


def deferral_cost(schema: Schema, reference: Reference) -> tuple[bool, ...]:
    """How bad it is to fill a foreign key late, compared in this order.

    A generated column cannot be filled at all; rows that refer to the key's own columns would have to wait for it; a
    NOT NULL key cannot be loaded as NULL first; a column of the primary key is the row's identity; one of a unique key
    must be drawn without repeats; a shared column binds another key.
    """
    table, foreign_key = schema.table(reference.child), reference.foreign_key
    columns = set(foreign_key.columns)
    referring = (fk for other in schema.tables for fk in other.foreign_keys if fk.parent == table.name)
    others = {name for fk in table.foreign_keys if fk != foreign_key for name in fk.columns}
    return (
        any(table.column(name).generated is not None for name in columns),
        any(not columns.isdisjoint(fk.parent_columns) for fk in referring),
        not is_nullable(table, foreign_key),
        table.primary_key is not None and not columns.isdisjoint(table.primary_key.columns),
        any(not columns.isdisjoint(key.columns) for key in table.uniques),
        not columns.isdisjoint(others),
    )
