"""From observed rows to a table's steps: what each tree may look at, and the trees themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from dbclone.columns.temporal import DECADE
from dbclone.models.anchors import anchor_of
from dbclone.models.atoms import Atoms
from dbclone.models.bases import Base, bases_of, bounds_of, ceiling_of, choose_bases, counts_on
from dbclone.models.calendar import days_of_month
from dbclone.models.conditional import Seen, fit_conditional
from dbclone.models.endings import last_of
from dbclone.models.layout import ABSOLUTE, BY_HABIT, BY_KEY, LOOKUP, MEASURED, OWNER, PACED
from dbclone.models.linkage import usually_apart
from dbclone.models.lookups import table_of, without_cycles
from dbclone.models.moments import with_moments
from dbclone.models.nulls import null_key, null_rules, null_table
from dbclone.models.observation import Observation, Observed, upward
from dbclone.models.relations import Relation, families_keep_apart
from dbclone.models.rows import Hop, Path, taken
from dbclone.models.sampling import Sample, Shape, take_sample
from dbclone.models.sieve import NO_SIEVE, Sieve
from dbclone.models.step_order import determining, kind_step, plain_numbers, shapes_of, with_gate
from dbclone.models.steps import Bound, Link, NullRule, Step, TableSteps, Variant
from dbclone.models.tails import has_tails, reach
from dbclone.models.tree import Tree
from dbclone.plan import ReferenceRole, TableRole
from dbclone.privacy.protection import count_entities
from dbclone.schema import TableName

DEEPEST_CONTEXT = 3
MOST_OWNER_BYTES = 150
MOST_LINK_BYTES = 60


def learn_table(seen: Observation, observed: Observed, pool: Executor) -> TableSteps:
    """Fit all steps of one table; trees grow in the pool's threads, the result does not depend on their number."""
    owner = observed.owner
    context, numbers = _owner_paths(seen, observed)
    links = tuple(_link(seen, observed, r) for r in _drawn_links(observed))
    plain = {c.step: plain_numbers(observed, c) for c in observed.columns}
    determined = determining(observed, plain)
    empty = null_rules(plain, frozenset(c.step for c in observed.columns if not c.measured))
    kind = kind_step(observed, links, determined)
    shapes = with_gate(observed, list(shapes_of(observed, links, kind, without_cycles({**empty, **determined}))))
    links = tuple(replace(k, anchor=anchor_of(seen, observed, k, _before_link(shapes, k))) for k in links)
    paced = _paced_step(observed, shapes)
    ceiling = _ceiling(seen, observed, shapes, paced, (numbers, links))
    sample = take_sample(seen, observed, shapes, context, links, marks=(paced, kind, ceiling))
    learner = _Learner(seen, observed, shapes, sample, (numbers, links), kind, determined, empty, paced, ceiling, pool)
    tasks = [learner.learn(i) for i in range(len(shapes))]
    steps = tuple(task() for task in tasks)
    ownerless = int((observed.rows.parents[owner.id] < 0).sum()) if owner else observed.rows.n
    name, up = (owner.id, owner.parent) if owner else (None, None)
    own, table_name = (ownerless, paced, kind), observed.plan.table
    table = TableSteps(table_name, name, up, context, numbers, links, steps, *own, shared=observed.shared)
    return with_moments(table, observed.rows, seen.database)


def _before_link(shapes: list[Shape], link: Link) -> list[Shape]:
    """What is drawn before the link's parent is chosen."""
    return shapes[: [s.name for s in shapes].index(f"link:{link.reference}")]


def _drawn_links(observed: Observed) -> list[Relation]:
    return [r for r in observed.relations if r.role is ReferenceRole.LINK and not r.path]


def _link(seen: Observation, observed: Observed, r: Relation) -> Link:
    nullable = any(observed.table.column(c).nullable for c in r.key.columns)
    distinct = BY_KEY if families_keep_apart(observed.table, observed.owner, r) else 0
    if not distinct and observed.owner and usually_apart(observed.family, observed.rows.parents[r.id]):
        distinct = BY_HABIT
    context: tuple[Path, ...] = ()
    numbers: tuple[Path, ...] = ()
    if seen.tables[r.parent].plan.role is TableRole.SYNTHESISE:
        context = _within(seen, r.parent, observed.plan.table, MOST_LINK_BYTES)
        numbers = tuple(Path((), c.step) for c in seen.tables[r.parent].columns if c.measured)
    types = observed.types.get(r.id, 1)
    restriction, known = observed.restrictions.get(r.id), observed.known.get(r.id, ())
    return Link(
        r.id, r.parent, r.direct, distinct, nullable, types, context, numbers, restriction=restriction, known=known
    )


def _owner_paths(seen: Observation, observed: Observed) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    owner = observed.owner
    if owner is None:
        return (), ()
    context = _within(seen, owner.parent, observed.plan.table, MOST_OWNER_BYTES)
    numbers = [
        Path(hops, column.step)
        for hops, table in _chains(seen, owner.parent, observed.plan.table)
        for column in seen.tables[table].columns
        if column.measured and not column.clock and (column.scale.temporal or not hops)
    ]
    hidden = seen.tables[owner.parent].hidden
    numbers += [Path((), name) for name in hidden if name.startswith(f"level:{owner.id}:") or name == last_of(owner)]
    return context, tuple(numbers)


def _chains(seen: Observation, start: TableName, avoid: TableName) -> Iterator[tuple[tuple[Hop, ...], TableName]]:
    """Chains of hops from a table to those it hangs from, nearest first, never through ``avoid`` or a table twice."""
    up = upward(seen)
    frontier: list[tuple[tuple[Hop, ...], TableName]] = [((), start)]
    for _ in range(DEEPEST_CONTEXT + 1):
        grown: list[tuple[tuple[Hop, ...], TableName]] = []
        for hops, table in frontier:
            yield hops, table
            passed = {avoid, start, *(h.parent for h in hops)}
            for reference, parent in up[table].items():
                if parent not in passed:
                    grown.append(((*hops, Hop(reference, parent)), parent))
        frontier = grown


def _within(seen: Observation, start: TableName, avoid: TableName, most: int) -> tuple[Path, ...]:
    """Paths to the steps of a parent and of what it hangs from, nearest first, at most ``most`` bytes."""
    paths, taken = [], 0
    for hops, table in _chains(seen, start, avoid):
        for step, seen_bytes in seen.tables[table].rows.bytes.items():
            if taken + len(seen_bytes) <= most:
                paths.append(Path(hops, step))
                taken += len(seen_bytes)
    return tuple(paths)


def _ceiling(
    seen: Observation,
    observed: Observed,
    shapes: list[Shape],
    paced: str,
    parents: tuple[tuple[Path, ...], tuple[Link, ...]],
) -> np.ndarray:
    index = next((i for i, s in enumerate(shapes) if s.name == paced), -1)
    if index < 0:
        return np.zeros(observed.rows.n)
    top = ceiling_of(observed.rows.numbers[paced], list(bases_of(seen, observed, shapes, index, parents, kind="")))
    last = _last(seen, observed)
    return top if last is None else np.fmin(top, last)


def _last(seen: Observation, observed: Observed) -> np.ndarray | None:
    """The date of the last sibling, in each row, where it is drawn with the owner."""
    owner = observed.owner
    there = seen.tables[owner.parent].rows.numbers.get(last_of(owner)) if owner else None
    return taken(there, observed.rows.parents[owner.id]) if owner and there is not None else None


def _paced_step(observed: Observed, shapes: list[Shape]) -> str:
    """The date in whose order the siblings stand, else the first column of the sort key, where it is a number."""
    if observed.date is not None:
        return observed.date.step
    first = observed.plan.order_by[0] if observed.plan.order_by and observed.owner else None
    return next((s.name for s in shapes if s.kind == MEASURED and s.name == f"column:{first}"), "")


@dataclass(frozen=True)
class _Learner:
    """Everything that the steps of one table have in common while they are learned."""

    seen: Observation
    observed: Observed
    shapes: list[Shape]
    sample: Sample
    parents: tuple[tuple[Path, ...], tuple[Link, ...]]
    kind: str
    determined: dict[str, str]
    empty: dict[str, str]
    """For each step whose NULLs another one decides, that one."""
    paced: str
    ceiling: np.ndarray
    """Highest number that the paced step may have in each row."""
    pool: Executor

    def learn(self, index: int) -> Callable[[], Step]:
        """Start growing the trees of a step; the result is fetched by calling what is returned."""
        shape, observed = self.shapes[index], self.observed
        visible = self._visible(index)
        first = self._lookup(shape, index)
        if shape.kind != MEASURED:
            codes = observed.direct_codes.get(shape.name.removeprefix("link:"), observed.rows.codes[shape.name])
            codes = codes[self.sample.rows]
            future = self.pool.submit(_tree, self.sample, visible, np.arange(len(codes)), codes, False)
            nulls = self._null_rule(shape)
            once = shape.name.startswith("column:") and not first and self._is_once(shape)
            free = not first and nulls is None and not once
            return lambda: Step(
                shape.name,
                shape.kind,
                shape.feature,
                (*first, Variant(ABSOLUTE, future.result())),
                shape.scale,
                nulls=nulls,
                once=once,
                labels=observed.label_sets.get(shape.name) if free else None,
            )
        raw = observed.rows.numbers[shape.name]
        bases = list(bases_of(self.seen, observed, self.shapes, index, self.parents, kind=self.kind))
        ceiling = self.ceiling if shape.name == self.paced else None
        chosen = choose_bases(observed, shape, raw, bases, ceiling=ceiling, kind=self.kind)
        grown = list(_variants(shape, raw, chosen, self.sample, visible, pool=self.pool))
        low, high = reach(shape.name, raw, shape.scale, observed.guard)
        bounds, nulls = bounds_of(raw, [b for b in bases if not b.hidden], chosen), self._null_rule(shape)
        ends = self._ends(shape)
        bounds += () if ends is None else (Bound(OWNER, ends, shape.scale, -1, True),)
        counting = counts_on(shape, raw, chosen)
        return lambda: Step(
            shape.name,
            shape.kind,
            shape.feature,
            (*first, *(make() for make in grown)),
            shape.scale,
            low,
            high,
            bounds,
            nulls,
            NO_SIEVE if counting else self._sieve(shape),
            self._month_days(shape),
            counting,
            ends=ends,
            beyond=int(((raw < low) | (raw > high)).sum()),
        )

    def _ends(self, shape: Shape) -> Path | None:
        """What the owner knows of the last sibling's number."""
        owner = self.observed.owner
        last = Path((), last_of(owner)) if owner else None
        return last if last in self.parents[0] and shape.name == self.paced else None

    def _is_once(self, shape: Shape) -> bool:
        codes = self.observed.rows.codes[shape.name].astype(np.int64)
        return self.observed.owner is not None and usually_apart(self.observed.family, codes - 1)

    def _month_days(self, shape: Shape) -> int:
        if not shape.scale.temporal or not shape.name.startswith("column:"):
            return 0
        numbers = self.observed.rows.numbers[shape.name]
        return days_of_month(numbers, shape.scale.unit, shape.scale.offset, self.observed.guard)

    def _sieve(self, shape: Shape) -> Sieve:
        """Of numbers that stand in the database; with a time of day stands that of the day and the time together."""
        kind, _, column = shape.name.partition(":")
        numbers = self.observed.rows.numbers
        if kind == "time":
            clocks = [c for c in self.observed.columns if c.clock and c.scale.unit == shape.scale.unit]
            whole = {c.step: c.codec.at_time(numbers[f"column:{c.column}"], numbers[c.step]) for c in clocks}  # type: ignore[union-attr]
            own = whole.pop(shape.name)
            return Sieve.fit(own, self.observed.guard, list(whole.values()), calendar=True)
        if kind != "column" or f"time:{column}" in numbers:
            return NO_SIEVE
        if shape.scale.temporal and shape.scale.unit >= DECADE:  # told by decade
            held = int((~np.isnan(numbers[shape.name])).sum())
            return Sieve(rare=(held, held))
        in_key = any(column in key.columns for key in self.observed.table.keys)
        return Sieve.fit(numbers[shape.name], self.observed.guard, calendar=shape.scale.temporal, in_key=in_key)

    def _lookup(self, shape: Shape, index: int) -> tuple[Variant, ...]:
        source = self.determined.get(shape.name)
        if source is None or source not in {s.name for s in self.shapes[:index]}:
            return ()
        columns = {c.step: c for c in self.observed.columns}
        a, b = plain_numbers(self.observed, columns[source]), plain_numbers(self.observed, columns[shape.name])
        known, starts, determined = table_of(a, b, self.observed.guard.k, self.observed.guard.owners)
        if shape.kind != MEASURED:
            determined = np.nan_to_num(determined)
        return (Variant(LOOKUP, source=Path((), source), known=known, starts=starts, determined=determined),)

    def _null_rule(self, shape: Shape) -> NullRule | None:
        source = self.empty.get(shape.name)
        names = [s.name for s in self.shapes]
        if source is None or names.index(source) > names.index(shape.name):
            return None
        columns = {c.step: c for c in self.observed.columns}
        key = null_key(plain_numbers(self.observed, columns[source]), not columns[source].measured)
        null = np.isnan(plain_numbers(self.observed, columns[shape.name]))
        return NullRule(source, *null_table(key, null, self.observed.guard))

    def _visible(self, index: int) -> np.ndarray:
        """bool[F]: bytes that are known when the step is drawn: no later own step, no parent linked later."""
        sample = self.sample
        visible = np.ones(len(sample.features), dtype=bool)
        width = [s.feature.width for s in self.shapes]
        visible[sample.own_at + sum(width[:index]) :] = False
        drawn = {s.name for s in self.shapes[:index]}
        for link, block in zip(self.parents[1], sample.link_bytes, strict=True):
            if f"link:{link.reference}" not in drawn:
                visible[block] = False
        if self.kind not in drawn:
            visible[sample.alike_bytes] = False
        return visible


def _variants(
    shape: Shape, raw: np.ndarray, bases: list[Base], sample: Sample, visible: np.ndarray, *, pool: Executor
) -> Iterator[Callable[[], Variant]]:
    """The variants in order of preference; the last needs no base.  Each learns from the rows that would take it."""
    here = raw[sample.rows]
    left = np.ones(len(here), dtype=bool)
    for base in bases:
        there = base.numbers[sample.rows]
        mine = np.flatnonzero(left & ~np.isnan(there))
        left[mine] = False
        yield _variant(shape, base.offset(here[mine], mine, sample), base, mine, (sample, visible, pool))
    mine = np.flatnonzero(left)
    if len(mine) < 20 or (sample.guard.on and count_entities(mine, sample.guard.entities) < sample.guard.k):
        mine = np.arange(len(here))
    yield _variant(shape, here[mine], None, mine, (sample, visible, pool))


def _variant(
    shape: Shape, raw: np.ndarray, base: Base | None, rows: np.ndarray, fit: tuple[Sample, np.ndarray, Executor]
) -> Callable[[], Variant]:
    sample, visible, pool = fit
    guard = sample.guard.take(rows)
    lattice = shape.scale.lattice and not (base is not None and base.reference == PACED)
    tails = guard.on and (base is None or shape.name.startswith("level:")) and has_tails(shape.name, shape.scale)
    atoms = Atoms.fit(raw, lattice, guard.k, guard.owners, tails=tails)
    future = pool.submit(_tree, sample, visible, rows, atoms.encode(raw), True)
    if base is None:
        return lambda: Variant(ABSOLUTE, future.result(), atoms)
    return lambda: Variant(base.reference, future.result(), atoms, base.source, base.scale, base.link)


def _tree(sample: Sample, visible: np.ndarray, rows: np.ndarray, codes: np.ndarray, rising: bool) -> Tree:
    features = sample.features if len(rows) == sample.features.shape[1] else sample.features[:, rows]
    seen, guard = Seen(features, sample.ordered, visible), sample.guard.take(rows)
    return fit_conditional(seen, codes, sample.fold[rows], rising, guard)
