"""SDV's HMASynthesizer as an engine, within its limits: few tables, two levels, plain keys.

The method is Patki, Wedge, Veeramachaneni: "The Synthetic Data Vault" (DSAA 2016), as implemented by SDV 2.  SDV is
given codes, not values: the row number as primary key, parents' row numbers as foreign keys, category codes and lattice
numbers without the extremes.  So no real value reaches it, and keys, types and labels come from the same codecs, under
the same protection, as in any other engine.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dbclone.abc import Progress, Read
from dbclone.columns.opaque import OpaqueCodec
from dbclone.dialects.base import arrow_type
from dbclone.engines.hma_coding import DRAWN, Drawn, Frame, TableCoding
from dbclone.entities import entities_of
from dbclone.errors import EngineLimitError, MissingExtraError, UsageError
from dbclone.findings import UNPROTECTED, Finding
from dbclone.graph import find_cycles, references
from dbclone.options import FitOptions, GenerateOptions
from dbclone.plan import Plan, TablePlan, TableRole
from dbclone.privacy.private_words import private_words
from dbclone.privacy.protection import Guard
from dbclone.schema import Schema, Table, TableName

if TYPE_CHECKING:
    import pandas as pd
    from sdv.multi_table import HMASynthesizer

MOST_TABLES = 5


class HMAEngine:
    """SDV's hierarchical modelling algorithm (extra ``dbclone[sdv]``).  Its models cannot be written to a file."""

    name = "hma"

    def check_limits(self, schema: Schema, rows: Mapping[TableName, int]) -> None:
        """Raise EngineLimitError naming the limit that the tables with rows exceed, MissingExtraError without SDV.

        All tables count, also those that the plan will copy: which these are is not known before the rows are read.
        """
        tables = [t for t in schema.tables if rows[t.name]]
        if len(tables) > MOST_TABLES:
            raise _limit(f"{MOST_TABLES} tables with rows, here are {len(tables)}")
        filled = replace(schema, tables=tuple(tables))
        for table in tables:
            _check_keys(table)
        _check_references(filled)
        _check_depth(filled)
        if find_spec("sdv") is None:
            raise MissingExtraError('The hma engine needs SDV: pip install "dbclone[sdv]".')

    def fit(self, plan: Plan, read: Read, options: FitOptions, progress: Progress) -> HMAModel:
        """Fit one synthesizer to each group of tables that foreign keys connect."""
        progress.phase("fit", sum(t.rows for t in _filled(plan)))
        entities = entities_of(plan, read)
        guards = {name: Guard(options.k, owners) for name, owners in entities.items()}
        private = private_words(plan, read, options.k)
        codings = {t.table: TableCoding.fit(plan, t, read, guards[t.table], private) for t in _filled(plan)}
        fitted = []
        for group in _groups(plan):
            fitted.append(_fit_group([codings[name] for name in group], read, options.seed))
            for name in group:
                progress.advance(plan.table(name).rows, name)
        kept = {t.table: _kept(plan, t, read) for t in plan.tables if t.table not in codings}
        return HMAModel(plan, codings, kept, tuple(fitted), options.k)


def _limit(limit: str) -> EngineLimitError:
    return EngineLimitError(f"The hma engine is limited to {limit}: use --engine forest.")


def _check_keys(table: Table) -> None:
    foreign = [fk.columns for fk in table.foreign_keys]
    for columns in [key.columns for key in table.keys] + foreign:
        if len(columns) > 1:
            raise _limit(f"keys of a single column, {table.name} has one over {', '.join(columns)}")
        if foreign.count(columns) > 1:
            raise _limit(f"one foreign key per column, {table.name}.{columns[0]} is in several")


def _check_references(schema: Schema) -> None:
    for reference in references(schema):
        if reference.is_self:
            raise _limit(f"tables that do not refer to themselves, {reference.child} does")
    for cycle in find_cycles(schema):
        raise _limit(f"foreign keys without cycles, {' and '.join(map(str, cycle.tables))} are in one")


def _check_depth(schema: Schema) -> None:
    edges = references(schema)
    for low in edges:
        for high in edges:
            if high.child == low.parent:
                raise _limit(f"two levels of tables, {high.parent}, {low.parent} and {low.child} are three")


def _filled(plan: Plan) -> list[TablePlan]:
    """The tables that SDV models: those with rows."""
    return [t for t in plan.tables if t.role is TableRole.SYNTHESISE and t.rows > 0]


def _edges(plan: Plan) -> list[tuple[TableName, TableName]]:
    """(child, parent) of every foreign key between modelled tables."""
    filled = _filled(plan)
    names = {t.table for t in filled}
    drawn = [(t.table, r.foreign_key.parent) for t in filled for r in t.references if r.role in DRAWN]
    return [(child, parent) for child, parent in drawn if parent in names]


def _groups(plan: Plan) -> list[list[TableName]]:
    """Connected tables: those without parents first, else in load order."""
    edges = _edges(plan)
    label = {t.table: i for i, t in enumerate(_filled(plan))}
    for _ in range(len(label)):
        for child, parent in edges:
            label[child] = label[parent] = min(label[child], label[parent])
    children = {child for child, _ in edges}
    groups = [[name for name in label if label[name] == i] for i in sorted(set(label.values()))]
    return [sorted(group, key=children.__contains__) for group in groups]


def _kept(plan: Plan, planned: TablePlan, read: Read) -> pa.Table:
    """The rows of a table that is not modelled: a copy, or none."""
    if planned.role is TableRole.COPY:
        return read(planned.table)
    columns = plan.schema.table(planned.table).insertable
    return pa.table({c.name: pa.nulls(0, arrow_type(c.type, exact_decimals=True)) for c in columns})


@dataclass(frozen=True)
class Fitted:
    """A synthesizer, and the names under which it knows its tables."""

    synthesizer: HMASynthesizer
    labels: Mapping[TableName, str]

    def sample(self, scale: float, seed: int) -> dict[TableName, Frame]:
        """New rows in codes; the same for the same seed: SDV's own resetting leaves some of its generators running."""
        with _quiet(), _seeded(seed):
            fresh = deepcopy(self.synthesizer)
            fresh._numpy_seed = seed % 2**32
            for synthesizer in fresh._table_synthesizers.values():
                if synthesizer._model:
                    synthesizer._set_random_state(seed % 2**32)
            frames = fresh.sample_scale(float(scale))
        return {name: _arrays(frames[label]) for name, label in self.labels.items()}


def _arrays(frame: pd.DataFrame) -> Frame:
    return {str(label): frame[label].to_numpy() for label in frame.columns}


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """NumPy's global generator, from which SDV and its copulas draw in places, in a state that the seed decides."""
    before = np.random.get_state()
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        np.random.set_state(before)


def _fit_group(codings: Sequence[TableCoding], read: Read, seed: int) -> Fitted:
    """Fit SDV to connected tables, those without parents first."""
    import pandas as pd
    from sdv.metadata import Metadata
    from sdv.multi_table import HMASynthesizer

    names = [coding.table.name for coding in codings]
    edges = [(c.table.name, link) for c in codings for link in c.links if not link.copied]
    labels = dict(zip(names, _labels(len(names), len({child for child, _ in edges})), strict=True))
    keywords = ("parent_table_name", "parent_primary_key", "child_table_name", "child_foreign_key")
    relationships = [
        dict(zip(keywords, (labels[link.foreign_key.parent], "key", labels[child], link.label), strict=True))
        for child, link in edges
    ]
    tables = {labels[c.table.name]: c.metadata for c in codings}
    with _quiet(), _seeded(seed):
        metadata = Metadata.load_from_dict({"tables": tables, "relationships": relationships})
        synthesizer = HMASynthesizer(metadata, verbose=False)
        synthesizer.fit({labels[c.table.name]: pd.DataFrame(c.encode(read)) for c in codings})
    return Fitted(synthesizer, labels)


def _labels(tables: int, children: int) -> list[str]:
    """Names under which SDV draws the tables in the order given, whatever Python's hash seed.

    SDV walks over a *set* of table names, so the same seed would else give other rows in another process.
    """
    for salt in itertools.count():
        names = [f"t{i}_{salt}" for i in range(tables)]
        roots = names[: tables - children]
        if list(set(names) - set(names[len(roots) :])) == roots:
            return names
    raise AssertionError("unreachable")


@dataclass(frozen=True)
class HMAModel:
    """SDV's synthesizers with what turns their codes into rows."""

    plan: Plan
    codings: Mapping[TableName, TableCoding]
    kept: Mapping[TableName, pa.Table]
    """Tables that are copied or empty."""
    fitted: tuple[Fitted, ...]
    k: int = 5
    """Entities that must hold what is kept; 0 or 1: nothing is protected."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Whether the model is unprotected, and columns whose type is not modelled."""
        codecs = [(table, name, codec) for table, c in self.codings.items() for name, codec in c.codecs.items()]
        opaque = tuple(codec.finding(table, name) for table, name, codec in codecs if isinstance(codec, OpaqueCodec))
        return opaque if self.k > 1 else (UNPROTECTED, *opaque)

    def generate(self, options: GenerateOptions, progress: Progress) -> Iterator[tuple[TableName, pa.Table]]:
        """Rows of every table in load order.  UsageError if single tables were given a size."""
        if options.rows:
            raise UsageError("--rows: the hma engine scales all tables alike, use --scale.")
        frames: dict[TableName, Frame] = {}
        for group in self.fitted:
            frames |= group.sample(options.scale, options.seed)
        done: dict[TableName, Drawn] = {}
        for i, planned in enumerate(self.plan.tables):
            name = planned.table
            if name in self.kept:
                done[name] = Drawn(np.arange(self.kept[name].num_rows), self.kept[name])
            else:
                rng = np.random.default_rng(np.random.SeedSequence(options.seed, spawn_key=(i,)))
                done[name] = self.codings[name].decode(frames.pop(name), done, rng)
            yield name, done[name].rows
