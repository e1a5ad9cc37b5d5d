"""Generation by the forest: table after table in load order, then the references across cycles, then values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from dbclone.abc import Progress
from dbclone.engines.forest_exchange import exchangeable_totals
from dbclone.engines.forest_tables import TableModel
from dbclone.engines.forest_totals import Summed, mended
from dbclone.engines.forest_values import Values
from dbclone.engines.repeating import referred, repeated
from dbclone.matching import parent_rows
from dbclone.models.copies import Copied
from dbclone.models.derivation import TotalOf
from dbclone.models.drawing import Size, draw_rows, groups_of, select_rows
from dbclone.models.moments import settle_moments
from dbclone.models.pointers import Pointer, assign
from dbclone.models.program import Groups
from dbclone.models.relations import owner_of
from dbclone.models.rows import Rows, follow, taken
from dbclone.models.steps import TableSteps
from dbclone.options import GenerateOptions
from dbclone.plan import Plan, ReferenceRole
from dbclone.schema import TableName

TOLERANCE = 0.02
"""Relative deviation of a table's size from the wished one that is left to chance."""
CUT = 0.25
"""Share of the rows that must lack before the largest numbers of children count as cut."""
LARGEST = 0.1
"""Share of the owners with children that have the largest numbers of them."""
NEAR = 8
"""Numbers of children within this part of all ranks are near."""


class Generation:
    """One run.  Everything is drawn in code space first; each table becomes Arrow when nothing in it can change."""

    def __init__(
        self, plan: Plan, models: tuple[TableModel, ...], options: GenerateOptions, progress: Progress
    ) -> None:
        self._plan, self._models, self._options, self._progress = plan, models, options, progress
        self._rows: dict[TableName, Rows] = {}
        self._values: dict[TableName, Values] = {}
        self._totalled: set[TableName] = set()
        self._mended: set[TableName] = set()
        self._wished = {name.lower(): rows for name, rows in options.rows}

    def tables(self) -> Iterator[tuple[TableName, pa.Table]]:
        """All tables, in load order."""
        late = {m.table: {p.parent for p in m.pointers if not p.within} for m in self._models}
        waiting = {name: parents | self._below(name) for name, parents in late.items()}
        ready: list[TableModel] = []
        for number, model in enumerate(self._models):
            self._draw(model, np.random.SeedSequence(self._options.seed, spawn_key=(1, number)))
            ready.append(model)
            while ready and waiting[ready[0].table] <= self._rows.keys():
                yield self._finished(ready.pop(0))

    def wished(self) -> int:
        """Rows of all drawn tables."""
        return sum(self._wish(model) for model in self._models if model.steps is not None)

    def missing(self) -> int:
        """Once all is drawn: the rows that tables lack which have less than half of what they should."""
        pairs = [(self._wish(m), self._rows[m.table].n) for m in self._models if m.steps is not None]
        return sum(wish - there for wish, there in pairs if 2 * there < wish)

    def _finished(self, model: TableModel) -> tuple[TableName, pa.Table]:
        values = self._values[model.table]
        for number, pointer in enumerate(p for p in model.pointers if not p.within):
            rng = np.random.default_rng(np.random.SeedSequence(self._options.seed, spawn_key=(2, number)))
            self._point(model, pointer, rng)
        late = {p.reference for p in model.pointers if not p.within}
        if late and model.steps is not None:
            values.settle_late({column for r in model.relations if r.id in late for column in r.key.columns})
        self._total(model)
        return model.table, values.table()

    def _below(self, table: TableName) -> set[TableName]:
        """The tables over which its totals run, and over which theirs do."""
        found: set[TableName] = set()
        open_ones = [table]
        while open_ones:
            fresh = {t.child for t in self._model(open_ones.pop()).derived.totals} - found
            found |= fresh
            open_ones += sorted(fresh)
        return found

    def _model(self, table: TableName) -> TableModel:
        return next(m for m in self._models if m.table == table)

    def _total(self, model: TableModel) -> None:
        """Totals over the children, which are all there now (theirs first), and what is computed from them."""
        if not model.derived.totals or model.table in self._totalled:
            return
        self._totalled.add(model.table)
        values = self._values[model.table]
        for total in model.derived.totals:
            child = self._model(total.child)
            self._total(child)
            if all(pointer.within for pointer in child.pointers):
                self._values[total.child].repair_late()
            self._mend(child)
            rows = self._rows[total.child]
            up, groups = rows.parents[total.reference], self._rows[model.table].n
            values.total(total.total, self._summed(total, values).over(up, groups, np.arange(rows.n)))
        self._compute(model, values)

    def _summed(self, total: TotalOf, parents: Values) -> Summed:
        codec = parents.codec(total.total.target)
        return Summed.of(total, codec, self._values[total.child], self._rows[total.child].n)

    def _mend(self, model: TableModel) -> None:
        """Change children that nothing but their owner's totals depends on, where these come to what is rare."""
        if model.table in self._mended or model.steps is None or model.steps.owner_table is None:
            return
        self._mended.add(model.table)
        free = exchangeable_totals(self._plan, self._models, model)
        if not free:
            return
        owners, rows = model.steps.owner_table, self._rows[model.table]
        number = [m.table for m in self._models].index(model.table)
        rng = np.random.default_rng(np.random.SeedSequence(self._options.seed, spawn_key=(3, number)))
        totals = [self._summed(total, self._values[owners]) for total, _ in free]
        donors = mended(totals, rows.parents[model.steps.owner or ""], self._rows[owners].n, rng)
        self._values[model.table].become_like(donors, {name for _, columns in free for name in columns})

    def _compute(self, model: TableModel, values: Values) -> None:
        """Formulas over the row and its parents."""
        operands = {}
        for operand in model.derived.operands:
            if operand.hops:
                rows = follow(self._rows, model.table, operand.hops)
                there = self._values[operand.hops[-1].parent].numbers(operand.column)
                operands[operand.name] = taken(there, rows)
        values.compute(operands)

    def _run(self, model: TableModel, values: Values) -> None:
        """Sums that run along siblings."""
        owner = model.steps.owner if model.steps else None
        if owner is None or model.steps is None or model.steps.owner_table is None:
            return
        up = self._rows[model.table].parents[owner]
        family = np.where(up >= 0, up, self._rows[model.steps.owner_table].n + np.arange(len(up)))
        for running in model.derived.running:
            start = np.zeros(len(up))
            if running.start:
                start = taken(self._values[model.steps.owner_table].numbers(running.start), up)
            values.carry(running, family, np.nan_to_num(start))

    def _draw(self, model: TableModel, seed: np.random.SeedSequence) -> None:
        rng = np.random.default_rng(seed)
        if model.steps is None:
            self._rows[model.table] = _fixed_rows(model)
            self._values[model.table] = Values.fixed(model)
            self._rows[model.table].parents.update(self._copied_parents(model))
            return
        keys = {name: values.keys for name, values in self._values.items()}
        rows = draw_rows(model.steps, self._size(model, model.steps, rng), self._rows, keys, int(rng.integers(2**31)))
        self._rows[model.table] = rows
        settle_moments(model.steps, rows, self._rows)
        for implied in model.implied:
            owner = rows.parents[model.steps.owner or ""]
            database = {**self._rows}
            end = follow(database, model.steps.owner_table or model.table, implied.hops)
            up = np.where(owner >= 0, end[np.maximum(owner, 0)], -1) if len(end) else np.full(rows.n, -1)
            held = rows.codes[f"pointer:{implied.reference}"] > 0 if implied.nullable else np.ones(rows.n, dtype=bool)
            lost = np.zeros(0, dtype=np.int64) if implied.nullable else np.flatnonzero(up < 0)
            if len(lost) and self._rows[implied.parent].n:  # no owner to say which, and one there must be
                up[lost] = rng.integers(self._rows[implied.parent].n, size=len(lost))
            rows.parents[implied.reference] = np.where(held, up, -1)
        values = Values(self._plan.schema.table(model.table), model, rows, self._values, rng)
        self._values[model.table] = values
        for pointer in model.pointers:
            if pointer.within:
                self._point(model, pointer, rng)
        for copy in model.copies:
            self._repeat(model, copy, follow(self._rows, model.table, copy.hops))
        self._compute(model, values)
        kept = values.settle(self._plan.schema)
        if len(kept) < rows.n:
            self._rows[model.table] = select_rows(rows, kept)
        for copy in model.copies:  # rows have gone, and names of keys have changed
            if copy.hops and copy.table == model.table:
                relation = next(r for r in model.relations if r.id == copy.hops[0].reference)
                self._repeat(model, copy, referred(relation, values.keys))
        self._run(model, values)
        self._progress.advance(0, model.table)

    def _copied_parents(self, model: TableModel) -> dict[str, np.ndarray]:
        """The parents of a copied table's rows: copied ones, too."""
        copied = {other.table: other.copied for other in self._models if other.copied is not None}
        if model.copied is None:
            return {}
        nothing = np.full(model.copied.num_rows, -1, dtype=np.int64)
        return {
            r.id: np.maximum(parent_rows(model.copied, copied[r.parent], r.key), -1) if r.parent in copied else nothing
            for r in model.relations
            if r.role is not ReferenceRole.NULLED
        }

    def _repeat(self, model: TableModel, copy: Copied, at: np.ndarray) -> None:
        """Fill a column with what it repeats of the rows ``at``."""
        own, other = self._values[model.table].keys, self._values[copy.table].keys
        table = self._plan.schema.table(model.table)
        own[copy.column] = repeated(copy, table, self._rows[model.table], own=own, other=other, at=at)

    def _size(self, model: TableModel, steps: TableSteps, rng: np.random.Generator) -> Size:
        wished = self._wish(model)
        if steps.owner is None or steps.owner_table is None:
            return Size(np.zeros(0, dtype=np.int64), wished)
        real = self._plan.table(model.table).rows
        alone = round(wished * steps.ownerless / real) if real else 0
        owners = self._rows[steps.owner_table]
        if not owners.n and alone:
            alone = wished  # without any owner all do without one
        counts = owners.numbers.get(f"count:{steps.owner}", np.zeros(owners.n))
        counts = np.maximum(np.nan_to_num(np.round(counts)), 0).astype(np.int64)
        most = 1 if self._one_to_one(model) else None
        natural = (real - steps.ownerless) * owners.n / max(self._plan.table(steps.owner_table).rows, 1)
        asked = (wished - alone) / natural if natural else 1.0
        return Size(_calibrated(counts, wished - alone, most, asked, rng), alone)

    def _wish(self, model: TableModel) -> int:
        for name in (str(model.table).lower(), model.table.name.lower()):
            if name in self._wished:
                return self._wished[name]
        real = self._plan.table(model.table).rows
        return max(round(real * self._options.scale), 1 if real else 0)

    def _one_to_one(self, model: TableModel) -> bool:
        owner = owner_of(model.relations)
        keys = self._plan.schema.table(model.table).keys
        return owner is not None and any(set(key.columns) <= set(owner.key.columns) for key in keys)

    def _point(self, model: TableModel, pointer: Pointer, rng: np.random.Generator) -> None:
        rows, parents = self._rows[model.table], self._rows[pointer.parent]
        keys: Mapping[TableName, Mapping[str, pa.Array]] = {name: v.keys for name, v in self._values.items()}
        groups: Groups | None = None
        if pointer.restriction is not None:
            groups = groups_of(pointer.restriction, model.table, pointer.parent, self._rows, keys)
        degree = parents.numbers.get(f"count:{pointer.reference}", np.ones(parents.n))
        codes = rows.codes.get(f"pointer:{pointer.reference}", np.zeros(rows.n, dtype=np.int32))
        rows.parents[pointer.reference] = assign(pointer, codes, degree, groups, rng)
        relation = next(r for r in model.relations if r.id == pointer.reference)
        self._values[model.table].refer(relation, rows.parents[pointer.reference], self._values[pointer.parent])


def _fixed_rows(model: TableModel) -> Rows:
    return Rows(model.copied.num_rows if model.copied is not None else 0)


def _calibrated(
    counts: np.ndarray, wished: int, most: int | None, asked: float, rng: np.random.Generator
) -> np.ndarray:
    """The counts with about the wished sum; ``asked``: how many times the children of the source an owner is to have.

    A sum that misses by chance is mended by exchanging some counts for near ones, so that they stay such as the source
    has (pairs, dozens).  If far too few are drawn, the largest counts were cut at the k-th entity: those grow.
    """
    if most is not None:
        counts = np.minimum(counts, most)
    if not len(counts):
        return counts
    if most is None and abs(asked - 1) > TOLERANCE:
        counts = _rounded(counts * asked, rng)
    if counts.sum() == 0 and most is None:  # too few parents to learn their numbers of children
        return rng.multinomial(wished, np.full(len(counts), 1 / len(counts))).astype(np.int64)
    lack = wished - int(counts.sum())
    if abs(lack) <= TOLERANCE * wished:
        return counts
    if most == 1:
        return _switched(counts, wished, rng)
    return _raised(counts, lack, rng) if lack > CUT * wished else _exchanged(counts, lack, rng)


def _raised(counts: np.ndarray, lack: int, rng: np.random.Generator) -> np.ndarray:
    """The largest counts share what lacks in proportion to their size."""
    out = counts.copy()
    top = np.flatnonzero(counts >= np.quantile(counts[counts > 0], 1 - LARGEST))
    out[top] += _rounded(counts[top] * (lack / counts[top].sum()), rng)
    return out


def _exchanged(counts: np.ndarray, lack: int, rng: np.random.Generator) -> np.ndarray:
    """Some counts, at random, become larger or smaller ones of near rank; all stretch where that is too little."""
    out = counts.copy()
    order = np.flatnonzero(counts > 0)[np.argsort(counts[counts > 0], kind="stable")]
    n = len(order)
    way = rng.integers(1, max(n // NEAR, 1) + 1, size=n) * (1 if lack > 0 else -1)
    place = rng.permutation(n)
    change = counts[order[np.clip(place + way, 0, n - 1)]] - counts[order[place]]
    enough = int(np.searchsorted(np.abs(np.cumsum(change)), abs(lack), side="right"))
    out[order[place[:enough]]] += change[:enough]
    return out if enough < n else _rounded(counts * (1 + lack / counts.sum()), rng)


def _rounded(exact: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whole numbers with the same sum, each next to its exact one (systematic sampling in random order)."""
    order = rng.permutation(len(exact))
    edges = np.floor(np.cumsum(exact[order]) + rng.random())
    whole = np.zeros(len(exact), dtype=np.int64)
    whole[order] = np.diff(edges, prepend=0.0)
    return whole


def _switched(counts: np.ndarray, wished: int, rng: np.random.Generator) -> np.ndarray:
    out = counts.copy()
    surplus = int(out.sum()) - wished
    pool = np.flatnonzero(out == (1 if surplus > 0 else 0))
    out[rng.permutation(pool)[: abs(surplus)]] = 0 if surplus > 0 else 1
    return out
