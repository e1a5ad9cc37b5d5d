"""A PostgreSQL database's schema, put together from its catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dbclone.dialects.base import quote
from dbclone.dialects.postgresql_catalogue import (
    Attribute,
    Catalogue,
    Constraint,
    Definition,
    IndexRow,
    Relation,
    Sequence,
)
from dbclone.dialects.postgresql_ddl import check_definition, column_definition
from dbclone.dialects.postgresql_partitions import asked_within, own_columns, rows_it_might_hold
from dbclone.dialects.postgresql_surroundings import (
    dotted,
    epilogue,
    is_usual,
    omissions,
    preamble,
    sequence_settings,
    settings_asked,
    statement_of,
)
from dbclone.dialects.postgresql_types import sql_type
from dbclone.findings import Finding, Severity
from dbclone.schema import (
    Check,
    Column,
    Exclusion,
    ForeignKey,
    Index,
    Key,
    Omission,
    Schema,
    Statement,
    Table,
    TableName,
)

_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT", " ": "NO ACTION"}


@dataclass(frozen=True)
class Reflection:
    schema: Schema
    findings: tuple[Finding, ...]


def reflect(catalogue: Catalogue) -> Reflection:
    """All ordinary and partitioned tables of all schemas; partitions are part of their root."""
    builder = _Builder(catalogue)
    tables = [builder.table(relation) for relation in catalogue.relations if builder.is_table(relation)]
    schema = Schema(
        "postgresql",
        tuple(_parents_first(tables)),
        preamble=tuple(preamble(catalogue)),
        epilogue=tuple(epilogue(catalogue, builder.details.get(0, []))),
        omissions=(*omissions(catalogue), *builder.omissions()),
        privileges=tuple(map(statement_of, catalogue.privileges)),
    )
    return Reflection(schema, (*_findings(schema), *_domain_findings(catalogue)))


class _Builder:
    """Tables from catalogue rows, with the look-ups that they need."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.relations = {relation.oid: relation for relation in catalogue.relations}
        self.names = {oid: TableName(relation.schema, relation.name) for oid, relation in self.relations.items()}
        self.owned = {(s.owner, s.column): s for s in catalogue.sequences if s.owner is not None}
        self.partitions: dict[int, list[Relation]] = {}
        for relation in catalogue.relations:
            if relation.is_partition and relation.parents:
                self.partitions.setdefault(relation.parents[0], []).append(relation)
        self.roots = {oid: self._root(relation) for oid, relation in self.relations.items()}
        self.details: dict[int, list[Definition]] = {}
        for detail in catalogue.details:
            self.details.setdefault(self.roots.get(detail.relation, 0), []).append(detail)

    def _root(self, relation: Relation) -> int:
        """The table that the clone knows: the root of a partition, 0 for a foreign table."""
        if relation.is_partition and relation.parents and relation.parents[0] in self.relations:
            return self._root(self.relations[relation.parents[0]])
        return relation.oid if self.is_table(relation) else 0

    def is_table(self, relation: Relation) -> bool:
        return relation.kind in "rp" and not relation.is_partition

    def table(self, relation: Relation) -> Table:
        constraints = self.catalogue.constraints.get(relation.oid, [])
        indexes = self.catalogue.indexes.get(relation.oid, [])
        keys = [_key(c) for c in constraints if c.kind == "u"]
        keys += [Key(i.name, tuple(i.columns), i.nulls_distinct) for i in indexes if i.unique and i.total]
        primary = next((_key(c) for c in constraints if c.kind == "p"), None)
        return Table(
            name=self.names[relation.oid],
            columns=tuple(self._column(attribute) for attribute in self.catalogue.attributes.get(relation.oid, [])),
            primary_key=primary,
            uniques=tuple(keys),
            foreign_keys=tuple(self._foreign_keys(relation, constraints)),
            checks=tuple(map(_check, (c for c in constraints if c.kind == "c"))),
            indexes=tuple(map(_index, indexes)),
            exclusions=tuple(
                _exclusion(c) for c in constraints if c.kind == "x" and len(c.columns) == len(c.operators)
            ),
            inherits=tuple(self.names[oid] for oid in relation.parents if oid in self.names),
            suffix=_suffix(relation),
            # A table takes the sequences that it owns along when it becomes unlogged.
            attachments=(
                *self._partition_ddl(relation),
                *self._ownership(relation, "u"),
                *_unlogged(relation),
                *self._ownership(relation, "p"),
            ),
            completions=(*self._exclusions(relation), *map(statement_of, self.details.get(relation.oid, []))),
            narrower=tuple(self._unique_within_partitions(relation)),
            within=tuple(self._checked_within_partitions(relation)),
        )

    def _exclusions(self, relation: Relation) -> Iterator[Statement]:
        for constraint in self.catalogue.constraints.get(relation.oid, []):
            if constraint.kind == "x":
                yield _add_constraint(self.names[relation.oid], constraint)

    def _column(self, attribute: Attribute) -> Column:
        types = self.catalogue.types
        identity = {"a": "always", "d": "by default"}.get(attribute.identity)
        generated = bool(attribute.generated)
        if not identity and not generated and (attribute.expression or "").startswith("nextval("):
            identity = "serial"
        by_type = types[attribute.type].not_null and not attribute.not_null
        return Column(
            name=attribute.name,
            type=replace(sql_type(types, attribute.type, attribute.modifier, attribute.sql), not_null=by_type),
            nullable=not (attribute.not_null or by_type),
            default=None if generated else attribute.expression,
            generated=attribute.expression if generated else None,
            identity=identity,
            collation=attribute.collation,
            inherited=not attribute.local,
        )

    def _foreign_keys(self, relation: Relation, constraints: list[Constraint]) -> Iterator[ForeignKey]:
        for constraint in constraints:
            parent = self.relations.get(constraint.parent)
            if constraint.kind == "f" and parent and self.is_table(parent) and not constraint.inherited:
                yield self._foreign_key(constraint)
        yield from self._shared_by_partitions(relation)

    def _foreign_key(self, constraint: Constraint) -> ForeignKey:
        return ForeignKey(
            constraint.name,
            tuple(constraint.columns),
            self.names[constraint.parent],
            tuple(constraint.parent_columns),
            on_delete=_ACTIONS[constraint.on_delete],
            on_update=_ACTIONS[constraint.on_update],
            deferrable=constraint.deferrable,
            initially_deferred=constraint.deferred,
            match_full=" MATCH FULL" in constraint.definition,
            set_columns=_set_columns(constraint),
            not_valid=not constraint.validated,
        )

    def _shared_by_partitions(self, relation: Relation) -> Iterator[ForeignKey]:
        """Foreign keys that partitions declare for themselves: the root's in all but name.

        A partition that lacks one is taken to have been forgotten: the clone's rows keep the key there too.
        """
        alike: dict[tuple[object, ...], list[tuple[Relation, Constraint]]] = {}
        for part in self._parts(relation):
            for constraint in self._declared(part):
                parent = self.relations.get(constraint.parent)
                if parent and self.is_table(parent):
                    alike.setdefault(_essence(constraint), []).append((part, constraint))
        for (part, first), *others in alike.values():
            key = self._foreign_key(first)
            places = ((self.names[p.oid], c.name) for p, c in [(part, first), *others])
            yield replace(key, name=key.name.replace(part.name, relation.name), declared_by=tuple(places))

    def _declared(self, relation: Relation) -> list[Constraint]:
        """Foreign keys of a partition that are its own."""
        found = self.catalogue.constraints.get(relation.oid, [])
        return [c for c in found if c.kind == "f" and not c.inherited]

    def omissions(self) -> Iterator[Omission]:
        """Foreign keys that a clone cannot have."""
        reason = "it refers to a partition, and a clone's rows are placed by their table alone"
        for relation in self.catalogue.relations:
            if self.roots[relation.oid]:
                for constraint in self.catalogue.constraints.get(relation.oid, []):
                    if self._refers_to_partition(constraint):
                        yield Omission("foreign key", f"{constraint.name} on {self.names[relation.oid]}", reason)

    def _refers_to_partition(self, constraint: Constraint) -> bool:
        parent = self.relations.get(constraint.parent)
        return constraint.kind == "f" and not constraint.inherited and not (parent and self.is_table(parent))

    def _parts(self, relation: Relation) -> Iterator[Relation]:
        """All partitions, those of partitions too."""
        for part in self.partitions.get(relation.oid, []):
            yield part
            yield from self._parts(part)

    def _unique_within_partitions(self, root: Relation) -> Iterator[Index]:
        """The keys and unique indexes that are a partition's own, as unique indexes over its rows of the root."""
        for part in self._parts(root):
            for index in self.catalogue.indexes.get(part.oid, []):
                if index.unique:
                    found = _index(index)
                    bound = rows_it_might_hold(part)
                    within = " AND ".join(f"({c})" for c in (bound, found.condition) if c)
                    yield replace(found, condition=within, ddl="")
            for key in self.catalogue.constraints.get(part.oid, []):
                if key.kind in "pu" and not key.inherited:
                    items = tuple(map(quote, key.columns))
                    columns, distinct = tuple(key.columns), key.nulls_distinct
                    yield Index(key.name, columns, True, "", items, rows_it_might_hold(part), distinct)

    def _checked_within_partitions(self, root: Relation) -> Iterator[tuple[TableName, Check]]:
        attributes = self.catalogue.attributes
        for part in self._parts(root):
            own, above = attributes.get(part.oid, []), attributes.get(part.parents[0], [])
            for check in asked_within(part, self.catalogue.constraints.get(part.oid, []), own, above):
                yield self.names[part.oid], check

    def _partition_ddl(self, root: Relation) -> Iterator[Statement]:
        """The partitions of a table with the keys and indexes that are their own."""
        for part in self.partitions.get(root.oid, []):
            name = self.names[part.oid]
            for sql in self._create_partition(part, root):
                yield Statement("partition", str(name), sql)
            yield from _unlogged(part)
            attributes = self.catalogue.attributes
            yield from own_columns(name, attributes.get(part.oid, []), attributes.get(root.oid, []))
            for constraint in self.catalogue.constraints.get(part.oid, []):
                if constraint.kind in "pucx" and not constraint.inherited:
                    yield _add_constraint(name, constraint)
            for index in self.catalogue.indexes.get(part.oid, []):
                yield Statement("index", f"{index.name} on {name}", index.definition)
            yield from self._partition_ddl(part)

    def _create_partition(self, part: Relation, root: Relation) -> Iterator[str]:
        """A partition with the columns of its root; one that has them in an order of its own is attached."""
        attributes = self.catalogue.attributes
        own, above = attributes.get(part.oid, []), attributes.get(root.oid, [])
        name, parent = dotted(self.names[part.oid]), dotted(self.names[root.oid])
        more = (f" PARTITION BY {part.partition_key}" if part.partition_key else "") + _storage(part)
        if [a.name for a in own] == [a.name for a in above]:
            yield f"CREATE TABLE {name} PARTITION OF {parent} {part.bound}{more}"
            return
        constraints = self.catalogue.constraints.get(part.oid, [])
        items = [column_definition(self._column(attribute)) for attribute in own]
        items += [check_definition(_check(c)) for c in constraints if c.kind == "c" and c.inherited]
        yield f"CREATE TABLE {name} ({', '.join(items)}){more}"
        yield f"ALTER TABLE {parent} ATTACH PARTITION {name} {part.bound}"

    def _ownership(self, relation: Relation, persistence: str) -> Iterator[Statement]:
        for (owner, column), sequence in self.owned.items():
            if owner == relation.oid and column is not None and sequence.persistence == persistence:
                name, table = TableName(sequence.schema, sequence.name), self.names[relation.oid]
                alter = ""
                if sequence.dependency == "a":
                    alter = f"ALTER SEQUENCE {dotted(name)} OWNED BY {dotted(table)}.{quote(column)}"
                elif not is_usual(sequence) or sequence.name != f"{relation.name}_{column}_seq":
                    alter = self._identity(relation, column, sequence)
                yield Statement("sequence", str(name), alter)

    def _identity(self, relation: Relation, column: str, sequence: Sequence) -> str:
        """An identity whose sequence has a name or settings of its own, in place of the usual one."""
        attributes = self.catalogue.attributes[relation.oid]
        how = next("ALWAYS" if a.identity == "a" else "BY DEFAULT" for a in attributes if a.name == column)
        alter = f"ALTER COLUMN {quote(column)}"
        settings = f"SEQUENCE NAME {dotted(TableName(sequence.schema, sequence.name))} {sequence_settings(sequence)}"
        change = f"{alter} DROP IDENTITY, {alter} ADD GENERATED {how} AS IDENTITY ({settings})"
        return f"ALTER TABLE {dotted(self.names[relation.oid])} {change}"


def _key(constraint: Constraint) -> Key:
    text = constraint.definition
    more = constraint.deferrable or " INCLUDE (" in text or " WITH (" in text
    return Key(constraint.name, tuple(constraint.columns), constraint.nulls_distinct, text if more else "")


def _index(row: IndexRow) -> Index:
    ddl = _for_partitions_too(row.definition)
    columns, items = tuple(row.columns), tuple(row.items)
    return Index(row.name, columns, row.unique, ddl, items, row.condition or "", row.nulls_distinct)


def _check(constraint: Constraint) -> Check:
    return Check(
        constraint.name,
        constraint.condition or "true",
        no_inherit=constraint.no_inherit,
        not_valid=not constraint.validated,
        inherited=constraint.inherited,
    )


def _exclusion(constraint: Constraint) -> Exclusion:
    elements = zip(constraint.columns, constraint.operators, strict=True)
    return Exclusion(constraint.name, tuple(elements), constraint.predicate or "")


def _set_columns(constraint: Constraint) -> tuple[str, ...]:
    """Columns of ``ON DELETE SET NULL (...)``, found among the key's own by their quoted names."""
    rest = r"(?: (?:NOT )?DEFERRABLE.*| NOT VALID)?$"
    found = re.search(r" ON DELETE SET (?:NULL|DEFAULT) \((.*?)\)" + rest, constraint.definition)
    named = found.group(1).split(", ") if found else []
    return tuple(c for c in constraint.columns if c in named or quote(c) in named)


_KINDS = {"p": "primary key", "u": "unique key", "c": "check", "x": "exclusion"}


def _add_constraint(table: TableName, constraint: Constraint) -> Statement:
    sql = f"ALTER TABLE {dotted(table)} ADD CONSTRAINT {quote(constraint.name)} {constraint.definition}"
    return Statement(_KINDS[constraint.kind], f"{constraint.name} on {table}", sql)


def _suffix(relation: Relation) -> str:
    if relation.partition_key:
        return f"PARTITION BY {relation.partition_key}"
    return _storage(relation).lstrip()


def _storage(relation: Relation) -> str:
    return f" WITH ({relation.storage})" if relation.storage else ""


def _unlogged(relation: Relation) -> Iterator[Statement]:
    if relation.persistence == "u":
        name = TableName(relation.schema, relation.name)
        yield Statement("unlogged", str(name), f"ALTER TABLE {dotted(name)} SET UNLOGGED")


def _for_partitions_too(definition: str) -> str:
    """The definition of a partitioned table's index, which the catalogue prints without its partitions."""
    return definition.replace(" ON ONLY ", " ON ", 1)


def _essence(constraint: Constraint) -> tuple[object, ...]:
    return tuple(constraint.columns), constraint.parent, tuple(constraint.parent_columns)


def _parents_first(tables: list[Table]) -> list[Table]:
    """Tables in name order, but after those that they inherit from."""
    ordered: dict[TableName, Table] = {}
    by_name = {table.name: table for table in tables}

    def place(table: Table) -> None:
        for parent in table.inherits:
            if parent not in ordered and parent in by_name:
                place(by_name[parent])
        ordered[table.name] = table

    for table in tables:
        if table.name not in ordered:
            place(table)
    return list(ordered.values())


def _findings(schema: Schema) -> Iterator[Finding]:
    """What is not recreated, or not as it was, said aloud."""
    for lost in schema.omissions:
        message = f"The {lost.kind} {lost.name} is not copied: {lost.reason}."
        yield Finding(Severity.WARNING, "not-copied", None, (), message, subject=f"{lost.kind} {lost.name}")
    for statement, names in settings_asked(schema):
        asked = f"the setting{'s' if len(names) > 1 else ''} {', '.join(names)}"
        message = f"The {statement.subject} asks the session for {asked}: who uses the clone must set the same."
        yield Finding(Severity.NOTE, "session-setting", None, (), message, subject=statement.subject)
    for table in schema.tables:
        for key in table.foreign_keys:
            if key.not_valid:
                yield _validated(table, "foreign key", key.name, key.columns)
        for check in table.checks:
            if check.not_valid:
                yield _validated(table, "check", check.name, ())


def _domain_findings(catalogue: Catalogue) -> Iterator[Finding]:
    for kind in catalogue.types.values():
        for name in kind.not_valid if kind.own else ():
            domain = f"domain {kind.schema}.{kind.name}"
            message = f"The constraint {name} of {domain} is NOT VALID in the source; all of the clone satisfies it."
            yield Finding(Severity.NOTE, "validated", None, (), message, subject=domain)


def _validated(table: Table, kind: str, name: str, columns: tuple[str, ...]) -> Finding:
    message = f"The constraint {name} is NOT VALID in the source; all rows of the clone satisfy it."
    return Finding(Severity.NOTE, "validated", table.name, columns, message, subject=f"{kind} {name} on {table.name}")
