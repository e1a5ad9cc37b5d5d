"""Drawn rows as database values: keys, references, columns, personal data; unique keys made true."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.codecs import MeasuredCodec
from dbclone.columns.temporal import TemporalCodec
from dbclone.conditions.ranges import moved_apart as moved_apart_ranges
from dbclone.conditions.repair import Repair
from dbclone.engines.adoption import adopt
from dbclone.engines.avoidance import allowances, allowed, decoded, new_keys
from dbclone.engines.forest_conditions import TableConditions
from dbclone.engines.forest_moves import Moves
from dbclone.engines.forest_recoding import carry_over, encode_again
from dbclone.engines.forest_tables import TableModel, arrow_type
from dbclone.engines.placeholders import filled, with_one_key
from dbclone.engines.references import mend, referable, referring_columns
from dbclone.graph import is_nullable
from dbclone.matching import ORPHAN, parent_rows
from dbclone.models.arithmetic import compute
from dbclone.models.derivation import DerivedColumn, label_codes, plain, restored
from dbclone.models.distinctness import repeats
from dbclone.models.drawing import select_rows
from dbclone.models.encoding import ColumnStep
from dbclone.models.relations import Relation
from dbclone.models.rows import Rows
from dbclone.models.running import Running, carry_on
from dbclone.models.totals import Total
from dbclone.plan import ReferenceRole
from dbclone.privacy.fakers import fill
from dbclone.privacy.traits import Traits
from dbclone.schema import Key, Schema, Table, TableName

_ROUNDS = 3
_STEPS = 24
"""Attempts to keep a running sum within its conditions."""


class Values(Moves):
    """The columns of one table, as far as they are known."""

    def __init__(
        self,
        table: Table,
        model: TableModel,
        rows: Rows,
        others: Mapping[TableName, Values],
        rng: np.random.Generator,
    ) -> None:
        self._table, self._model, self._rows, self._rng = table, model, rows, rng
        self._parents = others
        self._types = dict(model.types)
        self._conditions: TableConditions | None = None
        self._repaired = False
        self.keys: dict[str, pa.Array] = {}
        """All columns by name; what a reference copies is taken from here."""
        self._fill_columns()
        self._fill_keys()
        self._fill_required()
        live = [r for r in model.relations if r.id in rows.parents and r.role is not ReferenceRole.NULLED]
        # Of a column that keys share, the one that must refer has the say.
        for relation in sorted(live, key=lambda r: is_nullable(table, r.key)):
            self.refer(relation, rows.parents[relation.id], others[relation.parent])

    @classmethod
    def fixed(cls, model: TableModel) -> Values:
        """A copied or empty table."""
        values = cls.__new__(cls)
        values._model, values._types, values._conditions = model, dict(model.types), None
        values._rows = Rows(model.copied.num_rows if model.copied is not None else 0)
        values.keys = {}
        if model.copied is not None:
            values.keys = {name: _flat(model.copied.column(name)) for name in model.copied.column_names}
        return values

    def table(self) -> pa.Table:
        """All insertable columns; those that nothing fills are NULL.  PlanError if a condition cannot be satisfied."""
        self.repair_late()
        return pa.table(self._columns())

    def repair_late(self) -> None:
        """Let conditions on totals and balances hold, once these and all references are there.

        To be done before anything is added up over the rows, which change.
        """
        if self._conditions is not None and not self._repaired:
            self._repaired = True
            for found in self._conditions.repair_late(self._columns(), self._rng):
                self._take(found)

    def _columns(self) -> dict[str, pa.Array]:
        columns = {}
        for name, kind in self._types.items():
            arrow = arrow_type(kind)
            found = self.keys.get(name)
            columns[name] = pa.nulls(self._rows.n, arrow) if found is None else found.cast(arrow)
        return columns

    def refer(self, relation: Relation, up: np.ndarray, parent: Values) -> None:
        """Set the columns of a foreign key to the values of the parent rows; a column that another key set stays.

        ``up`` is mended where a row must refer to a parent and has none, or one without key.
        """
        known = referable(relation.key, self._table, parent.keys, parent._rows.n)
        mend(up, relation.key, self._table, known, self._rng)
        for column, values in referring_columns(up, relation.key, self._table, parent.keys, self._rng):
            kind = arrow_type(self._types[column])
            fresh = pa.nulls(len(up), kind) if values is None else values.cast(kind)
            have = self.keys.get(column)
            self.keys[column] = fresh if have is None else have.fill_null(fresh) if have.null_count else have

    def numbers(self, column: str) -> np.ndarray:
        """A column as plain numbers, dates in days (models.derivation.plain)."""
        found = plain(self.keys[column], self._codec(column))
        return np.full(self._rows.n, np.nan) if found is None else found

    def codec(self, column: str) -> MeasuredCodec:
        """How a computed number becomes a value of the column."""
        return next(c.codec for c in self._model.derived.columns if c.column == column)

    def _codec(self, column: str) -> object:
        known: tuple[ColumnStep | DerivedColumn, ...] = (*self._model.columns, *self._model.derived.columns)
        return next((c.codec for c in known if c.column == column), None)

    def compute(self, operands: Mapping[str, np.ndarray]) -> None:
        """Fill the columns that formulas give; ``operands`` are those of parents, float64[n]."""
        codecs = {c.column: c.codec for c in self._model.derived.columns}
        for column in codecs:
            self.keys.setdefault(column, pa.nulls(self._rows.n, arrow_type(self._types[column])))
        known = dict(operands)
        for formula in self._model.derived.formulas:
            known |= {name: self.numbers(name) for name in formula.operands if name not in known}
            self.keys[formula.target] = restored(codecs[formula.target], compute(formula, known))
            known.pop(formula.target, None)

    def total(self, total: Total, made: np.ndarray) -> None:
        """Fill a column that is a total over children, float64[n]."""
        if not self._table.column(total.target).nullable and not np.isnan(made).all():
            made = np.where(np.isnan(made), np.nanmedian(made), made)
        self.keys[total.target] = restored(self.codec(total.target), made)

    def carry(self, running: Running, family: np.ndarray, start: np.ndarray) -> None:
        """Fill a column that runs along siblings; where it breaks a condition, what is added there is another row's."""
        codec = self.codec(running.target)
        for step in range(_STEPS):
            moved = running.moved(self.numbers, lambda name, labels: label_codes(self.keys[name], labels))
            if running.drawn and step == 0:
                start = np.nan_to_num(self.numbers(running.target)) - moved
            self.keys[running.target] = restored(codec, carry_on(family, moved, start))
            if step == _STEPS - 1 or not self._corrected(running, family):
                return

    def _corrected(self, running: Running, family: np.ndarray) -> bool:
        """Change the first row of each family that breaks a condition; whether there was any."""
        if self._conditions is None:
            return False
        broken = self._conditions.broken_by(running.target, self._columns(), self._rows.n)
        names = self._conditions.companions(running.column) if broken.any() else set()
        if not names or broken.all():
            return False
        rows, donors = np.flatnonzero(broken), np.full(self._rows.n, -1, dtype=np.int64)
        first = rows[np.append(True, family[rows[1:]] != family[rows[:-1]])]
        donors[first] = self._rng.choice(np.flatnonzero(~broken), size=len(first))
        self.become_like(donors, names)
        return True

    def _fill_columns(self) -> None:
        for step in self._model.columns:
            if step.step in self._rows.numbers or step.step in self._rows.codes:
                self._fill(step)
        allows, traits = allowances(self._model.avoided), Traits.of(self.keys, self._rows.n)
        filled = fill(self._model.personal, self._rows.n, self._rng, allows, traits)
        for name, values in filled.items():
            at = pa.array(np.arange(len(values)), mask=self._rows.codes[f"column:{name}"] == 0)
            self.keys[name] = values.take(at).cast(arrow_type(self._types[name]))

    def _fill(self, step: ColumnStep) -> None:
        if isinstance(step.codec, TemporalCodec) and step.codec.told_by_decade:
            self.keys[step.column] = step.codec.on_any_day(self._raw(step.column), self._rng)
        elif step.measured:
            self.keys[step.column] = step.codec.restore(self._raw(step.column))  # type: ignore[union-attr]
        elif step.column not in {p.name for p in self._model.personal}:
            unique = any(key.columns == (step.column,) for key in self._table.keys)
            codes = self._rows.codes[step.step]
            allows = allowed(self._model.avoided, step.column)
            self.keys[step.column] = decoded(step.codec, codes, allows, self._rng, unique)  # type: ignore[arg-type]

    def _raw(self, column: str) -> np.ndarray:
        """Numbers on the codec's lattice; of a timestamp in two steps, the day and the time of day together."""
        raw = self._rows.numbers[f"column:{column}"]
        clock = next((c for c in self._model.columns if c.column == column and c.clock), None)
        if clock is None or not self._model.steps or not isinstance(clock.codec, TemporalCodec):
            return raw
        whole = clock.codec.at_time(raw, self._rows.numbers[clock.step])
        return whole - clock.codec.origin // clock.codec.unit

    def _fill_keys(self) -> None:
        for key in self._model.keys:
            allows = allowed(self._model.avoided, key.column)
            self.keys[key.column] = new_keys(key.maker, self._rows.n, allows, self._rng)

    def settle(self, schema: Schema) -> np.ndarray:
        """Change or drop rows until every key, condition and overlapping reference holds; positions of the rows kept.

        Raises PlanError if no row satisfies a condition.
        """
        self.keys |= moved_apart_ranges(self._table, self._columns(), schema.dialect) if self._table.exclusions else {}
        self._conditions = TableConditions(self._table, self._model, schema)
        for _ in range(_ROUNDS):
            repairs = self._conditions.repair_early(self._columns(), self._rng)
            for found in repairs:
                self._take(found)
            moved = self._move_repeats() | self._move_indexed()
            if not moved:
                break
        self._refer_again()
        kept = np.ones(self._rows.n, dtype=bool)
        for key in self._known_keys():
            kept[repeats([self.keys[c] for c in key.columns], key.nulls_distinct)] = False
        kept &= ~self._conditions.unmatched(self._columns(), self._rows.n) & ~self._unreferred()
        lost = self._orphans()
        if moved or lost is not None or any(found.violated.any() for found in repairs):
            kept &= ~self._conditions.violated(self._columns(), self._rows.n)
        if lost is not None:
            kept &= ~lost
        if not kept.all():
            kept = self._without_lost_parents(kept)
            self._keep(np.flatnonzero(kept))
        return np.flatnonzero(kept)

    def _fill_required(self) -> None:
        """Plain values where a value must be and none was learned; references are not made up."""
        live = (r for r in self._model.relations if r.role is not ReferenceRole.NULLED)
        referring = {c for r in live for c in r.key.columns}
        self.keys |= with_one_key(self._table, self.keys, referring)
        for column in self._table.insertable:
            values = self.keys.get(column.name)
            if not column.nullable and column.name not in referring and values is not None and values.null_count:
                self.keys[column.name] = filled(values, column)

    def _unreferred(self) -> np.ndarray:
        """Rows that must refer to another one where no row can be referred to, bool[n]."""
        lacking = np.zeros(self._rows.n, dtype=bool)
        for relation in (r for r in self._model.relations if r.id in self._rows.parents):
            for name in relation.key.columns:
                values = self.keys.get(name)
                if values is not None and values.null_count and not self._table.column(name).nullable:
                    lacking |= values.is_null().to_numpy(zero_copy_only=False)
        return lacking

    def _known_keys(self) -> list[Key]:
        """Keys of which every column has its values: not those over references to later tables."""
        return [key for key in self._table.keys if all(column in self.keys for column in key.columns)]

    def settle_late(self, columns: set[str]) -> None:
        """Once the late references over ``columns`` are set: release those that repeat a key, if they may be NULL."""
        for key in self._table.keys:
            loose = [c for c in key.columns if c in columns and self._table.column(c).nullable]
            if loose:
                again = repeats([self.keys[c] for c in key.columns], key.nulls_distinct)
                self._release(loose[0], again)
        self._release_indexed(columns)

    def _take(self, found: Repair) -> None:
        """Take over repaired columns, also in the codes and numbers that the tables below see."""
        rows, donors = np.flatnonzero(found.donors >= 0), found.donors[found.donors >= 0]
        for name in found.changed:
            self.keys[name] = found.columns[name]
        for step in self._model.columns:
            if step.column in found.carried:
                carry_over(self._rows, step, rows, donors)
            if step.column in found.edited:
                encode_again(self._rows, step, np.flatnonzero(found.edited[step.column]), self.keys[step.column])
        for relation in self._model.relations:
            up = self._rows.parents.get(relation.id)
            if up is not None and found.changed & {*relation.key.columns}:
                if {*relation.key.columns} <= found.carried:
                    up[rows] = up[donors]
                up[self.keys[relation.key.columns[0]].is_null().to_numpy(zero_copy_only=False)] = -1

    def _orphans(self) -> np.ndarray | None:
        """Rows in which overlapping foreign keys cannot both hold; None where none overlap."""
        lost: np.ndarray | None = None
        live = [r for r in self._model.relations if r.role is not ReferenceRole.NULLED]
        for relation in (r for r in live if r.id in self._rows.parents):
            shared = any({*relation.key.columns} & {*r.key.columns} for r in live if r.id != relation.id)
            if shared or self._is_own(relation):
                broken = self._reconciled(relation)
                lost = broken if lost is None else lost | broken
        return lost

    def _reconciled(self, relation: Relation) -> np.ndarray:
        parent = self._parents.get(relation.parent, self)
        if not parent.keys.keys() >= {*relation.key.parent_columns}:
            return np.zeros(self._rows.n, dtype=bool)  # filled by a later reference
        child = pa.table({c: self.keys[c] for c in relation.key.columns})
        there = pa.table({c: parent.keys[c] for c in relation.key.parent_columns})
        up = parent_rows(child, there, relation.key)
        broken = up == ORPHAN
        self._rows.parents[relation.id] = np.where(broken, -1, up)  # of a shared column the other key has the say
        loose = [c for c in relation.key.columns if self._table.column(c).nullable]
        if not broken.any() or not loose:
            return broken
        column = min(loose, key=lambda c: len(self._using(c)))  # better one that serves no other foreign key
        self._release(column, np.flatnonzero(broken))
        for other in self._using(column):
            self._rows.parents[other.id][broken] = -1
        return np.zeros(self._rows.n, dtype=bool)

    def _using(self, column: str) -> list[Relation]:
        """Foreign keys in use that the column is part of."""
        return [r for r in self._model.relations if column in r.key.columns and r.id in self._rows.parents]

    def _without_lost_parents(self, kept: np.ndarray) -> np.ndarray:
        """Give rows of a self-reference whose parent is dropped another; number the parents as the rows will be."""
        own = [r for r in self._model.relations if self._is_own(r)]
        before = -1
        while own and int(kept.sum()) != before:
            before = int(kept.sum())
            for relation in own:
                kept = self._adopted(relation, kept)
            kept = kept & ~self._conditions.violated(self._columns(), self._rows.n) if self._conditions else kept
        place = np.cumsum(kept) - 1
        for relation in own:
            up = self._rows.parents[relation.id]
            up[kept] = np.where(up[kept] >= 0, place[np.maximum(up[kept], 0)], -1)
        return kept

    def _adopted(self, relation: Relation, kept: np.ndarray) -> np.ndarray:
        """Refer rows whose parent is dropped to another one; drop those whose key other columns tie down."""
        up = self._rows.parents[relation.id]
        tied = {c for r in self._model.relations if r.id != relation.id for c in r.key.columns}
        tied |= {c for key in self._table.keys for c in key.columns}
        if tied & {*relation.key.columns}:
            return kept & ~((up >= 0) & ~kept[np.maximum(up, 0)])
        if self._is_indexed(relation.key.columns):
            return self._parted(relation, kept)
        orphan = adopt(up, kept, self._rng)
        for column, parent_column in zip(relation.key.columns, relation.key.parent_columns, strict=True):
            fresh = self.keys[parent_column].take(pa.array(np.maximum(up, 0))).cast(self.keys[column].type)
            self.keys[column] = pc.if_else(pa.array(orphan), fresh, self.keys[column])
        return kept

    def _refer_again(self) -> None:
        """Take the columns that only self-references fill anew: the keys that they repeat may have been moved."""
        filled_here = {c.column for c in self._model.columns} | {k.column for k in self._model.keys}
        others = {c for r in self._model.relations if not self._is_own(r) for c in r.key.columns}
        own = [r for r in self._model.relations if self._is_own(r)]
        for name in {c for r in own for c in r.key.columns} - filled_here - others:
            self.keys.pop(name, None)
        for relation in own:
            self.refer(relation, self._rows.parents[relation.id], self)

    def _is_own(self, relation: Relation) -> bool:
        return relation.role is ReferenceRole.SELF and relation.id in self._rows.parents

    def _keep(self, kept: np.ndarray) -> None:
        positions = pa.array(kept)
        self.keys = {name: values.take(positions) for name, values in self.keys.items()}
        self._rows = select_rows(self._rows, kept)


def _flat(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
