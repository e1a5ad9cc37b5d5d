"""From observed rows to a table's steps: what each tree may look at, and the trees themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor

import numpy as np

from dbclone.models.atoms import Atoms
from dbclone.models.bases import Base, bases_of, choose_bases
from dbclone.models.conditional import Seen, fit_conditional
from dbclone.models.features import CodedFeature
from dbclone.models.observation import Observation, Observed, Relation, families_keep_apart, upward
from dbclone.models.rows import Hop, Path
from dbclone.models.sampling import Sample, Shape, take_sample
from dbclone.models.sequence import ABSOLUTE, CODED, DIRECT, LINK, MEASURED
from dbclone.models.steps import Link, Scale, Step, TableSteps, Variant
from dbclone.models.tree import Tree
from dbclone.plan import ReferenceRole, TableRole
from dbclone.schema import TableName

DEEPEST_CONTEXT = 3
MOST_OWNER_BYTES = 150
MOST_LINK_BYTES = 60


def learn_table(seen: Observation, observed: Observed, pool: Executor, seed: int) -> TableSteps:
    """Fit all steps of one table; trees grow in the pool's threads, the result does not depend on their number."""
    owner = observed.owner
    context, numbers = _owner_paths(seen, observed)
    links = tuple(_link(seen, observed, r) for r in _drawn_links(observed))
    shapes = list(_shapes(observed, links))
    sample = take_sample(seen, observed, shapes, context, links, np.random.default_rng(seed))
    tasks = [_learn_step(seen, observed, shapes, i, sample, (numbers, links), pool) for i in range(len(shapes))]
    steps = tuple(task() for task in tasks)
    ownerless = int((observed.rows.parents[owner.id] < 0).sum()) if owner else observed.rows.n
    name, up = (owner.id, owner.parent) if owner else (None, None)
    return TableSteps(observed.plan.table, name, up, context, numbers, links, steps, ownerless)


def _drawn_links(observed: Observed) -> list[Relation]:
    return [r for r in observed.relations if r.role is ReferenceRole.LINK and not r.path]


def _link(seen: Observation, observed: Observed, r: Relation) -> Link:
    nullable = any(observed.table.column(c).nullable for c in r.key.columns)
    distinct = families_keep_apart(observed.table, observed.owner, r)
    context: tuple[Path, ...] = ()
    numbers: tuple[Path, ...] = ()
    if seen.tables[r.parent].plan.role is TableRole.SYNTHESISE:
        context = _within(seen, r.parent, observed.plan.table, MOST_LINK_BYTES)
        numbers = tuple(Path((), c.step) for c in seen.tables[r.parent].columns if c.measured)
    types = observed.types.get(r.id, 1)
    return Link(r.id, r.parent, r.direct, distinct, nullable, types, context, numbers, observed.restrictions.get(r.id))


def _owner_paths(seen: Observation, observed: Observed) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    owner = observed.owner
    if owner is None:
        return (), ()
    context = _within(seen, owner.parent, observed.plan.table, MOST_OWNER_BYTES)
    numbers = []
    for hops, table in _chains(seen, owner.parent, observed.plan.table):
        for column in seen.tables[table].columns:
            if column.measured and (column.scale.temporal or not hops):
                numbers.append(Path(hops, column.step))
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


def _shapes(observed: Observed, links: tuple[Link, ...]) -> Iterator[Shape]:
    """Steps in the order of the draw: sort key, links, pointers, other columns, hidden values of the children."""
    by_name = {c.column: c for c in observed.columns}
    first = [by_name[c] for c in observed.plan.order_by if c in by_name]
    rest = [c for c in observed.columns if c not in first]
    for c in first:
        yield Shape(c.step, MEASURED if c.measured else CODED, c.feature, c.scale)
    for link in links:
        yield Shape(f"link:{link.reference}", DIRECT if link.direct else LINK, CodedFeature(), Scale())
    for name, (feature, scale) in observed.hidden.items():
        if name.startswith("pointer:"):
            yield Shape(name, CODED, feature, scale)
    for c in rest:
        yield Shape(c.step, MEASURED if c.measured else CODED, c.feature, c.scale)
    for name, (feature, scale) in observed.hidden.items():
        if name.startswith(("type:", "count:")):
            yield Shape(name, MEASURED if name.startswith("count:") else CODED, feature, scale)


def _learn_step(
    seen: Observation,
    observed: Observed,
    shapes: list[Shape],
    index: int,
    sample: Sample,
    parents: tuple[tuple[Path, ...], tuple[Link, ...]],
    pool: Executor,
) -> Callable[[], Step]:
    shape = shapes[index]
    visible = _visible(shapes, index, sample, parents[1])
    if shape.kind != MEASURED:
        codes = observed.rows.codes[shape.name][sample.rows]
        future = pool.submit(_tree, sample, visible, np.arange(len(codes)), codes, False)
        return lambda: Step(shape.name, shape.kind, shape.feature, (Variant(ABSOLUTE, future.result()),), shape.scale)
    raw = observed.rows.numbers[shape.name]
    bases = list(bases_of(seen, observed, shapes, index, parents))
    chosen = choose_bases(observed, shape, raw, bases)
    grown = list(_variants(shape, raw, chosen, sample, visible, pool))
    known = raw[~np.isnan(raw)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    return lambda: Step(
        shape.name, shape.kind, shape.feature, tuple(make() for make in grown), shape.scale, low, high
    )


def _visible(shapes: list[Shape], index: int, sample: Sample, links: tuple[Link, ...]) -> np.ndarray:
    """bool[F]: bytes that are known when the step is drawn: no later own step, no parent linked later."""
    visible = np.ones(len(sample.features), dtype=bool)
    width = [s.feature.width for s in shapes]
    visible[sample.own_at + sum(width[:index]) :] = False
    drawn = {s.name for s in shapes[:index]}
    for link, block in zip(links, sample.link_bytes, strict=True):
        if f"link:{link.reference}" not in drawn:
            visible[block] = False
    return visible


def _variants(
    shape: Shape, raw: np.ndarray, bases: list[Base], sample: Sample, visible: np.ndarray, pool: Executor
) -> Iterator[Callable[[], Variant]]:
    """The variants in order of preference; the last needs no base.  Each learns from the rows that would take it."""
    here = raw[sample.rows]
    left = np.ones(len(here), dtype=bool)
    for base in bases:
        there = base.numbers[sample.rows]
        mine = np.flatnonzero(left & ~np.isnan(there))
        left[mine] = False
        yield _variant(shape, here[mine] - there[mine], base, mine, (sample, visible, pool))
    mine = np.flatnonzero(left)
    if len(mine) < 20:
        mine = np.arange(len(here))
    yield _variant(shape, here[mine], None, mine, (sample, visible, pool))


def _variant(
    shape: Shape, raw: np.ndarray, base: Base | None, rows: np.ndarray, fit: tuple[Sample, np.ndarray, Executor]
) -> Callable[[], Variant]:
    sample, visible, pool = fit
    atoms = Atoms.fit(raw, shape.scale.lattice)
    future = pool.submit(_tree, sample, visible, rows, atoms.encode(raw), True)
    if base is None:
        return lambda: Variant(ABSOLUTE, future.result(), atoms)
    return lambda: Variant(base.reference, future.result(), atoms, base.source, base.scale, base.link)


def _tree(sample: Sample, visible: np.ndarray, rows: np.ndarray, codes: np.ndarray, rising: bool) -> Tree:
    features = sample.features if len(rows) == sample.features.shape[1] else sample.features[:, rows]
    return fit_conditional(Seen(features, sample.ordered, visible), codes, sample.held_out[rows], rising)

