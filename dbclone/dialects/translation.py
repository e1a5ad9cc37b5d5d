"""A schema of one dialect in the terms of another: names, types, keys, references, conditions, indexes.

Pure and repeatable: a target translates when it creates, and ``checking`` again when it proves.  Tables and columns
keep their places, so that position links them to the originals.  PostgreSQL's tables always carry their schema
(``public`` too); SQLite and MariaDB have none, so ``public`` stands for their only one, and names that several schemas
share get the schema's name as a prefix; so it is with DuckDB, whose references stay within a schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dbclone.dialects import mysql_fitting
from dbclone.dialects.base import MAX_DECIMAL_DIGITS, constraint_name, domain_condition, literal, qualified, quote
from dbclone.dialects.sqlite_ddl import Token, tokenize
from dbclone.dialects.type_mapping import FLOAT_DIGITS, mapped
from dbclone.findings import Finding, Severity
from dbclone.schema import Check, Column, ForeignKey, Index, Key, Schema, SqlType, Table, TableName, TypeFamily

if TYPE_CHECKING:
    from dbclone.dialects.expressions import Translator

_NAME_BYTES = 63
"""PostgreSQL cuts longer names."""
_SPOKEN = frozenset({
    "aggregate", "event", "exclusion", "forced row security", "function", "materialized view", "policy", "procedure",
    "row security", "rule", "trigger", "view",
})  # fmt: skip
"""Kinds that are written in the source's language."""
_CARRIED = frozenset({
    "collation", "composite type", "domain", "enum", "extension", "index", "range type", "schema", "sequence",
})  # fmt: skip
"""Kinds of which tables and columns carry what the target can express, or that are told elsewhere."""
_LONG = ("text", "longtext", "longblob", "json")
_INDEXED_CHARACTERS = 100
"""So many of a long text stand in an index of MariaDB's."""
_NAME_CHARACTERS = 64
"""MariaDB refuses longer names."""
_COMPARABLE = (
    frozenset({TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT}),
    frozenset({TypeFamily.DATE, TypeFamily.TIMESTAMP}),
)


def translate(schema: Schema, dialect: str) -> tuple[Schema, tuple[Finding, ...]]:
    """The schema in the target's terms, table by table and column by column in the same order, and what got lost."""
    if schema.dialect == dialect:
        return schema, ()
    translation = _Translation(schema, dialect)
    tables = tuple(translation.table(table) for table in schema.tables)
    translation.report_views()
    translation.report_general()
    return Schema(dialect, tables), tuple(translation.findings)


class _Names:
    """Names that must differ within a scope, in the way in which the target compares them."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._used: set[str] = set()

    def take(self, wanted: str) -> str:
        name, attempt = self._cut(wanted, ""), 1
        if self._dialect == "sqlite" and name.lower().startswith("sqlite_"):
            name = "_" + name
        while self._key(name) in self._used:
            attempt += 1
            name = self._cut(wanted, f"_{attempt}")
        self._used.add(self._key(name))
        return name

    def _key(self, name: str) -> str:
        return name if self._dialect == "postgresql" else name.lower()

    def _cut(self, name: str, suffix: str) -> str:
        if self._dialect in ("sqlite", "duckdb"):
            return name + suffix
        if self._dialect == "mysql":
            return (name[: _NAME_CHARACTERS - len(suffix)].rstrip() or "_") + suffix
        room = _NAME_BYTES - len(suffix.encode())
        return name.encode()[:room].decode(errors="ignore") + suffix


class _Translation:
    """One schema on its way; collects findings."""

    def __init__(self, schema: Schema, dialect: str) -> None:
        self.schema, self.dialect = schema, dialect
        self.findings: list[Finding] = []
        self.changed_keys = 0
        self.relations = _Names(dialect)
        self.tables = {table.name: self._table_name(table.name) for table in schema.tables}
        self.columns = {table.name: self._column_names(table) for table in schema.tables}
        self.types = {
            (table.name, column.name): mapped(column.type, schema.dialect, dialect)
            for table in schema.tables
            for column in table.columns
        }
        if dialect == "mysql":
            self.types = mysql_fitting.fit(schema, self.types)

    def _table_name(self, name: TableName) -> TableName:
        if self.dialect == "postgresql":
            return TableName("public", self.relations.take(name.name))
        shared = sum(other.name.name.lower() == name.name.lower() for other in self.schema.tables) > 1
        wanted = f"{name.schema}_{name.name}" if shared and name.schema != "public" else name.name
        return TableName("", self.relations.take(wanted))

    def _column_names(self, table: Table) -> dict[str, str]:
        names = _Names(self.dialect)
        return {column.name: names.take(column.name) for column in table.columns}

    def table(self, table: Table) -> Table:
        names = self.columns[table.name]
        constraints = _Names(self.dialect)
        primary = None
        if table.primary_key:
            primary = self._key(table, _named(table, table.primary_key, self.schema.dialect))
        # An index may stand for a unique key under the same name: translate the name once.
        uniques = {key.name: self._key(table, key) for key in table.uniques}
        references = [self._foreign_key(table, key, constraints) for key in table.foreign_keys]
        if table.inherits:
            self._note(table, (), "inheritance", "The clone's table stands alone: only PostgreSQL knows INHERITS.")
        return Table(
            name=self.tables[table.name],
            columns=tuple(self._column(table, column) for column in table.columns) or self._some_column(table),
            primary_key=primary,
            uniques=tuple(uniques.values()),
            foreign_keys=tuple(key for key in references if key is not None),
            checks=tuple(self._checks(table, names, constraints)),
            indexes=tuple(self._indexes(table, uniques)),
        )

    def _note(self, table: Table, columns: tuple[str, ...], code: str, message: str, part: str = "") -> None:
        """Tell what gets lost; ``part`` is the kind and name of what belongs to the table and is no column."""
        subject = f"{part} on {table.name}" if part else ""
        self.findings.append(Finding(Severity.NOTE, code, table.name, columns, message, subject=subject))

    def _some_column(self, table: Table) -> tuple[Column, ...]:
        """Only PostgreSQL has tables without columns."""
        message = "The table has no columns; the clone's has one, which is always NULL, as the target asks for one."
        subject = f"table {table.name}"
        self.findings.append(Finding(Severity.NOTE, "no-columns", table.name, (), message, subject=subject))
        return (Column("nothing", mapped(SqlType(TypeFamily.BOOLEAN, "boolean"), "postgresql", self.dialect)),)

    def _key(self, table: Table, key: Key) -> Key:
        names = self.columns[table.name]
        if not key.nulls_distinct and self.dialect != "postgresql":
            message = "The target allows NULL more than once in a unique key."
            self._note(table, key.columns, "nulls-distinct", message, f"unique key {key.name}")
        distinct = key.nulls_distinct or self.dialect != "postgresql"
        return Key(self.relations.take(key.name), tuple(names[column] for column in key.columns), distinct)

    def _column(self, table: Table, column: Column) -> Column:
        found = self.types[table.name, column.name]
        if column.type.family is TypeFamily.DECIMAL:
            self._note_digits(table, column)
        identity = self._identity(table, column)
        generated = self._generated(table, column)
        lost = column.generated is not None and generated is None
        return Column(
            name=self.columns[table.name][column.name],
            type=replace(found, sql="INTEGER") if identity == "rowid" else found,
            nullable=column.nullable or lost,
            default=None if identity or column.generated is not None else self._default(table, column),
            generated=generated,
            identity=identity,
        )

    def _note_digits(self, table: Table, column: Column) -> None:
        digits, message = column.type.precision, ""
        if self.dialect == "sqlite" and (digits is None or digits > FLOAT_DIGITS):
            message = f"SQLite stores decimals as floats: more than {FLOAT_DIGITS} digits are rounded."
        if self.dialect == "duckdb" and (digits or 0) > MAX_DECIMAL_DIGITS:
            message = f"DuckDB keeps {MAX_DECIMAL_DIGITS} digits of a decimal: others are rounded."
        if message:
            self._note(table, (column.name,), "precision", message)

    def _identity(self, table: Table, column: Column) -> str | None:
        if column.identity is None:
            return None
        if self.dialect == "postgresql":
            return "by default"
        if self.dialect == "mysql":
            return "by default" if column.name == _counted(table) else None
        if self.dialect == "duckdb":
            return "by default" if column.type.family is TypeFamily.INTEGER else None
        alone = table.primary_key is not None and table.primary_key.columns == (column.name,)
        return "rowid" if alone and column.type.family is TypeFamily.INTEGER else None

    def _default(self, table: Table, column: Column) -> str | None:
        if column.default is None or (column.identity and "nextval" in column.default):
            return None
        translated = self._translator(table).default(column.default, column)
        if translated is None:
            self._note(table, (column.name,), "default", "The column's default is not translated.")
        return translated

    def _generated(self, table: Table, column: Column) -> str | None:
        if column.generated is None:
            return None
        translated = self._translator(table).generated(column.generated, column)
        if translated is None:
            message = "The expression of a generated column is not translated: the column is a plain, empty one."
            self._note(table, (column.name,), "generated", message)
        return translated

    def _translator(self, table: Table) -> Translator:
        from dbclone.dialects.expressions import Translator

        return Translator(table.columns, self.columns[table.name], self.schema.dialect, self.dialect)

    def _checks(self, table: Table, names: dict[str, str], constraints: _Names) -> Iterator[Check]:
        for column in table.columns:
            if column.type.values and self.dialect not in ("mysql", "duckdb"):  # which have labels as a type
                labels = ", ".join(map(literal, column.type.values))
                name = constraints.take(f"{self.tables[table.name].name}_{column.name}_check")
                yield Check(name, f"{quote(names[column.name])} IN ({labels})")
            for condition in column.type.checks:
                check = Check(f"{table.name.name}_{column.name}_check", domain_condition(column, condition))
                yield from self._check(table, check, constraints)
        for check in table.checks:
            yield from self._check(table, check, constraints)

    def _check(self, table: Table, check: Check, constraints: _Names) -> Iterator[Check]:
        translated = self._translator(table).condition(check.expression)
        if translated is None:
            message = f"The check {check.name} is not translated, so the clone lacks it."
            self._note(table, (), "check", message, f"check {check.name}")
        elif self.dialect == "mysql" and self._is_about_the_counted(table, translated):
            message = f"The check {check.name} is about a column that MariaDB counts by itself, so the clone lacks it."
            self._note(table, (), "check", message, f"check {check.name}")
        else:
            yield Check(constraints.take(check.name), translated)

    def _is_about_the_counted(self, table: Table, condition: str) -> bool:
        counted = _counted(table)
        return counted is not None and "`" + self.columns[table.name][counted].replace("`", "``") + "`" in condition

    def _foreign_key(self, table: Table, key: ForeignKey, constraints: _Names) -> ForeignKey | None:
        if key.virtual is not None:
            return self._virtual_key(table, key)
        parent = self.schema.table(key.parent)
        own = [self.types[table.name, column].family for column in key.columns]
        theirs = [self.types[parent.name, column].family for column in key.parent_columns]
        unique = any(set(known.columns) == set(key.parent_columns) for known in parent.keys)
        if self.dialect != "sqlite" and not (unique and all(map(self._comparable, own, theirs))):
            why = "types differ" if unique else "parent columns are not unique"
            message = f"Foreign key {key.name} is left out: its {why}."
            self._note(table, key.columns, "dangling-key", message, f"foreign key {key.name}")
            return None
        if self.schema.dialect == "mysql":  # to which they are the same
            delete, update = (action.replace("RESTRICT", "NO ACTION") for action in (key.on_delete, key.on_update))
            key = replace(key, on_delete=delete, on_update=update)
        names = constraints
        if self.dialect == "mysql":
            key, names = self._for_mysql(table, key, parent), self.relations
        return replace(
            key,
            name=names.take(key.name),
            columns=tuple(self.columns[table.name][column] for column in key.columns),
            parent=self.tables[key.parent],
            parent_columns=tuple(self.columns[key.parent][column] for column in key.parent_columns),
        )

    def _virtual_key(self, table: Table, key: ForeignKey) -> ForeignKey:
        """No target creates it, so that nothing hinders it and its name takes none away."""
        assert key.virtual is not None
        where = key.virtual.where
        if where is not None:
            where = (self.columns[table.name][where[0]], where[1])
        return replace(
            key,
            columns=tuple(self.columns[table.name][column] for column in key.columns),
            parent=self.tables[key.parent],
            parent_columns=tuple(self.columns[key.parent][column] for column in key.parent_columns),
            virtual=replace(key.virtual, where=where),
        )

    def _comparable(self, one: TypeFamily, other: TypeFamily) -> bool:
        """Whether a reference may be between them; InnoDB insists on one type."""
        return one is other or (
            self.dialect != "mysql" and any(one in group and other in group for group in _COMPARABLE)
        )

    def _for_mysql(self, table: Table, key: ForeignKey, parent: Table) -> ForeignKey:
        """A reference as InnoDB knows them: checked at once, by rows of the parent's key in its order."""
        if refused := mysql_fitting.refusal(key, table):
            message = f"Foreign key {key.name} has no action: MariaDB has no {refused}."
            self._note(table, key.columns, "action", message, f"foreign key {key.name}")
            key = replace(key, on_delete="NO ACTION", on_update="NO ACTION", set_columns=())
        if key.deferrable or key.match_full:
            self.changed_keys += 1
        key = replace(key, deferrable=False, initially_deferred=False, match_full=False, declared_by=())
        return mysql_fitting.in_order_of_key(key, parent)

    def _indexes(self, table: Table, uniques: dict[str, Key]) -> Iterator[Index]:
        """Plain indexes; those with expressions, conditions or methods of their own are reported."""
        for index in table.indexes:
            if not is_plain(index.ddl):
                message = f"The index {index.name} is not translated."
                self._note(table, index.columns, "not-copied", message, f"index {index.name}")
                continue
            columns = tuple(self.columns[table.name][column] for column in index.columns)
            name = uniques[index.name].name if index.name in uniques else self.relations.take(index.name)
            unique = "UNIQUE " if index.unique else ""
            target = qualified(self.tables[table.name])
            items = self._indexed(table, index.columns)
            ddl = f"CREATE {unique}INDEX {quote(name)} ON {target} ({', '.join(items)})"
            yield Index(name, columns, index.unique, ddl)

    def _indexed(self, table: Table, columns: tuple[str, ...]) -> Iterator[str]:
        """Columns of an index; MariaDB takes the beginning of texts that are long."""
        for column in columns:
            name = quote(self.columns[table.name][column])
            long = self.dialect == "mysql" and self.types[table.name, column].sql in _LONG
            yield f"{name}({_INDEXED_CHARACTERS})" if long else name

    def report_views(self) -> None:
        """Views and triggers speak the source's language; comments and settings are only counted."""
        around = [statement for table in self.schema.tables for statement in table.completions]
        lost = {s.subject: s for s in (*self.schema.preamble, *self.schema.epilogue, *around)}
        for subject in (subject for subject, statement in lost.items() if statement.kind in _SPOKEN):
            message = f"The {subject} is not translated, so the clone lacks it."
            self.findings.append(Finding(Severity.NOTE, "not-copied", None, (), message, subject=subject))
        kinds = [s.kind for s in lost.values() if s.kind not in _SPOKEN | _CARRIED]
        for kind in sorted(set(kinds)):
            message = f"The clone lacks what the source has of this: {kind} ({kinds.count(kind)})."
            self.findings.append(Finding(Severity.NOTE, "not-copied", None, (), message))

    def report_general(self) -> None:
        """What holds for the schema as a whole, said once."""
        if self.changed_keys:
            message = f"{self.changed_keys} foreign keys are no longer deferrable or MATCH FULL."
            self.findings.append(Finding(Severity.NOTE, "action", None, (), message))
        if self.schema.dialect != "mysql":
            return
        collations = {column.collation or "" for table in self.schema.tables for column in table.columns}
        if any(name.endswith("_ci") for name in collations):
            message = "Texts of the clone differ by case and accents, which some collations of the source ignore."
            self.findings.append(Finding(Severity.NOTE, "collation", None, (), message))
        for table in self.schema.tables:
            if table.suffix:
                self._note(table, (), "not-copied", "The table is not partitioned in the clone.")
            if " ON UPDATE current_timestamp" in (table.ddl or ""):
                self._note(table, (), "not-copied", "The clone sets no time when a row is updated.")


def _named(table: Table, key: Key, dialect: str) -> Key:
    """A primary key by a name that is its own: MariaDB calls all of them PRIMARY."""
    return replace(key, name=constraint_name(table.name.name, (), "pkey")) if dialect == "mysql" else key


def _counted(table: Table) -> str | None:
    """The one column that MariaDB can count by itself: a whole number, the first of a key."""
    firsts = {key.columns[0] for key in table.keys}
    numbers = (c.name for c in table.columns if c.identity and c.type.family is TypeFamily.INTEGER)
    return next((name for name in numbers if name in firsts), None)


def is_plain(ddl: str) -> bool:
    """True for an index of the usual kind over columns alone, all rows: ``... ON t [USING btree] (a, b DESC)``."""
    tokens = tokenize(ddl)
    opening = next((at for at, token in enumerate(tokens) if token.text == "("), None)
    if opening is None:
        return False
    words = [token.word for token in tokens[:opening]]
    if words[1] in ("FULLTEXT", "SPATIAL"):
        return False
    if "USING" in words and words[words.index("USING") + 1] != "BTREE":
        return False
    inside = [token for token in tokens[opening + 1 :] if token.depth == 1]
    closing = next(at for at, token in enumerate(tokens) if token.text == ")" and token.depth == 0)
    items = _split(inside)
    extra = {"ASC", "DESC", "NULLS", "FIRST", "LAST"}
    plain = all(not any(t.text == "(" for t in item) and {t.word for t in item[1:]} <= extra for item in items)
    return plain and not [token for token in tokens[closing + 1 :] if token.text != ";"]


def _split(tokens: Iterable[Token]) -> list[list[Token]]:
    items: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == ",":
            items.append([])
        else:
            items[-1].append(token)
    return items
