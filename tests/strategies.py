"""Hypothesis strategies for whole databases: odd shapes of schema, and data that hold all their constraints.

The shape is drawn choice by choice, so that a failure shrinks to few tables and plain columns; the data follow from the
shape and one seed.
"""

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from dbclone.schema import Column, ForeignKey, Key, Schema, SqlType, Statement, Table, TableName, TypeFamily
from tests import rich_strategies
from tests.random_database import Database, Flavour, fill

TABLE_NAMES = ("t", "order", "Users", "two words", 'quo"te', "select", "ünï", "per%cent", "a.b", "UPPER", "x-y", "p_q")
COLUMN_NAMES = ("a", "value", "Name", "from", "the date", "é", "100%", 'in"ch', "user", "made.at", "ID", "x:y", "null")

SMALL = SqlType(TypeFamily.INTEGER, "smallint", precision=16)
INTEGER = SqlType(TypeFamily.INTEGER, "integer", precision=32)
BIG = SqlType(TypeFamily.INTEGER, "bigint", precision=64)
CODE = SqlType(TypeFamily.TEXT, "varchar(12)", length=12)
TEXT = SqlType(TypeFamily.TEXT, "text")
MONEY = SqlType(TypeFamily.DECIMAL, "numeric(10,2)", precision=10, scale=2)
DATE = SqlType(TypeFamily.DATE, "date")
UUID = SqlType(TypeFamily.UUID, "uuid")
LABELS = ("low", "it's", "HIGH")
BOTH = (
    INTEGER, TEXT, DATE, MONEY, SMALL, BIG, CODE,
    SqlType(TypeFamily.BOOLEAN, "boolean"),
    SqlType(TypeFamily.DECIMAL, "numeric(6,0)", precision=6, scale=0),
    SqlType(TypeFamily.FLOAT, "double precision"),
    SqlType(TypeFamily.TEXT, "char(3)", length=3),
    SqlType(TypeFamily.TIMESTAMP, "timestamp"),
)  # fmt: skip
KINDS = {
    "sqlite": (
        *BOTH,
        SqlType(TypeFamily.ENUM, "text", values=LABELS),
        SqlType(TypeFamily.TIME, "time"),
        SqlType(TypeFamily.JSON, "json"),
        SqlType(TypeFamily.BYTES, "blob"),
        SqlType(TypeFamily.TEXT, "char(36)", length=36),
    ),
    "mysql": (
        *(kind for kind in BOTH if kind.sql not in ("text", "timestamp")),
        UUID,
        SqlType(TypeFamily.TEXT, "varchar(60)", length=60),
        SqlType(TypeFamily.TIMESTAMP, "datetime"),
        SqlType(TypeFamily.ENUM, "enum('low', 'it''s', 'HIGH')", values=LABELS),
        SqlType(TypeFamily.TIME, "time"),
        SqlType(TypeFamily.JSON, "json"),
        SqlType(TypeFamily.BYTES, "varbinary(9)", length=9),
        SqlType(TypeFamily.INTEGER, "int unsigned", precision=32, unsigned=True),
    ),
    "postgresql": (
        *BOTH,
        UUID,
        SqlType(TypeFamily.ENUM, "mood", values=LABELS),
        SqlType(TypeFamily.TIME, "time"),
        SqlType(TypeFamily.TIMESTAMP, "timestamptz", with_time_zone=True),
        SqlType(TypeFamily.INTERVAL, "interval"),
        SqlType(TypeFamily.JSON, "jsonb"),
        SqlType(TypeFamily.BYTES, "bytea"),
        SqlType(TypeFamily.ARRAY, "integer[]", item=INTEGER),
        SqlType(TypeFamily.OPAQUE, "inet"),
    ),
}
KEY_KINDS = {
    "sqlite": (INTEGER, CODE, BIG, TEXT),
    "postgresql": (INTEGER, CODE, UUID, BIG, TEXT, SMALL),
    "mysql": (INTEGER, CODE, UUID, BIG, SMALL),
}
IDENTITIES = {"sqlite": ("rowid",), "postgresql": (None, "always", "by default"), "mysql": (None, "by default")}
UNIQUE_ABLE = (TypeFamily.INTEGER, TypeFamily.TEXT, TypeFamily.DATE, TypeFamily.DECIMAL, TypeFamily.TIMESTAMP)

SERIAL = Flavour(0, 0.0)
SPREAD = (Flavour(3, 0.0), Flavour(40, 0.0), Flavour(1, 0.0), Flavour(4, 0.4), Flavour(30, 0.1), Flavour(1, 1.0))
FLAVOURS = (*SPREAD, SERIAL)
MOOD = Statement("enum", "public.mood", "CREATE TYPE mood AS ENUM ('low', 'it''s', 'HIGH')")
PREAMBLE = {"sqlite": (), "postgresql": (MOOD,), "mysql": ()}


@dataclass
class Sketch:
    """A table while it is drawn."""

    name: TableName
    dialect: str
    columns: list[Column] = field(default_factory=list)
    flavours: list[Flavour] = field(default_factory=list)
    primary: tuple[str, ...] = ()
    uniques: list[tuple[str, ...]] = field(default_factory=list)
    references: list[ForeignKey] = field(default_factory=list)

    def add(self, kind: SqlType, nullable: bool, flavour: Flavour) -> str:
        """A further column; its name."""
        i = len(self.columns)
        name = COLUMN_NAMES[i] if i < len(COLUMN_NAMES) else f"c{i}"
        self.columns.append(Column(name, kind, nullable))
        self.flavours.append(flavour)
        return name

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def keys(self) -> list[tuple[str, ...]]:
        return ([self.primary] if self.primary else []) + self.uniques

    def finished(self) -> Table:
        """The table as the rest of dbclone knows it."""
        primary = Key(f"{self.name}_pk", self.primary) if self.primary else None
        columns = tuple(replace(c, nullable=c.nullable and c.name not in self.primary) for c in self.columns)
        uniques = tuple(Key(f"{self.name}_u{i}", columns) for i, columns in enumerate(self.uniques))
        return Table(self.name, columns, primary, uniques, tuple(self.references))


@st.composite
def _reference(draw: st.DrawFn, child: Sketch, parent: Sketch, nullable: bool) -> tuple[str, ...]:
    """Let the child refer to one of the parent's keys, by new columns or partly by those of another reference."""
    key = draw(st.sampled_from(parent.keys))
    shareable = sorted({c for fk in child.references for c in fk.columns})
    columns: list[str] = []
    for kind in (parent.column(c).type for c in key):
        fitting = [c for c in shareable if child.column(c).type == kind and c not in columns]
        if fitting and (len(key) > 1 or parent is not child) and draw(st.integers(0, 2)) == 2:
            columns.append(draw(st.sampled_from(fitting)))
        else:
            columns.append(child.add(kind, nullable, SERIAL))
    name = f"fk{len(child.references)}_{child.name.name[:20]}"
    later = draw(st.booleans()) and child.dialect != "mysql"
    fk = ForeignKey(name, tuple(columns), parent.name, key, deferrable=later, initially_deferred=later)
    child.references.append(fk)
    return tuple(columns)


@st.composite
def _primary_key(draw: st.DrawFn, sketch: Sketch, parents: list[Sketch]) -> None:
    """One of the ways in which tables are keyed: not at all, by a number, a code, several columns, its parents …"""
    ways = ["integer", "code", "none", "composite"] + ["one to one", "line", "link"] * bool(parents)
    way = draw(st.sampled_from(ways))
    if way == "integer":
        sketch.primary = (sketch.add(INTEGER, False, SERIAL),)
        identity = draw(st.sampled_from(IDENTITIES[sketch.dialect]))
        sketch.columns[-1] = replace(sketch.columns[-1], identity=identity)
    elif way == "code":
        kind = draw(st.sampled_from(KEY_KINDS[sketch.dialect]))
        sketch.primary = (sketch.add(kind, False, SERIAL),)
    elif way == "composite":
        kinds = draw(st.lists(st.sampled_from((INTEGER, CODE, DATE)), min_size=2, max_size=3))
        sketch.primary = tuple(sketch.add(kind, False, Flavour(5, 0.0)) for kind in kinds)
    elif way == "one to one":
        sketch.primary = draw(_reference(sketch, draw(st.sampled_from(parents)), False))
    elif way == "line":
        owner = draw(_reference(sketch, draw(st.sampled_from(parents)), False))
        sketch.primary = (*owner, sketch.add(INTEGER, False, Flavour(6, 0.0)))
    elif way == "link":
        ends = [draw(_reference(sketch, draw(st.sampled_from(parents)), False)) for _ in range(2)]
        sketch.primary = tuple(dict.fromkeys(ends[0] + ends[1]))


@st.composite
def _unique_key(draw: st.DrawFn, sketch: Sketch) -> None:
    able = [c.name for c in sketch.columns if c.type.family in UNIQUE_ABLE and not c.type.values]
    if able:
        columns = tuple(draw(st.lists(st.sampled_from(able), min_size=1, max_size=2, unique=True)))
        if set(columns) not in [set(key) for key in sketch.keys]:
            sketch.uniques.append(columns)


@st.composite
def _table(draw: st.DrawFn, name: str, dialect: str, kinds: tuple[SqlType, ...], earlier: list[Sketch]) -> Sketch:
    sketch = Sketch(TableName("public" if dialect == "postgresql" else "", name), dialect)
    parents = [s for s in earlier if s.keys]
    draw(_primary_key(sketch, parents))
    for parent in draw(st.lists(st.sampled_from(parents), max_size=2)) if parents else []:
        draw(_reference(sketch, parent, draw(st.booleans())))
    for kind, flavour, nullable in draw(
        st.lists(st.tuples(st.sampled_from(kinds), st.sampled_from(FLAVOURS), st.booleans()), max_size=4)
    ):
        sketch.add(kind, nullable, flavour)
    if draw(st.integers(0, 3)) == 3:
        draw(_unique_key(sketch))
    if sketch.keys and draw(st.integers(0, 3)) == 3:
        draw(_reference(sketch, sketch, draw(st.integers(0, 4)) < 4))
    if not sketch.columns:
        sketch.add(INTEGER, True, FLAVOURS[0])
    return sketch


@st.composite
def databases(draw: st.DrawFn, dialect: str, max_tables: int = 12, max_rows: int = 24, rich: bool = False) -> Database:
    """A schema of 1 … max_tables tables in the dialect, and rows that satisfy it.

    Among the shapes: cycles of foreign keys, self-references, composite and overlapping references, references to
    UNIQUE columns, one to one, link tables, tables without key, empty and one-row tables, columns that are all NULL.
    ``rich``: with what ``rich_strategies`` adds.
    """
    sketches: list[Sketch] = []
    kinds = KINDS[dialect] + (rich_strategies.KINDS[dialect] if rich else ())
    for name in draw(st.lists(st.sampled_from(TABLE_NAMES), min_size=1, max_size=max_tables, unique=True)):
        sketches.append(draw(_table(name, dialect, kinds, sketches)))
    keyed = [s for s in sketches if s.keys]
    for child in draw(st.lists(st.sampled_from(sketches), max_size=2)) if keyed else []:
        draw(_reference(child, draw(st.sampled_from(keyed)), draw(st.integers(0, 5)) < 5))
    counts = {s.name: draw(st.sampled_from((4, 0, 1, 2, 12, max_rows))) for s in sketches}
    flavours = {(s.name, c.name): f for s in sketches for c, f in zip(s.columns, s.flavours, strict=True)}
    preamble, tables, extras = PREAMBLE[dialect], [s.finished() for s in sketches], {}
    if rich:
        preamble += rich_strategies.DOMAINS if dialect == "postgresql" else ()
        referred = {(fk.parent, fk.parent_columns) for s in sketches for fk in s.references}
        for place, table in enumerate(tables):
            own = frozenset(columns for parent, columns in referred if parent == table.name)
            tables[place], extras[table.name] = draw(rich_strategies.enriched(table, dialect, own))
    schema = Schema(dialect, tuple(tables), preamble)
    rows = fill(schema, counts, flavours, draw(st.integers(0, 2**32 - 1)), extras)
    return Database(schema, rows, extras)
