"""What tables demand beyond keys and references, drawn for a table that has its columns, keys and references already.

CHECKs over one or several columns, domains, generated columns, unique indexes over some rows or over expressions, keys
that are deferrable or in which NULL is a value, EXCLUDE, and partitions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from dbclone.schema import Check, Column, Index, Key, SqlType, Statement, Table, TypeFamily
from tests import random_rules as rules
from tests.random_database import MAKERS, WORDS
from tests.random_rules import Computed, Distinct, Extras, Row, Rule, quoted

SPAN = SqlType(TypeFamily.OPAQUE, "int4range")
WHOLE = SqlType(TypeFamily.INTEGER, "whole", precision=32)
TAG = SqlType(TypeFamily.TEXT, '"Short Tag"', length=12)
DOMAINS = (
    Statement("domain", "public.whole", "CREATE DOMAIN whole AS integer CHECK (VALUE >= 0)"),
    Statement(
        "domain", 'public."Short Tag"',
        """CREATE DOMAIN "Short Tag" AS varchar(12) NOT NULL CONSTRAINT "not blank" CHECK (VALUE <> '')""",
    ),
    Statement("extension", "btree_gist", "CREATE EXTENSION IF NOT EXISTS btree_gist"),
)  # fmt: skip
DOMAIN_KINDS = (WHOLE, TAG)
YEAR = SqlType(TypeFamily.INTEGER, "year", precision=16)
KINDS = {
    "postgresql": (*DOMAIN_KINDS, SPAN),
    "mysql": (
        SqlType(TypeFamily.OPAQUE, "set('red', 'it''s', 'two words')"),
        YEAR,
        SqlType(TypeFamily.INTEGER, "mediumint", precision=24),
        SqlType(TypeFamily.TEXT, "varchar(20) COLLATE utf8mb4_general_ci", length=20),
        SqlType(TypeFamily.DECIMAL, "decimal(8,3) unsigned", precision=8, scale=3, unsigned=True),
    ),
    "sqlite": (),
}
"""Further types of columns."""
_OWN = (*DOMAIN_KINDS, SPAN, YEAR)
"""Those whose values other conditions than their own would not suit."""
BIG = SqlType(TypeFamily.INTEGER, "bigint", precision=64)
TEXT = SqlType(TypeFamily.TEXT, "text")
_NUMBERS = (TypeFamily.INTEGER, TypeFamily.DECIMAL)
_ORDERED = (*_NUMBERS, TypeFamily.DATE)
_ABLE = (TypeFamily.INTEGER, TypeFamily.TEXT, TypeFamily.DATE, TypeFamily.DECIMAL, TypeFamily.TIMESTAMP)


@dataclass
class Rich:
    """A table and what is added to it."""

    table: Table
    dialect: str
    referred: frozenset[tuple[str, ...]]
    """Its keys that foreign keys lead to."""
    rules: list[Rule] = field(default_factory=list)
    silent: list[Rule] = field(default_factory=list)
    """Rules of domains and partitions, which are no CHECKs of the table."""
    distinct: list[Distinct] = field(default_factory=list)
    computed: dict[str, Computed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bound = {c for key in self.table.keys for c in key.columns}
        self.referring = [c for c in self.table.columns if c.name in self._reference_columns()]
        self.plain = [c for c in self.table.columns if c.name not in bound | self._reference_columns()]

    def _reference_columns(self) -> set[str]:
        return {c for fk in self.table.foreign_keys for c in fk.columns}

    def of(self, *families: TypeFamily) -> list[Column]:
        """Plain columns of these families, enums and domains left out."""
        return [c for c in self.plain if c.type.family in families and not c.type.values and c.type not in _OWN]

    @property
    def labelled(self) -> list[tuple[str, str]]:
        """Columns of few texts, and one of these."""
        enums = [(c.name, c.type.values[0]) for c in self.plain if c.type.values]
        return enums + [(c.name, WORDS[0][: c.type.length]) for c in self.of(TypeFamily.TEXT)]

    def finished(self) -> tuple[Table, Extras]:
        checks = tuple(Check(f"{self.table.name.name[:20]}_c{i}", rule.sql) for i, rule in enumerate(self.rules))
        extras = Extras((*self.rules, *self.silent), tuple(self.distinct), self.computed)
        return replace(self.table, checks=checks), extras


def _possible_checks(rich: Rich) -> Iterator[Rule]:
    """Every CHECK that makes sense for the columns."""
    for column in rich.of(*_NUMBERS):
        value = MAKERS[column.type.family](column, 9)
        least = "0" if column.type.family is TypeFamily.DECIMAL else 8 if column.type.precision != 64 else -12_081
        yield rules.at_least(column.name, least, column.type.family, value)
        if column.type.family is TypeFamily.INTEGER and column.type.precision != 64:
            yield rules.at_least(column.name, 8, column.type.family, value, most=300)
    for column in rich.of(TypeFamily.DATE):
        yield rules.at_least(column.name, "2000-01-01", TypeFamily.DATE, "2020-02-29")
    for column in rich.of(TypeFamily.TEXT):
        yield rules.not_empty(column.name)
        fitting = [word for word in WORDS[:6] if len(word) <= (column.type.length or 99)]
        yield rules.one_of(column.name, fitting or ["x"])
    for family in _ORDERED:
        for first, second in _pairs(rich.of(family)):
            if first.type == second.type:
                yield rules.in_order(first.name, second.name, family)
    for first, second in _pairs(rich.of(TypeFamily.INTEGER)):
        yield rules.sum_below(first.name, second.name, 400)
    loose = [c for c in (*rich.plain, *rich.referring) if c.nullable and c.type not in _OWN]
    for first, second in _pairs(loose):
        yield rules.some_of([first.name, second.name])
        yield rules.one_only(first.name, second.name, {first, second} <= set(rich.plain))
    for first, second in _pairs(rich.referring):
        if first.type == second.type:
            yield rules.different(first.name, second.name)
    for name, label in rich.labelled:
        yield from (rules.implied(name, label, c.name) for c in loose if c.name != name)


def _pairs(columns: list[Column]) -> Iterator[tuple[Column, Column]]:
    yield from ((a, b) for i, a in enumerate(columns) for b in columns[i + 1 :])


@st.composite
def _checks(draw: st.DrawFn, rich: Rich) -> None:
    possible = list(_possible_checks(rich))
    for place in draw(st.lists(st.integers(0, len(possible) - 1), max_size=3, unique=True)) if possible else []:
        rich.rules.append(possible[place])


def _domain_rules(rich: Rich) -> None:
    for column in rich.table.columns:
        if column.type == WHOLE:
            rich.silent.append(rules.at_least(column.name, 0, TypeFamily.INTEGER, 8))
        if column.type == TAG:
            rich.silent.append(_filled(column.name, "tag"))


def _filled(name: str, instead: str) -> Rule:
    return Rule("", lambda row: bool(row[name]), lambda row: row.update({name: instead}))


@st.composite
def _computed(draw: st.DrawFn, rich: Rich) -> None:
    """A generated column over plain columns."""
    possible = [(BIG, _doubled(c.name)) for c in rich.of(TypeFamily.INTEGER)]
    text = SqlType(TypeFamily.TEXT, "varchar(99)", length=99) if rich.dialect == "mysql" else TEXT  # which has keys
    possible += [(text, _folded(c.name, rich.dialect)) for c in rich.of(TypeFamily.TEXT) if c.type.sql != "char(3)"]
    if possible:
        kind, computed = draw(st.sampled_from(possible))
        name = "computed" if draw(st.booleans()) else 'com"puted %'
        column = Column(name, kind, generated=computed.sql)
        rich.table = replace(rich.table, columns=(*rich.table.columns, column))
        rich.computed[name] = computed
        if draw(st.integers(0, 2)) == 2:
            _add_index(rich, Distinct((name,)), quoted(name))


def _doubled(name: str) -> Computed:
    return Computed(f"{quoted(name)} * 2 + 1", lambda row: None if row[name] is None else row[name] * 2 + 1)  # type: ignore[operator]


def _folded(name: str, dialect: str) -> Computed:
    def value(row: Row) -> object:
        """SQLite folds ASCII letters only."""
        text = row[name]
        if text is None or dialect != "sqlite":
            return None if text is None else str(text).lower()
        return "".join(c.lower() if c.isascii() else c for c in str(text))

    return Computed(f"lower({quoted(name)})", value)


@st.composite
def _unique_index(draw: st.DrawFn, rich: Rich) -> None:
    """Over some rows, or over folded texts."""
    able = [c for c in (*rich.plain, *rich.referring) if c.type.family in _ABLE and not c.type.values]
    if not able:
        return
    chosen = draw(st.lists(st.sampled_from(able), min_size=1, max_size=2, unique=True))
    columns = tuple(c.name for c in chosen)
    texts = all(c.type.family is TypeFamily.TEXT for c in chosen)
    if texts and draw(st.booleans()):
        items = ", ".join(f"lower({quoted(name)})" for name in columns)
        _add_index(rich, Distinct(columns, folded=True), items)
        return
    conditions = [rules.is_label(name, label) for name, label in rich.labelled if name not in columns]
    conditions += [rules.is_there(c.name) for c in rich.table.columns if c.nullable and not c.generated]
    conditions += [rules.is_above(c.name, 20) for c in rich.of(TypeFamily.INTEGER)]
    if conditions:
        _add_index(rich, Distinct(columns, draw(st.sampled_from(conditions))), quoted(*columns))


@st.composite
def _prefix_index(draw: st.DrawFn, rich: Rich) -> None:
    """Over the first characters of a text, the only one that MariaDB has beside plain columns."""
    texts = [c for c in rich.of(TypeFamily.TEXT) if (c.type.length or 99) > 8 and "COLLATE" not in c.type.sql]
    if texts:
        name = draw(st.sampled_from(texts)).name
        _add_index(rich, Distinct((name,), prefix=8), f"{quoted(name)}(8)")


@st.composite
def _mariadb_partitions(draw: st.DrawFn, rich: Rich) -> None:
    """Of a table without references, by a whole number that all of its keys have."""
    keys = [set(key.columns) for key in rich.table.keys]
    able = [c for c in rich.table.columns if all(c.name in key for key in keys) and c.type.sql == "integer"]
    free = not (rich.table.foreign_keys or rich.referred or rich.table.indexes)
    if not able or not free or any(c.identity for c in rich.table.columns) or not draw(st.booleans()):
        return
    column = quoted(draw(st.sampled_from(able)).name)
    ranges = [f"PARTITION p{at} VALUES LESS THAN ({most})" for at, most in enumerate((40, 90, "MAXVALUE"))]
    ways = (f"HASH ({column}) PARTITIONS 3", f"RANGE ({column}) ({', '.join(ranges)})")
    rich.table = replace(rich.table, suffix=f"PARTITION BY {draw(st.sampled_from(ways))}")


def _add_index(rich: Rich, distinct: Distinct, items: str) -> None:
    name = f"{rich.table.name.name[:20]}_i{len(rich.table.indexes)}"
    where = f" WHERE {distinct.condition.sql}" if distinct.condition else ""
    sql = f"CREATE UNIQUE INDEX {quoted(name)} ON {quoted(rich.table.name.name)} ({items}){where}"
    rich.distinct.append(distinct)
    rich.table = replace(rich.table, indexes=(*rich.table.indexes, Index(name, distinct.columns, True, sql)))


@st.composite
def _odd_keys(draw: st.DrawFn, rich: Rich) -> None:
    """Unique keys that wait for the end of the transaction, or in which NULL is a value."""
    uniques = []
    for key in rich.table.uniques:
        way = draw(st.integers(0, 2))
        columns = quoted(*key.columns)
        if way == 1 and key.columns not in rich.referred:
            key = Key(key.name, key.columns, definition=f"UNIQUE ({columns}) DEFERRABLE INITIALLY DEFERRED")
        elif way == 2:
            key = Key(key.name, key.columns, False, f"UNIQUE NULLS NOT DISTINCT ({columns})")
        uniques.append(key)
    rich.table = replace(rich.table, uniques=tuple(uniques))


@st.composite
def _exclusion(draw: st.DrawFn, rich: Rich) -> None:
    spans = [c for c in rich.plain if c.type == SPAN]
    scalars = [c for c in (*rich.referring, *rich.of(TypeFamily.INTEGER, TypeFamily.DATE))
               if c.type.family in (TypeFamily.INTEGER, TypeFamily.DATE)]  # fmt: skip
    if spans and draw(st.booleans()):
        span = draw(st.sampled_from(spans)).name
        others = (draw(st.sampled_from(scalars)).name,) if scalars and draw(st.booleans()) else ()
        elements = [f"{quoted(name)} WITH =" for name in others] + [f"{quoted(span)} WITH &&"]
        columns, method = (*others, span), "gist"
    elif scalars and draw(st.booleans()):
        columns, method = (draw(st.sampled_from(scalars)).name,), "btree"
        elements = [f"{quoted(*columns)} WITH ="]
    else:
        return
    sql = f"EXCLUDE USING {method} ({', '.join(elements)})"
    rich.distinct.append(Distinct(columns))
    done = (*rich.table.completions, Statement("exclusion", "", sql))
    rich.table = replace(rich.table, completions=done)


@st.composite
def _partitions(draw: st.DrawFn, rich: Rich) -> None:
    """By range, list or hash of a column that all keys have; keys, exclusions and indexes allow it nowhere else."""
    keys = [set(key.columns) for key in rich.table.keys]
    able = [c for c in rich.table.columns if all(c.name in key for key in keys) and not c.generated]
    able = [c for c in able if c.type.family in (TypeFamily.INTEGER, TypeFamily.DATE, TypeFamily.ENUM, TypeFamily.TEXT)]
    if not able or any(c.identity for c in rich.table.columns) or rich.table.indexes or rich.table.completions:
        return
    column = draw(st.sampled_from(able))
    bounds, rule = draw(st.sampled_from(_ways(column)))
    how = "HASH" if "MODULUS" in bounds[0] else "LIST" if " IN " in bounds[0] else "RANGE"
    name = rich.table.name.name
    parts = []
    for number, bound in enumerate(bounds):
        part = quoted(f"{name[:20]} part{number}")
        nested = number == 0 and draw(st.booleans())
        below = f" PARTITION BY HASH ({quoted(column.name)})" if nested else ""
        sql = f"CREATE TABLE {part} PARTITION OF {quoted(name)} {bound}{below}"
        parts.append(Statement("partition", part, sql))
        for rest in range(2) if nested else ():
            inner = quoted(f"{name[:20]} part{number}.{rest}")
            sql = f"CREATE TABLE {inner} PARTITION OF {part} FOR VALUES WITH (MODULUS 2, REMAINDER {rest})"
            parts.append(Statement("partition", inner, sql))
    others = [c.name for c in rich.of(TypeFamily.INTEGER, TypeFamily.DATE) if c != column]
    if how != "HASH" and others and draw(st.booleans()):
        once = (column.name, draw(st.sampled_from(others)))
        index, part = quoted(f"{name[:20]} once"), quoted(f"{name[:20]} part0")
        sql = f"CREATE UNIQUE INDEX {index} ON {part} ({quoted(*once)})"
        parts.append(Statement("index", index, sql))
        rich.distinct.append(Distinct(once))  # more than the index asks, which is about the rows of one partition
    if how != "HASH" and others and draw(st.booleans()):
        parts += _condition_of_one(rich, column, draw(st.sampled_from(others)))
    suffix = f"PARTITION BY {how} ({quoted(column.name)})"
    rich.table = replace(rich.table, suffix=suffix, attachments=tuple(parts))
    if rule is not None:
        rich.silent.append(rule)


def _condition_of_one(rich: Rich, column: Column, other: str) -> list[Statement]:
    """A CHECK and a NOT NULL of the first partition, which asks nothing of the rows of others."""
    part, asked = quoted(f"{rich.table.name.name[:20]} part0"), rich.table.column(other)
    number = asked.type.family is TypeFamily.INTEGER
    rule = rules.at_least(other, 8 if number else "2000-01-01", asked.type.family, 60 if number else "2020-02-29")
    rich.silent.append(Rule("", lambda row: not _in_first(row[column.name]) or rule.holds(row), rule.mend))
    rich.silent.append(Rule("", lambda row: not _in_first(row[column.name]) or row[other] is not None))
    name = quoted(rich.table.name.name[:20] + " own")
    return [
        Statement("check", name, f"ALTER TABLE {part} ADD CONSTRAINT {name} CHECK ({rule.sql})"),
        Statement("partition", part, f"ALTER TABLE {part} ALTER COLUMN {quoted(other)} SET NOT NULL"),
    ]


def _in_first(value: object) -> bool:
    """Whether a value of the column by which rows are placed leads to the first partition (``_ways``)."""
    if isinstance(value, int):
        return value < 40
    return value == "low" or (isinstance(value, str) and value[:1].isdigit() and value < "2000-03-01")


def _ways(column: Column) -> list[tuple[list[str], Rule | None]]:
    """Bounds of partitions by one column, and what a row must be to have its place."""
    name = column.name
    hashes = ([f"FOR VALUES WITH (MODULUS 3, REMAINDER {rest})" for rest in range(3)], None)
    if column.type.family is TypeFamily.DATE:
        middle, last = "2000-03-01", "2001-06-01"
        bounds = [f"FOR VALUES FROM ('1999-01-01') TO ('{middle}')", f"FOR VALUES FROM ('{middle}') TO ('{last}')"]
        return [hashes, (bounds, _within(name, "1999-01-01", last))]
    if column.type.family is TypeFamily.INTEGER and column.type.precision == 32:
        least = 0 if column.type == WHOLE else -9
        bounds = [f"FOR VALUES FROM ({least}) TO (40)", "FOR VALUES FROM (40) TO (200)"]
        return [hashes, (bounds, _within(name, least, 200)), ([*bounds, "DEFAULT"], None)]
    if column.type.values:
        listed = ["FOR VALUES IN ('low')", "FOR VALUES IN ('it''s', 'HIGH', NULL)"]
        return [hashes, (listed, None), (listed[:1], Rule("", lambda row: row[name] == "low"))]
    return [hashes]


def _within(name: str, least: object, most: object) -> Rule:
    def holds(row: Row) -> bool:
        return row[name] is not None and least <= row[name] < most  # type: ignore[operator]

    return Rule("", holds)


@st.composite
def enriched(draw: st.DrawFn, table: Table, dialect: str, referred: frozenset[tuple[str, ...]]) -> tuple[Table, Extras]:
    """The table with some of all this, in the terms of the dialect."""
    rich = Rich(table, dialect, referred)
    draw(_checks(rich))
    if draw(st.integers(0, 2)) == 2:
        draw(_computed(rich))
    if draw(st.integers(0, 2)) == 2:
        draw(_prefix_index(rich) if dialect == "mysql" else _unique_index(rich))
    if dialect == "mysql":
        draw(_mariadb_partitions(rich))
    if dialect == "postgresql":
        _domain_rules(rich)
        draw(_odd_keys(rich))
        draw(_exclusion(rich))
        draw(_partitions(rich))
    return rich.finished()
