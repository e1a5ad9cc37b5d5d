"""Foreign keys that no database declares: taken into the schema, from where everything treats them as declared ones.

A key that is about some rows only (a polymorphic reference with its discriminator), or that has a value for *no
parent*, is no foreign key as the rest of dbclone knows them.  Its table is *split*: for each such key it has a column
of its own, NULL in the rows that the key is not about, and a condition that ties these columns to the discriminator.
Rows are split as they are read and joined again once they are generated; ``Table.whole`` is the table of the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dbclone.errors import UsageError
from dbclone.graph import find_cycles
from dbclone.options import VirtualKey
from dbclone.schema import Check, Column, ForeignKey, Key, Schema, Table, TableName, TypeFamily, Virtual

_COMPARABLE = (
    frozenset({TypeFamily.INTEGER, TypeFamily.DECIMAL}),
    frozenset({TypeFamily.TEXT, TypeFamily.ENUM}),
    frozenset({TypeFamily.DATE, TypeFamily.TIMESTAMP}),
)
_DISCRIMINATORS = (TypeFamily.TEXT, TypeFamily.ENUM, TypeFamily.INTEGER)


@dataclass(frozen=True)
class Part:
    """A column of a split table."""

    name: str
    column: str
    """The column of the whole table from which its values come, and to which they return."""
    virtual: Virtual


def resolve(schema: Schema, wanted: VirtualKey) -> tuple[TableName, ForeignKey]:
    """The key in the schema's own spelling; UsageError if it names what is not there or cannot be one."""
    table, parent = _table(schema, wanted.table), _table(schema, wanted.parent)
    columns = tuple(_column(table, name) for name in wanted.columns)
    theirs = tuple(_column(parent, name) for name in wanted.parent_columns)
    if not theirs and parent.primary_key is None:
        raise UsageError(f"Virtual key of {table.name}: {parent.name} has no primary key, so name its parent_columns.")
    theirs = theirs or tuple(parent.column(name) for name in (parent.primary_key or Key("", ())).columns)
    label = f"Virtual key of {table.name}({', '.join(c.name for c in columns)})"
    if not columns or len(columns) != len(theirs):
        raise UsageError(f"{label}: {parent.name} has {len(theirs)} key columns; name as many.")
    for own, their in zip(columns, theirs, strict=True):
        if not comparable(own, their):
            raise UsageError(f"{label}: {own.name} and {parent.name}.{their.name} have types that do not compare.")
    where = None
    if wanted.where is not None:
        discriminator = _column(table, wanted.where[0])
        if discriminator.type.family not in _DISCRIMINATORS:
            raise UsageError(f"{label}: {discriminator.name} is neither text nor a whole number: it cannot say where.")
        if discriminator.type.family is TypeFamily.INTEGER and not _is_whole(wanted.where[1]):
            raise UsageError(f"{label}: {discriminator.name} holds whole numbers, which {wanted.where[1]} is not.")
        where = (discriminator.name, wanted.where[1])
    if (where or wanted.nothing is not None) and (len(columns) > 1 or columns[0].generated is not None):
        raise UsageError(f"{label}: 'where' and 'nothing' are for keys of one plain column.")
    if wanted.nothing is not None and columns[0].type.family is TypeFamily.INTEGER and not _is_whole(wanted.nothing):
        raise UsageError(f"{label}: {columns[0].name} holds whole numbers, which {wanted.nothing!r} is not.")
    names = tuple(c.name for c in columns)
    virtual = Virtual(where, wanted.nothing)
    name, parent_names = virtual_name(table, names, virtual), tuple(c.name for c in theirs)
    return table.name, ForeignKey(name, names, parent.name, parent_names, virtual=virtual)


def _is_whole(text: str) -> bool:
    return re.fullmatch(r"-?\d+", text) is not None


def comparable(one: Column, other: Column) -> bool:
    """Whether values of both columns can be equal."""
    pair = {one.type.family, other.type.family}
    return len(pair) == 1 or any(pair <= group for group in _COMPARABLE)


def with_keys(schema: Schema, keys: Iterable[tuple[TableName, ForeignKey]]) -> Schema:
    """The schema with these virtual keys, save those whose columns refer already."""
    found: dict[TableName, list[ForeignKey]] = {}
    for name, key in keys:
        known = [*schema.table(name).foreign_keys, *found.get(name, [])]
        if not any(_same(key, other) for other in known):
            found.setdefault(name, []).append(key)
    tables = (replace(t, foreign_keys=(*t.foreign_keys, *found.get(t.name, ()))) for t in schema.tables)
    return replace(schema, tables=tuple(tables))


def parts_of(table: Table) -> tuple[Part, ...]:
    """The columns that a split table has instead of those of its whole; none for a table that is not split."""
    if table.whole is None:
        return ()
    special = [key for key in table.whole.foreign_keys if _is_special(key)]
    return tuple(Part(_part_name(key), key.columns[0], key.virtual) for key in special if key.virtual)


def whole(schema: Schema) -> Schema:
    """The schema as databases see it, virtual keys included; what was left out of the split one is left out."""
    return replace(schema, tables=tuple(map(_whole, schema.tables)))


def allowing(schema: Schema, source: Schema) -> Schema:
    """The schema of a clone, whose virtual keys may have as many orphans as those of its source."""
    shares = {k.name.lower(): k.virtual.orphans for t in source.tables for k in t.foreign_keys if k.virtual}

    def allowed(key: ForeignKey) -> ForeignKey:
        if key.virtual is None:
            return key
        return replace(key, virtual=replace(key.virtual, orphans=shares.get(key.name.lower(), 0.0)))

    tables = (replace(t, foreign_keys=tuple(map(allowed, t.foreign_keys))) for t in schema.tables)
    return replace(schema, tables=tuple(tables))


def declared(schema: Schema) -> Schema:
    """The schema as databases see it, without virtual keys: what a target creates."""
    tables = (replace(t, foreign_keys=_declared_keys(t)) for t in whole(schema).tables)
    return replace(schema, tables=tuple(tables))


def _declared_keys(table: Table) -> tuple[ForeignKey, ...]:
    return tuple(key for key in table.foreign_keys if key.virtual is None)


def _whole(table: Table) -> Table:
    if table.whole is None:
        return table
    names = {key.name for key in table.foreign_keys}
    keys = (key for key in table.whole.foreign_keys if key in table.foreign_keys or (key.virtual and key.name in names))
    lost = set(_declared_keys(table.whole)) - set(table.foreign_keys)
    return replace(table.whole, foreign_keys=tuple(keys), ddl=None if lost else table.whole.ddl)


def _table(schema: Schema, name: str) -> Table:
    found = [t for t in schema.tables if name.lower() in (t.name.name.lower(), str(t.name).lower())]
    if not found:
        raise UsageError(f"Virtual keys: there is no table {name}.")
    if len(found) > 1:
        raise UsageError(f"Virtual keys: write {' or '.join(str(t.name) for t in found)}; there are several {name}.")
    return found[0]


def _column(table: Table, name: str) -> Column:
    exact = [c for c in table.columns if c.name == name] or [c for c in table.columns if c.name.lower() == name.lower()]
    if not exact:
        raise UsageError(f"Virtual keys: table {table.name} has no column {name}.")
    return exact[0]


def virtual_name(table: Table, columns: tuple[str, ...], virtual: Virtual) -> str:
    """A name that no other key of the table has."""
    label = (virtual.where[1],) if virtual.where else ()
    return "_".join((table.name.name, *columns, *label, "virtual"))


def _same(one: ForeignKey, other: ForeignKey) -> bool:
    """Whether both lead from the same columns of the same rows: the second would be no second reference."""
    wheres = {(key.virtual or Virtual()).where for key in (one, other)}
    return set(one.columns) == set(other.columns) and (len(wheres) == 1 or None in wheres)


def _is_special(key: ForeignKey) -> bool:
    return key.virtual is not None and (key.virtual.where is not None or key.virtual.nothing is not None)


def _part_name(key: ForeignKey) -> str:
    where = key.virtual.where if key.virtual else None
    return f"{key.columns[0]}[{where[1]}]" if where else key.columns[0]


def split(schema: Schema) -> Schema:
    """The schema with the tables split that need it; UsageError if a column that must be is referred to itself.

    A table that is referred to by what is no declared key has one there, so that its rows can be told apart.
    """
    schema = _with_parent_keys(schema)
    special = {t.name for t in schema.tables if any(map(_is_special, t.foreign_keys))}
    if not special:
        return schema
    _refuse_referred(schema, special)
    tables = {t.name: _split_table(t) if t.name in special else t for t in schema.tables}
    plain = replace(schema, tables=tuple(tables.values()))
    late = {(r.child, r.foreign_key.name) for cycle in find_cycles(plain) for r in cycle.deferred}
    for name in special:
        check = _consistency(tables[name], schema.dialect, {key for child, key in late if child == name})
        tables[name] = replace(tables[name], checks=(*tables[name].checks, *check))
    return replace(schema, tables=tuple(tables.values()))


def _with_parent_keys(schema: Schema) -> Schema:
    found: dict[TableName, dict[tuple[str, ...], Key]] = {}
    for key in (key for table in schema.tables for key in table.foreign_keys if key.virtual and key.virtual.unique):
        name = "_".join((key.parent.name, *key.parent_columns, "virtual"))
        found.setdefault(key.parent, {})[key.parent_columns] = Key(name, key.parent_columns)
    tables = (
        replace(t, uniques=(*t.uniques, *found[t.name].values()), whole=t) if t.name in found else t
        for t in schema.tables
    )
    return replace(schema, tables=tuple(tables))


def _refuse_referred(schema: Schema, special: set[TableName]) -> None:
    for table in schema.tables:
        for key in table.foreign_keys:
            mine = schema.table(key.parent).foreign_keys if key.parent in special else ()
            lost = {k.columns[0] for k in mine if _is_special(k)} & set(key.parent_columns)
            if lost:
                column = f"{key.parent}.{min(lost)}"
                raise UsageError(f"Virtual keys: {column} is referred to by {table.name}, so it cannot have 'where'.")


def _split_table(table: Table) -> Table:
    keys = [key for key in table.foreign_keys if _is_special(key)]
    parts = {column: [k for k in keys if k.columns[0] == column] for column in {k.columns[0] for k in keys}}
    references = (replace(k, columns=(_part_name(k),)) if k in keys else k for k in table.foreign_keys)
    primary = table.primary_key
    if primary is not None and not parts.keys().isdisjoint(primary.columns):
        primary = None
    split_keys = [made for key in table.keys if key != primary for made in _split_key(key, parts)]
    return replace(
        table,
        columns=tuple(made for column in table.columns for made in _split_column(column, parts.get(column.name, ()))),
        primary_key=primary,
        uniques=tuple(split_keys),
        foreign_keys=tuple(references),
        checks=tuple(check for check in table.checks if not _mentions(check.expression, parts)),
        indexes=tuple(i for i in table.indexes if not (i.unique and _mentions(i.ddl, parts))),
        exclusions=tuple(e for e in table.exclusions if not any(column in parts for column, _ in e.elements)),
        whole=table.whole or table,
    )


def _mentions(sql: str, columns: Iterable[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(column)}(?!\w)", sql, re.IGNORECASE) for column in columns)


def _split_column(column: Column, keys: Sequence[ForeignKey]) -> Iterator[Column]:
    """The column, which may be NULL now, and one for each key that is about some rows."""
    if not keys:
        yield column
        return
    loose = replace(column, nullable=True, default=None, identity=None)
    yield loose
    for name in {_part_name(key): None for key in keys}:
        if name != column.name:
            yield replace(loose, name=name)


def _split_key(key: Key, parts: Mapping[str, Sequence[ForeignKey]]) -> Iterator[Key]:
    """A unique key over the split columns: one for the parts of each, NULL being a value where it stands for one."""
    split = [column for column in key.columns if column in parts]
    if not split:
        yield key
        return
    names = [column for column in split if any(k.virtual and k.virtual.where for k in parts[column])]
    plain = replace(key, nulls_distinct=bool(names), definition="")
    yield plain
    for column in names:
        for part in parts[column]:
            columns = tuple(_part_name(part) if name == column else name for name in key.columns)
            yield Key(f"{key.name}[{part.name}]", columns)


def _consistency(table: Table, dialect: str, late: set[str]) -> Iterator[Check]:
    """Which parts a row may, and must, have by its discriminator.

    A row must have its part if the whole column forbids NULL; not if the reference is filled late, when the
    discriminator cannot change any more: such a row gets its parent as it is joined.
    """
    assert table.whole is not None
    groups: dict[tuple[str, str], list[ForeignKey]] = {}
    for key in table.whole.foreign_keys:
        if key.virtual is not None and key.virtual.where is not None:
            groups.setdefault((key.columns[0], key.virtual.where[0]), []).append(key)
    for (column, discriminator), keys in groups.items():
        said = _quoted(discriminator, dialect)
        family = table.column(discriminator).type.family
        labels = {_part_name(k): _label(k, family) for k in keys}
        required = not table.whole.column(column).nullable
        cases = []
        for key in keys:
            empty = [_is_null(name, dialect) for name in (column, *labels) if name != _part_name(key)]
            held = [f"{_quoted(_part_name(key), dialect)} IS NOT NULL"] if required and key.name not in late else []
            cases.append([f"{said} = {labels[_part_name(key)]}", *held, *empty])
        others = f"({said} IS NULL OR {said} NOT IN ({', '.join(labels.values())}))"
        cases.append([others, *(_is_null(name, dialect) for name in labels)])
        condition = " OR ".join(f"({' AND '.join(case)})" for case in cases)
        yield Check(f"{table.name.name}_{column}_by_{discriminator}", condition)


def _is_null(name: str, dialect: str) -> str:
    return f"{_quoted(name, dialect)} IS NULL"


def _label(key: ForeignKey, family: TypeFamily) -> str:
    label = key.virtual.where[1] if key.virtual and key.virtual.where else ""
    return label if family is TypeFamily.INTEGER else "'" + label.replace("'", "''") + "'"


def _quoted(name: str, dialect: str) -> str:
    mark = "`" if dialect in ("mysql", "mariadb") else '"'
    return mark + name.replace(mark, 2 * mark) + mark
