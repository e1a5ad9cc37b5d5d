"""How like the original a clone is, table by table, each score beside the floor: what fresh real rows would score.

* ``single``: a classifier on the rows of the table alone.
* ``aggregates``: on its rows with aggregates of their children (the protocol of SyntheRela, Hudovernik et al. 2024).
* ``joined``: on its rows with the columns of their parents; folds are drawn over the topmost owners.
* ``copied``: the share of rows that equal a real row in all their describing columns.

The floor splits the rows of the unit (for tables that do not hang from it: of their topmost owner) in two random
halves, each with all that hangs from them, and scores one half against the other.  It is far from 0.5 where there are
few owners, or facts that belong to one owner alone.  Aim at the floor, not past it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import pyarrow as pa

from dbclone.abc import Progress, Source
from dbclone.connection import display_url, open_source
from dbclone.dialects.translation import translate
from dbclone.errors import UsageError
from dbclone.fidelity_folds import FOLDS, Linked, Path, in_fold, is_owner, owner_path, parent_folds
from dbclone.fidelity_frames import own_columns, with_children, with_parents
from dbclone.graph import descendants
from dbclone.halving import Tables, halve
from dbclone.options import CompareOptions, PlanOptions
from dbclone.privacy.audit_values import descriptive, row_hashes
from dbclone.schema import ForeignKey, Schema, TableName
from dbclone.source_keys import keyed, survey
from dbclone.split_rows import split_rows
from dbclone.two_samples import check_extra, two_sample_accuracy
from dbclone.units import choose_unit

MIN_COLUMNS = 3
"""Rows of fewer describing columns are equal by chance."""
MIN_TESTED = 200
"""Rows that must remain to test on when a further parent is followed."""


@dataclass(frozen=True)
class Scores:
    """None: the table has no such rows, or too few."""

    single: float | None
    aggregates: float | None
    joined: float | None
    copied: float | None


@dataclass(frozen=True)
class TableFidelity:
    table: TableName
    real_rows: int
    clone_rows: int
    identical: bool
    """The clone repeats the table row for row, as it should a reference table: there is nothing to score."""
    clone: Scores
    floor: Scores


@dataclass(frozen=True)
class FidelitySummary:
    """Means are taken over the tables; ``distance`` is the mean distance of all accuracies from 0.5: rank by it."""

    source: str
    clone: str
    tables: tuple[TableFidelity, ...]
    missing: tuple[TableName, ...]
    """Tables of the source that the clone has not."""
    mean: Scores
    mean_floor: Scores
    distance: float
    floor_distance: float
    seconds: float


@dataclass(frozen=True)
class _Pair:
    """The tables that both databases have, under the source's names."""

    schema: Schema
    real: Tables
    clone: Tables


def compare(source_url: str, clone_url: str, options: CompareOptions, progress: Progress) -> FidelitySummary:
    """Score a clone against its source.

    Raises MissingExtraError without the extra 'compare', UsageError if the two have no table in common.
    """
    check_extra()
    began = perf_counter()
    progress.phase("connect", 0)
    with open_source(source_url) as source, open_source(clone_url) as clone:
        shared, missing = _read(source, clone, options.plan, progress)
    progress.phase("compare", sum(t.num_rows for t in shared.real.values()))
    found = tuple(_scored(shared, options, progress))
    return _summary((display_url(source_url), display_url(clone_url)), found, missing, perf_counter() - began)


def _read(
    source: Source, clone: Source, options: PlanOptions, progress: Progress
) -> tuple[_Pair, tuple[TableName, ...]]:
    """The rows of both, and the tables that the clone has not; keys that the source does not declare hold for both."""
    surveyed, theirs = survey(source, options, progress), clone.reflect()
    places = _places(surveyed.schema, theirs)
    progress.phase("read", 2 * sum(surveyed.counts[name] for name in places))
    forms = {name: surveyed.read(name).schema for name in places}
    schema = keyed(surveyed, options)
    shared = _restricted(schema, places)
    real, twins = {}, {}
    for table in shared.tables:
        real[table.name] = surveyed.read(table.name)
        rows = _renamed(clone.read(theirs.table(places[table.name])), forms[table.name])
        twins[table.name] = split_rows(table, rows)
        progress.advance(rows.num_rows, table.name)
    missing = tuple(t.name for t in schema.tables if t.name not in places)
    return _Pair(shared, real, twins), missing


def _places(source: Schema, clone: Schema) -> dict[TableName, TableName]:
    """Each table of the source and what it is called in the clone, whatever the products."""
    names = {(t.name.schema.lower(), t.name.name.lower()): t.name for t in clone.tables}
    pairs = zip(source.tables, translate(source, clone.dialect)[0].tables, strict=True)
    found = {ours.name: names.get((theirs.name.schema.lower(), theirs.name.name.lower())) for ours, theirs in pairs}
    places = {ours: theirs for ours, theirs in found.items() if theirs is not None}
    if not places:
        raise UsageError("The two databases have no table in common: nothing can be compared.")
    return places


def _restricted(schema: Schema, names: Iterable[TableName]) -> Schema:
    """The schema of some of its tables."""
    kept = frozenset(names)
    tables = (t for t in schema.tables if t.name in kept)
    return Schema(
        schema.dialect,
        tuple(replace(t, foreign_keys=tuple(k for k in t.foreign_keys if k.parent in kept)) for t in tables),
    )


def _renamed(clone: pa.Table, real: pa.Schema) -> pa.Table:
    """The clone's columns under the names and in the order of the source's; one that is missing holds NULLs."""
    theirs = {name.lower(): name for name in clone.column_names}
    columns = {
        field.name: clone.column(theirs[field.name.lower()])
        if field.name.lower() in theirs
        else pa.chunked_array([pa.nulls(clone.num_rows, field.type)])
        for field in real
    }
    return pa.table(columns)


def _scored(shared: _Pair, options: CompareOptions, progress: Progress) -> Iterable[TableFidelity]:
    """Halves are drawn once for each root."""
    schema, whole, twin = shared.schema, Linked(shared.schema, shared.real), Linked(shared.schema, shared.clone)
    unit = choose_unit(schema, shared.real, options.unit)
    of_unit = descendants(schema, unit) | {unit}
    halves: dict[TableName, tuple[Linked, Linked]] = {}
    for table in schema.tables:
        path = owner_path(whole, table.name)
        root = unit if table.name in of_unit else path[-1].parent if path else table.name
        if root not in halves:
            both = halve(schema, shared.real, root, options.seed)
            halves[root] = Linked(schema, both.first), Linked(schema, both.second)
        yield _of_table(table.name, (whole, twin), halves[root], options.max_rows)
        progress.advance(whole.rows(table.name), table.name)


def _of_table(
    name: TableName, pair: tuple[Linked, Linked], halves: tuple[Linked, Linked], max_rows: int
) -> TableFidelity:
    real, clone = pair
    identical = real.rows(name) > 0 and real.tables[name].equals(clone.tables[name])
    nothing = Scores(None, None, None, None)
    scores, floor = (nothing, nothing) if identical else (table_scores(name, *p, max_rows) for p in (pair, halves))
    return TableFidelity(name, real.rows(name), clone.rows(name), identical, scores, floor)


def table_scores(name: TableName, real: Linked, clone: Linked, max_rows: int) -> Scores:
    """Scores of one table of a clone, without the floor; of each side a classifier sees at most ``max_rows``."""
    single = two_sample_accuracy(own_columns(real, name), own_columns(clone, name), max_rows)
    families = with_children(real, real, name), with_children(clone, real, name)
    aggregates = two_sample_accuracy(families[0], families[1], max_rows) if families[0] is not None else None
    return Scores(single, aggregates, _joined(name, real, clone, max_rows), _copied(name, real, clone))


def _joined(name: TableName, real: Linked, clone: Linked, max_rows: int) -> float | None:
    keys, owners = _followed(name, real)
    if not keys:
        return None
    paths = [(key, path, _common(real, clone, key, path)) for key in owners for path in [owner_path(real, key.parent)]]
    folds = parent_folds(real, name, paths, 0), parent_folds(clone, name, paths, 1)
    return two_sample_accuracy(with_parents(real, name, keys), with_parents(clone, name, keys), max_rows, folds)


def _common(real: Linked, clone: Linked, key: ForeignKey, path: Path) -> bool:
    top = path[-1].parent if path else key.parent
    return bool(real.tables[top].equals(clone.tables[top]))


def _followed(name: TableName, real: Linked) -> tuple[list[ForeignKey], list[ForeignKey]]:
    """The keys whose parents are joined, largest first, and those of them that folds are drawn over.

    Each further owner leaves fewer rows to test on; one that would leave too few is not joined.
    """
    joined: list[ForeignKey] = []
    owners: list[ForeignKey] = []
    keys = [k for k in real.schema.table(name).foreign_keys if k.parent != name]
    for key in sorted(keys, key=lambda k: -real.rows(k.parent)):
        if is_owner(real, name, key):
            paths = [(k, owner_path(real, k.parent), True) for k in (*owners, key)]
            folds = parent_folds(real, name, paths, 0)
            tested = sum(int(in_fold(folds, fold).sum()) for fold in range(FOLDS))
            if owners and tested < min(MIN_TESTED, len(folds) / 10):
                continue
            owners.append(key)
        joined.append(key)
    return joined, owners


def _copied(name: TableName, real: Linked, clone: Linked) -> float | None:
    columns = [c.name for c in descriptive(real.schema.table(name))]
    if len(columns) < MIN_COLUMNS or not clone.rows(name):
        return None
    ours, theirs = row_hashes([real.tables[name], clone.tables[name]], columns)
    return float(np.isin(theirs, ours).mean())


def _summary(
    urls: tuple[str, str], tables: tuple[TableFidelity, ...], missing: tuple[TableName, ...], seconds: float
) -> FidelitySummary:
    scores, floors = [t.clone for t in tables], [t.floor for t in tables]
    return FidelitySummary(
        *urls, tables, missing, _means(scores), _means(floors), mean_distance(scores), mean_distance(floors), seconds
    )


def _means(scores: list[Scores]) -> Scores:
    return Scores(
        _mean([s.single for s in scores]),
        _mean([s.aggregates for s in scores]),
        _mean([s.joined for s in scores]),
        _mean([s.copied for s in scores]),
    )


def _mean(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def mean_distance(scores: list[Scores]) -> float:
    """Mean distance of all accuracies from one half; 0 if nothing could be scored."""
    known = [v for s in scores for v in (s.single, s.aggregates, s.joined) if v is not None]
    return float(np.mean([abs(v - 0.5) for v in known])) if known else 0.0
