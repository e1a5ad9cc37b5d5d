"""Foreign keys that no database declares, proposed from names, types, inclusion of values and cardinality.

Names propose (``key_names``), values decide: nearly all values of a column must be keys of the table that its name
means, and the weaker the name, the more of that table they must meet.  Values alone (``key_values``) propose only where
they are codes, since small whole numbers are keys of anything.  Of a composite key all columns must be there, under
their names but for one.

Polymorphic references are pairs of columns (``commentable_type``, ``commentable_id``) of which the one names tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import groupby, islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.abc import Read
from dbclone.key_names import ENDINGS, EXACT, PART, TAIL, Hint, Names, words
from dbclone.key_values import hints_by_value
from dbclone.matching import NULL, ORPHAN, Rows, parent_rows
from dbclone.options import VirtualKey
from dbclone.schema import Column, ForeignKey, Key, Schema, Table, TableName, TypeFamily, Virtual
from dbclone.split_rows import referring
from dbclone.virtual_keys import comparable, virtual_name

COVERED = 0.95
"""Share of the referring rows whose parent must exist."""
WELL_COVERED = 0.995
"""The same where the name is weak."""
SPREAD = 0.1
"""Share of the parents that a column of a weak name must meet, or of their range that it must span."""
FEW_PARENTS = 20
MOST_LABELS = 50
"""Different values of a discriminator."""
RIVALS = 20
"""Tables that are looked at of those that a name means equally well."""
LOOK = 50_000
"""Rows that are looked at first: most candidates that fail do so at once."""
ANYWHERE = Virtual()
NOTHINGS = ("0", "-1", "")
"""Values that stand for no parent."""
TYPE_WORDS = frozenset({"type", "kind", "class", "model", "table", "entity"})
_KEYS = (
    TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.TEXT, TypeFamily.UUID, TypeFamily.ENUM, TypeFamily.DATE,
)  # fmt: skip
"""What keys are made of; a FLOAT, a BOOLEAN or a document is none."""


@dataclass(frozen=True)
class Proposal:
    """A foreign key that seems to be meant, with the evidence."""

    table: TableName
    key: ForeignKey
    score: float
    """How much the name says, 0 to 1."""
    support: int
    """Rows that refer to something."""
    distinct: int
    """Different parents to which they refer."""
    coverage: float
    """Share of the referring rows whose parent exists; 1 where there are none."""
    reason: str

    @property
    def option(self) -> VirtualKey:
        """The key as a configuration file has it."""
        virtual = self.key.virtual or Virtual()
        names = self.key.columns, str(self.key.parent), self.key.parent_columns
        return VirtualKey(str(self.table), *names, virtual.where, virtual.nothing)


def propose(schema: Schema, counts: Mapping[TableName, int], read: Read) -> tuple[Proposal, ...]:
    """Proposals for all tables of the schema, by table and column; ``read`` returns their rows (memoised)."""
    search = _Search(schema, counts, read)
    found = [proposal for table in schema.tables for proposal in search.proposals(table)]
    return tuple(sorted(_not_implied(schema, found), key=lambda p: (p.table, p.key.columns, p.key.name)))


class _Search:
    """One run over a schema; remembers the keys of tables and the values in them."""

    def __init__(self, schema: Schema, counts: Mapping[TableName, int], read: Read) -> None:
        self._schema, self._counts, self._read = schema, counts, read
        self._names = Names(schema.tables)
        self._wide_keys: dict[str, list[tuple[Table, Key]]] = {}
        """Primary keys of several columns by the words of their first one."""
        for table in schema.tables:
            key = table.primary_key
            if key is not None and len(key.columns) > 1:
                self._wide_keys.setdefault("".join(words(key.columns[0])), []).append((table, key))
        self._keys = {table.name: table.keys or self._undeclared(table) for table in schema.tables}

    @cached_property
    def _by_value(self) -> dict[tuple[TableName, str], list[Hint]]:
        """What values alone say, of tables that have rows."""
        filled = [table for table in self._schema.tables if self._counts.get(table.name)]
        return hints_by_value(filled, self._keys, self._read)

    def proposals(self, table: Table) -> Iterator[Proposal]:
        """The best proposal for each column, composite keys first, then what a discriminator tells apart."""
        taken = {key.columns for key in table.foreign_keys}
        composite = [p for p in self._composite(table) if p.key.columns not in taken]
        yield from composite
        covered = {c for p in composite for c in p.key.columns} if composite else set()
        for column in table.insertable:
            if (column.name,) in taken or column.type.family not in _KEYS:
                continue
            hints = self._names.hints(table.name, column.name) or self._plain_key(table, column)
            if _is_own_key(table, column) and any(h.parent == table.name and h.score == EXACT for h in hints):
                continue  # it names its own row
            best = self._best(table, column, hints or self._by_value.get((table.name, column.name), []))
            if best is not None:
                yield best
            elif column.name not in covered:
                yield from self._polymorphic(table, column)

    def _best(self, table: Table, column: Column, hints: list[Hint]) -> Proposal | None:
        """Of the strongest hints that the values bear out, the one whose parents are met best."""
        for _, equal in groupby(hints, key=lambda hint: hint.score):
            options = [p for hint in islice(equal, RIVALS) for p in self._single(table, column, hint.parent, hint)]
            if options:
                return max(options, key=lambda p: p.coverage)
        return None

    def _undeclared(self, table: Table) -> tuple[Key, ...]:
        """The first column of a table without keys, if it is its key in all but name."""
        rows = self._counts.get(table.name, 0)
        for column in table.insertable[:1]:
            if rows and column.type.family in _KEYS:
                values = self._read(table.name).column(column.name)
                if not values.null_count and pc.count_distinct(values).as_py() == rows:
                    return (Key("", (column.name,)),)
        return ()

    def _single(self, table: Table, column: Column, parent: TableName, hint: Hint) -> Iterator[Proposal]:
        for key in self._keys[parent]:
            if len(key.columns) != 1 or (parent == table.name and key.columns == (column.name,)):
                continue
            if not comparable(column, self._schema.table(parent).column(key.columns[0])):
                continue
            if _is_own_key(table, column) and not hint.alone:
                continue
            foreign = _key(table, (column.name,), parent, key.columns)
            proposal = self._measured(table, foreign, hint)
            if proposal is not None:
                yield proposal
                return

    def _plain_key(self, table: Table, column: Column) -> list[Hint]:
        """A column called ``id`` that is no key of its own table has the key of another one of its sort."""
        if words(column.name) not in {("id",), ("key",), ("code",), ("no",)} or _is_own_key(table, column):
            return []
        return [
            Hint(other.name, TAIL, "has the name of its key")
            for other in self._schema.tables
            if other.name != table.name and any(key.columns == (column.name,) for key in other.keys)
        ]

    def _measured(self, table: Table, key: ForeignKey, hint: Hint) -> Proposal | None:
        """The proposal with its evidence; None if the values speak against it."""
        rows, parents = self._counts.get(table.name, 0), self._counts.get(key.parent, 0)
        if not rows:
            enough = hint.alone and not parents
            return Proposal(table.name, key, hint.score, 0, 0, 1.0, hint.reason) if enough else None
        if not parents:
            return None
        child, parent = self._read(table.name), self._read(key.parent)
        step = max(child.num_rows // LOOK, 1)
        if step > 1:
            sample = child.select(_columns(key)).take(pa.array(np.arange(0, child.num_rows, step)))
            if _inclusion(sample, parent, key).coverage < COVERED / 2:
                return None
        return self._judged(table, key, hint, _inclusion(child, parent, key))

    def _judged(self, table: Table, key: ForeignKey, hint: Hint, found: _Inclusion) -> Proposal | None:
        if not found.support or found.coverage < (COVERED if hint.alone else WELL_COVERED):
            return None
        distinct = found.distinct
        if not hint.alone and distinct < min(FEW_PARENTS, SPREAD * self._counts[key.parent]):
            return None
        unique = not self._schema.table(key.parent).keys
        virtual = replace(key.virtual or ANYWHERE, nothing=found.nothing, orphans=1 - found.coverage, unique=unique)
        made = replace(key, virtual=virtual)
        return Proposal(table.name, made, hint.score, found.support, distinct, found.coverage, hint.reason)

    def _composite(self, table: Table) -> Iterator[Proposal]:
        """References to keys of several columns, all of which the table has under their names but for one."""
        by_words: dict[str, list[Column]] = {}
        for column in table.insertable:
            for name in {"".join(words(column.name)), "".join(words(column.name)[1:])}:
                by_words.setdefault(name, []).append(column)
        for name in by_words:
            for other, key in self._wide_keys.get(name, ()):
                options = [by_words.get("".join(words(column)), []) for column in key.columns]
                if all(options):
                    yield from self._combined(table, other, key, options)

    def _combined(self, table: Table, other: Table, key: Key, options: list[list[Column]]) -> Iterator[Proposal]:
        """One proposal for each choice of columns of which at most one has another name than in the key."""
        named = {c.name.lower(): c.name for c in table.insertable}
        exact = [named.get(name.lower()) for name in key.columns]
        choices = {
            tuple(column.name if at == place else name for at, name in enumerate(exact))
            for place, found in enumerate(options)
            for column in found
        }
        for chosen in sorted(choice for choice in choices if None not in choice):
            columns = tuple(name for name in chosen if name is not None)
            itself = other.name == table.name and columns == key.columns
            if itself or len(set(columns)) < len(columns) or not _all_comparable(table, columns, other, key.columns):
                continue
            foreign = _key(table, columns, other.name, key.columns)
            found = self._measured(table, foreign, Hint(other.name, PART, "has the columns of its key"))
            if found is not None and self._is_no_chance(table, other, found):
                yield found

    def _is_no_chance(self, table: Table, other: Table, found: Proposal) -> bool:
        """Whether pairs of known values are rarely keys by chance.  Of two tables with one key the larger leads."""
        if not found.support:
            return False
        own = any(set(key.columns) == set(found.key.columns) for key in table.keys)
        if own and self._counts[other.name] <= self._counts[table.name]:
            return False
        parents = self._read(other.name)
        tuples = 1.0
        for column in found.key.parent_columns:
            tuples *= pc.count_distinct(parents.column(column)).as_py()
        return parents.num_rows <= tuples / 2

    def _polymorphic(self, table: Table, column: Column) -> Iterator[Proposal]:
        """The references that a discriminator beside the column tells apart: its values are names of tables."""
        said = words(column.name)
        if len(said) < 2 or said[-1] not in ENDINGS or not self._counts.get(table.name, 0):
            return
        for other in table.insertable:
            name = words(other.name)
            if name[:-1] != said[:-1] or not name[-1:] or name[-1] not in TYPE_WORDS:
                continue
            if other.type.family not in (TypeFamily.TEXT, TypeFamily.ENUM):
                continue
            labels = pc.unique(self._read(table.name).column(other.name)).drop_null().to_pylist()
            if len(labels) <= MOST_LABELS:
                for label in sorted(labels):
                    yield from self._labelled(table, column, other, label)

    def _labelled(self, table: Table, column: Column, discriminator: Column, label: str) -> Iterator[Proposal]:
        for parent in self._names.named(label):
            for key in self._keys[parent]:
                theirs = self._schema.table(parent).column(key.columns[0])
                if len(key.columns) > 1 or not comparable(column, theirs):
                    continue
                virtual = Virtual(where=(discriminator.name, label))
                foreign = _key(table, (column.name,), parent, key.columns, virtual)
                reason = f"rows whose {discriminator.name} names it"
                found = self._measured(table, foreign, Hint(parent, EXACT, reason))
                if found is not None:
                    yield found
                    return


@dataclass(frozen=True)
class _Inclusion:
    rows: Rows
    """Of the parent, for each row of the child."""
    support: int
    coverage: float
    nothing: str | None

    @property
    def distinct(self) -> int:
        """Different parents to which rows refer."""
        return len(np.unique(self.rows[self.rows >= 0]))


def _inclusion(child: pa.Table, parent: pa.Table, key: ForeignKey) -> _Inclusion:
    """How the values of a key stand to those of its parent."""
    virtual = key.virtual or Virtual()
    if virtual.where is not None:
        name = key.columns[0]
        child = pa.table({name: referring(child, name, virtual)})
    found = parent_rows(child, parent, key)
    support, orphans = int((found != NULL).sum()), found == ORPHAN
    if not (found >= 0).any():
        return _Inclusion(found, support, 0.0, None)
    nothing = None
    if orphans.any() and len(key.columns) == 1 and (virtual.where is not None or support == len(found)):
        nothing, number = _nothing(child.column(key.columns[0]), orphans)
        support -= number
        lost = int(orphans.sum()) - number
    else:
        lost = int(orphans.sum())
    return _Inclusion(found, support, 1 - lost / support, nothing)


@cache
def _nothings() -> pa.Array:
    return pa.array(NOTHINGS)  # not at import: it imports pandas, where that is installed


def _nothing(values: pa.ChunkedArray, orphans: np.ndarray) -> tuple[str | None, int]:
    """The value that stands for no parent, if one does, and in how many rows."""
    alone = values.filter(pa.array(orphans)).cast(pa.string())
    if not pc.any(pc.is_in(alone, value_set=_nothings())).as_py():
        return None, 0
    counts = {nothing: int(pc.sum(pc.equal(alone, nothing)).as_py() or 0) for nothing in NOTHINGS}
    most = max(counts, key=lambda nothing: counts[nothing])
    return (most, counts[most]) if counts[most] else (None, 0)


def _key(
    table: Table, columns: tuple[str, ...], parent: TableName, theirs: tuple[str, ...], virtual: Virtual = ANYWHERE
) -> ForeignKey:
    return ForeignKey(virtual_name(table, columns, virtual), columns, parent, theirs, virtual=virtual)


def _columns(key: ForeignKey) -> list[str]:
    where = key.virtual.where if key.virtual else None
    return [*key.columns, *([where[0]] if where else [])]


def _is_own_key(table: Table, column: Column) -> bool:
    return any(key.columns == (column.name,) for key in table.keys)


def _all_comparable(table: Table, own: tuple[str, ...], other: Table, theirs: tuple[str, ...]) -> bool:
    return all(comparable(table.column(a), other.column(b)) for a, b in zip(own, theirs, strict=True))


def _not_implied(schema: Schema, found: list[Proposal]) -> Iterator[Proposal]:
    """Without those that a key of several columns makes needless, or that lead back from a parent to its extension."""
    keys = {t.name: [*t.foreign_keys, *(p.key for p in found if p.table == t.name)] for t in schema.tables}
    back = {(p.key.parent, p.key.parent_columns, p.table, p.key.columns): p for p in found}
    for proposal in found:
        other = back.get((proposal.table, proposal.key.columns, proposal.key.parent, proposal.key.parent_columns))
        if other is not None and other is not proposal and _strength(other) > _strength(proposal):
            continue
        if len(proposal.key.columns) > 1 or not any(_leads(keys, k, proposal.key) for k in keys[proposal.table]):
            yield proposal


def _strength(proposal: Proposal) -> tuple[float, float, TableName]:
    return proposal.score, proposal.coverage, proposal.table


def _leads(keys: Mapping[TableName, list[ForeignKey]], composite: ForeignKey, single: ForeignKey) -> bool:
    """Whether the parent of a composite key refers to the same row as the single column of it does."""
    if len(composite.columns) == 1 or single.columns[0] not in composite.columns:
        return False
    above = composite.parent_columns[composite.columns.index(single.columns[0])]
    return any(key.columns == (above,) and key.parent == single.parent for key in keys[composite.parent])
