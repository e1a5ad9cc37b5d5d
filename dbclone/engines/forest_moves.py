"""Rows that repeat a key or a unique index: their values are moved to free ones before any row is dropped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.categorical import CategoricalCodec
from dbclone.columns.codecs import is_personal
from dbclone.conditions.repair import Repair, taken
from dbclone.conditions.uniques import UniqueIndex
from dbclone.engines.avoidance import allowances, allowed, decoded
from dbclone.engines.forest_conditions import TableConditions
from dbclone.engines.forest_tables import TableModel
from dbclone.models.distinctness import key_numbers, moved_apart, recoded, repeats
from dbclone.models.encoding import ColumnStep
from dbclone.models.layout import SAME_ROW
from dbclone.models.relations import Relation
from dbclone.models.rows import Rows
from dbclone.privacy.fakers import fill
from dbclone.privacy.traits import Traits
from dbclone.schema import Key, Table

_ROUNDS = 3


class Moves(ABC):
    """What moves the drawn rows of a table apart."""

    _table: Table
    _model: TableModel
    _rows: Rows
    _rng: np.random.Generator
    _conditions: TableConditions | None
    keys: dict[str, pa.Array]

    @abstractmethod
    def _fill(self, step: ColumnStep) -> None: ...

    @abstractmethod
    def _fill_required(self) -> None: ...

    @abstractmethod
    def _take(self, found: Repair) -> None: ...

    @abstractmethod
    def _columns(self) -> Mapping[str, pa.Array]: ...

    @abstractmethod
    def _known_keys(self) -> list[Key]: ...

    def become_like(self, donors: np.ndarray, names: Collection[str]) -> None:
        """Let rows have these columns of others; ``donors`` int64[n], −1 for a row that stays."""
        known = {*names} & self.keys.keys()
        self._take(taken({name: self.keys[name] for name in known}, known, donors))

    def _move_repeats(self) -> bool:
        """Move rows that repeat a key; whether any was moved."""
        moved = False
        for key in self._known_keys():
            for step in self._movable(key.columns):
                for _ in range(_ROUNDS):
                    again = repeats([self.keys[c] for c in key.columns], key.nulls_distinct)
                    if not len(again):
                        break
                    self._move(step, self._rest(key.columns, step), again)
                    moved = True
        return moved

    def _move_indexed(self) -> bool:
        """Move rows that repeat a unique index over some rows or over expressions; whether any was moved.

        Numbers and categories that it is over are moved first, then texts are drawn anew, and last a row takes what
        makes the index cover it from one that it does not cover.
        """
        moved = False
        for index in self._conditions.indexes if self._conditions else ():
            for _ in range(_ROUNDS):
                again = self._repeating(index)
                if not len(again):
                    break
                moved |= self._move_items(index, again) or self._uncover(index, again)
        return moved

    def _repeating(self, index: UniqueIndex) -> np.ndarray:
        return index.repeating(self._columns(), self._rows.n)

    def _move_items(self, index: UniqueIndex, rows: np.ndarray) -> bool:
        """Change one of the columns that the index is over; whether there is one that can be changed."""
        keyed = {name for key in self._table.keys for name in key.columns}
        free = index.item_columns - keyed - self._bound()
        steps = self._movable(free)
        if steps:
            others = self._rest(index.item_columns, steps[0])
            outside = ~index.covered(self._columns(), self._rows.n)
            others[outside] = -2 - np.flatnonzero(outside)  # what is not covered is in nobody's way
            self._move(steps[0], others, rows)
            return True
        texts = [s for s in self._model.columns if s.column in free and s.step in self._rows.codes]
        if texts:
            self._draw_again(texts[0], rows)
        return bool(texts)

    def _bound(self) -> set[str]:
        """Columns that follow from others, or that others follow from."""
        bound = {c for f in self._model.derived.formulas for c in (f.target, *f.operands)}
        bound |= {c for r in self._model.relations for c in r.key.columns}
        return bound | {c for r in self._model.relations if r.parent == self._table.name for c in r.key.parent_columns}

    def _draw_again(self, step: ColumnStep, rows: np.ndarray) -> None:
        """Other texts of the same kind."""
        if is_personal(step.codec):
            self._name_again(step.column, rows)
            return
        allows = allowed(self._model.avoided, step.column)
        codes = self._rows.codes[step.step][rows]
        fresh = decoded(step.codec, codes, allows, self._rng, unique=True)  # type: ignore[arg-type]
        self._put(step.column, rows, fresh)

    def _name_again(self, column: str, rows: np.ndarray) -> None:
        """Make other persons of the rows: what is made with this column changes with it, where no key holds it.

        No value of the column stays one of those in use, in whatever case an index compares them.
        """
        held = {name for key in self._table.keys for name in key.columns} | self._bound()
        personal = [p for p in self._model.personal if p.name == column or p.name not in held]
        personal = [replace(p, unique=True) if p.name == column else p for p in personal]
        known, allows = _folded(self.keys[column]), allowed(self._model.avoided, column)

        def is_new(values: pa.Array) -> npt.NDArray[np.bool_]:
            in_use = pc.is_in(_folded(values), value_set=known).to_numpy(zero_copy_only=False)
            return allows(values) & ~in_use.astype(bool)

        traits = Traits.of({name: values.take(pa.array(rows)) for name, values in self.keys.items()}, len(rows))
        permitted = {**allowances(self._model.avoided), column: is_new}
        for name, made in fill(personal, len(rows), self._rng, permitted, traits).items():
            there = self.keys[name].take(pa.array(rows)).is_valid()
            self._put(name, rows[there.to_numpy(zero_copy_only=False)], made.filter(there))

    def _uncover(self, index: UniqueIndex, rows: np.ndarray) -> bool:
        """Give rows the columns of the index's condition that a row has which it does not cover."""
        outside = np.flatnonzero(~index.covered(self._columns(), self._rows.n))
        wanted = index.left_out.columns if index.left_out else ()
        found = [self._conditions.companions(name) for name in wanted] if self._conditions else []
        if not len(outside) or not found or not all(found):
            return False
        names = set[str]().union(*found)
        donors = np.full(self._rows.n, -1, dtype=np.int64)
        donors[rows] = self._rng.choice(outside, size=len(rows))
        self.become_like(donors, names)
        return True

    def _release(self, column: str, rows: np.ndarray) -> None:
        """Set a column to NULL in the given rows."""
        mask = np.isin(np.arange(self._rows.n), rows)
        self.keys[column] = self.keys[column].take(pa.array(np.arange(self._rows.n), mask=mask))

    def _release_indexed(self, late: set[str]) -> None:
        """Once the late references over these columns are set: release those that repeat under a unique index."""
        for index in self._conditions.late_indexes if self._conditions else ():
            if index.columns <= self.keys.keys():
                loose = [c for c in index.columns & late if self._table.column(c).nullable]
                for column in sorted(loose, key=lambda c: (c not in index.item_columns, c)):
                    self._release(column, self._repeating(index))

    def _is_indexed(self, columns: Collection[str]) -> bool:
        indexes = self._conditions.indexes if self._conditions else ()
        return any(not index.columns.isdisjoint(columns) for index in indexes)

    def _parted(self, relation: Relation, kept: np.ndarray) -> np.ndarray:
        """Release rows of a self-reference whose parent is dropped, where another parent could repeat a unique index;
        those that may not be without one are dropped."""
        up = self._rows.parents[relation.id]
        orphan = (up >= 0) & ~kept[np.maximum(up, 0)]
        loose = [c for c in relation.key.columns if self._table.column(c).nullable]
        if not loose:
            return kept & ~orphan
        self._release(loose[0], np.flatnonzero(orphan))
        up[orphan] = -1
        return kept

    def _movable(self, columns: Collection[str]) -> list[ColumnStep]:
        """Value columns among these that can take other values."""
        steps = [s for s in self._model.columns if s.column in columns]
        return [s for s in steps if s.measured or isinstance(s.codec, CategoricalCodec)]

    def _rest(self, columns: Collection[str], step: ColumnStep) -> np.ndarray:
        """Equal numbers for rows that are equal in the other columns, int64[n]; −1 where one of these is NULL."""
        rest = [self.keys[c] for c in columns if c != step.column]
        return key_numbers(rest) if rest else np.zeros(self._rows.n, dtype=np.int64)

    def _move(self, step: ColumnStep, others: np.ndarray, rows: np.ndarray) -> None:
        """Change a value column in the given rows, to what no row with the same number of ``others`` has."""
        if step.measured:
            drawn = next(s for s in self._model.steps.steps if s.name == step.step)  # type: ignore[union-attr]
            unit = 1.0 if step.scale.lattice else max((drawn.high - drawn.low) / 1e6, 1e-9)
            room = max(drawn.high - drawn.low, 64 * unit)
            bounds, numbers = (drawn.low, drawn.high + room), self._rows.numbers[step.step]
            moved = moved_apart(numbers, others, rows, unit, bounds, permits=drawn.permits)
            self._rows.numbers[step.step] = moved
            if step.scale.temporal:
                self._take_along(step, rows, (moved - numbers)[rows] * step.scale.unit)
        else:
            codes = self._rows.codes[step.step]
            self._rows.codes[step.step] = recoded(codes, others, rows, step.codec.size, self._rng)  # type: ignore[union-attr]
        self._fill_in(step, rows)

    def _take_along(self, step: ColumnStep, rows: np.ndarray, by: np.ndarray) -> None:
        """Move the dates that are counted from a date that has moved, ``by`` float64[rows] microseconds."""
        counted = {
            s.name
            for s in self._model.steps.steps  # type: ignore[union-attr]
            for v in s.variants
            if v.reference == SAME_ROW and v.source is not None and v.source.step == step.step
        }
        for other in self._model.columns:
            if other.step in counted and other.scale.temporal and not other.clock:
                self._rows.numbers[other.step][rows] += np.round(by / other.scale.unit)
                self._fill_in(other, rows)
                self._take_along(other, rows, by)

    def _fill_in(self, step: ColumnStep, rows: np.ndarray) -> None:
        """Decode the column in the given rows only: elsewhere a repair may have left values that no code stands for."""
        before = self.keys[step.column]
        self._fill(step)
        fresh, self.keys[step.column] = self.keys[step.column].take(pa.array(rows)), before
        self._put(step.column, rows, fresh)
        self._fill_required()

    def _put(self, column: str, rows: np.ndarray, fresh: pa.Array) -> None:
        """Give the rows (int64[m]) these values (m of them) of a column."""
        before = self.keys[column]
        place = np.arange(self._rows.n)
        place[rows] = self._rows.n + np.arange(len(rows))
        self.keys[column] = pa.concat_arrays([before, fresh.cast(before.type)]).take(pa.array(place))


def _folded(values: pa.Array) -> pa.Array:
    return pc.utf8_lower(values.cast(pa.string()))
