"""SDV's HMASynthesizer as an engine, within its limits: few tables, two levels, plain keys.

The method is Patki, Wedge, Veeramachaneni: "The Synthetic Data Vault" (DSAA 2016), as implemented by SDV 2.  SDV is
given codes, not values: the row number as primary key, parents' row numbers as foreign keys, category codes and lattice
numbers.  So no real value reaches it, and keys, types and labels come from the same codecs as in any other engine.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.abc import Progress, Read
from dbclone.columns.base import NULL
from dbclone.columns.codecs import Codec, fit_codec
from dbclone.columns.identifier import KeyMaker
from dbclone.columns.numeric import NumericCodec
from dbclone.columns.temporal import TemporalCodec
from dbclone.dialects.base import arrow_type
from dbclone.errors import EngineLimitError, MissingExtraError, UsageError
from dbclone.matching import parent_rows
from dbclone.options import FitOptions, GenerateOptions
from dbclone.plan import ColumnRole, Plan, ReferenceRole, TablePlan, TableRole
from dbclone.schema import ForeignKey, Table, TableName

if TYPE_CHECKING:
    import pandas as pd
    from sdv.multi_table import HMASynthesizer

MOST_TABLES = 5
K = 5
"""A category must stand in at least so many rows."""

Ints = npt.NDArray[np.int64]
_MEASURED = (NumericCodec, TemporalCodec)
_DRAWN = (ReferenceRole.OWNER, ReferenceRole.LINK)


class HMAEngine:
    """SDV's hierarchical modelling algorithm (extra ``dbclone[sdv]``).  Its models cannot be written to a file."""

    name = "hma"

    def check_limits(self, plan: Plan) -> None:
        """Raise EngineLimitError naming the first limit that the plan exceeds, MissingExtraError without SDV."""
        modelled = [t for t in plan.tables if t.role is TableRole.SYNTHESISE]
        if len(modelled) > MOST_TABLES:
            raise _limit(f"{MOST_TABLES} tables to synthesise, here are {len(modelled)}")
        for planned in modelled:
            _check_keys(plan.schema.table(planned.table))
            _check_references(planned)
        _check_depth(plan)
        if find_spec("sdv") is None:
            raise MissingExtraError('The hma engine needs SDV: pip install "dbclone[sdv]".')

    def fit(self, plan: Plan, read: Read, options: FitOptions, progress: Progress) -> HMAModel:
        """Fit one synthesizer to each group of tables that foreign keys connect."""
        self.check_limits(plan)
        progress.phase("fit", sum(t.rows for t in plan.tables))
        codings = {t.table: TableCoding.fit(plan, t, read) for t in _filled(plan)}
        fitted = []
        for group in _groups(plan):
            fitted.append(_fit_group([codings[name] for name in group], read))
            for name in group:
                progress.advance(plan.table(name).rows, name)
        kept = {t.table: _kept(plan, t, read) for t in plan.tables if t.table not in codings}
        return HMAModel(plan, codings, kept, tuple(fitted))


def _limit(limit: str) -> EngineLimitError:
    return EngineLimitError(f"The hma engine is limited to {limit}: use --engine forest.")


def _check_keys(table: Table) -> None:
    references = [fk.columns for fk in table.foreign_keys]
    for columns in [key.columns for key in table.keys] + references:
        if len(columns) > 1:
            raise _limit(f"keys of a single column, {table.name} has one over {', '.join(columns)}")
        if references.count(columns) > 1:
            raise _limit(f"one foreign key per column, {table.name}.{columns[0]} is in several")


def _check_references(planned: TablePlan) -> None:
    for reference in planned.references:
        if reference.role is ReferenceRole.SELF:
            raise _limit(f"tables that do not refer to themselves, {planned.table} does")
        if reference.role is ReferenceRole.DEFERRED:
            parent = reference.foreign_key.parent
            raise _limit(f"foreign keys without cycles, {planned.table} and {parent} are in one")


def _check_depth(plan: Plan) -> None:
    edges = _edges(plan)
    for child, parent in edges:
        above = next((top for below, top in edges if below == parent), None)
        if above is not None:
            raise _limit(f"two levels of tables, {above}, {parent} and {child} are three")


def _filled(plan: Plan) -> list[TablePlan]:
    """The tables that SDV models: those with rows."""
    return [t for t in plan.tables if t.role is TableRole.SYNTHESISE and t.rows > 0]


def _edges(plan: Plan) -> list[tuple[TableName, TableName]]:
    """(child, parent) of every foreign key between modelled tables."""
    filled = _filled(plan)
    names = {t.table for t in filled}
    drawn = [(t.table, r.foreign_key.parent) for t in filled for r in t.references if r.role in _DRAWN]
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


# --- coding ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """A foreign key as one column for SDV: the parent's row number, as key or, for copied parents, as category."""

    label: str
    foreign_key: ForeignKey
    copied: bool
    required: bool
    unique: bool

    @property
    def column(self) -> str:
        return self.foreign_key.columns[0]


@dataclass(frozen=True)
class Drawn:
    """New rows of a table, and under which keys SDV knows them."""

    keys: Ints
    rows: pa.Table


@dataclass(frozen=True)
class TableCoding:
    """A table's rows as SDV's codes and back."""

    table: Table
    links: tuple[Link, ...]
    codecs: Mapping[str, Codec]
    """Columns that SDV models."""
    makers: Mapping[str, KeyMaker]
    """Columns that get new unique values."""
    nulls: Mapping[str, float]
    """Share of NULLs of the columns that have a maker."""
    types: Mapping[str, pa.DataType]

    @classmethod
    def fit(cls, plan: Plan, planned: TablePlan, read: Read) -> TableCoding:
        """Fit the codecs of a table."""
        table, data = plan.schema.table(planned.table), read(planned.table)
        alone = {key.columns[0] for key in table.keys}
        codecs: dict[str, Codec] = {}
        makers: dict[str, KeyMaker] = {}
        for column in planned.columns:
            if column.role not in (ColumnRole.KEY, ColumnRole.VALUE):
                continue
            values, declared = data.column(column.column), table.column(column.column)
            if column.role is ColumnRole.KEY or column.column in alone:
                makers[column.column] = KeyMaker.fit(values, declared.type, K)
            elif values.null_count < len(values):
                codecs[column.column] = fit_codec(column.kind, declared, values, K)
        links = tuple(_links(plan, planned, alone))
        nulls = {name: data.column(name).null_count / data.num_rows for name in makers}
        return cls(table, links, codecs, makers, nulls, {f.name: f.type for f in data.schema})

    @property
    def metadata(self) -> dict[str, Any]:
        """SDV's description of the table."""
        columns = {"key": {"sdtype": "id"}}
        columns |= {link.label: {"sdtype": "categorical" if link.copied else "id"} for link in self.links}
        columns |= {label: {"sdtype": _sdtype(codec)} for label, _, codec in self._labelled}
        return {"columns": columns, "primary_key": "key"}

    @property
    def _labelled(self) -> list[tuple[str, str, Codec]]:
        return [(f"c{i}", name, codec) for i, (name, codec) in enumerate(self.codecs.items())]

    def encode(self, read: Read) -> pd.DataFrame:
        """The table's rows for SDV; rows whose required parent does not exist are left out."""
        import pandas as pd

        data = read(self.table.name)
        columns: dict[str, npt.NDArray[Any]] = {"key": np.arange(data.num_rows)}
        keep = np.ones(data.num_rows, dtype=bool)
        for link in self.links:
            parents = np.maximum(parent_rows(data, read(link.foreign_key.parent), link.foreign_key), -1)
            columns[link.label] = parents if link.copied else np.where(parents < 0, np.nan, parents)
            keep &= (parents >= 0) | (not link.required) | link.copied
        for label, name, codec in self._labelled:
            values = data.column(name)
            columns[label] = codec.measure(values) if isinstance(codec, _MEASURED) else codec.encode(values)
        return pd.DataFrame(columns)[keep]

    def decode(self, frame: pd.DataFrame, parents: Mapping[TableName, Drawn], rng: np.random.Generator) -> Drawn:
        """New rows from SDV's, with every key unique and every reference met."""
        keep = np.ones(len(frame), dtype=bool)
        places: dict[str, Ints] = {}
        for link in self.links:
            parent = parents[link.foreign_key.parent]
            place = _places(frame[link.label].to_numpy(), None if link.copied else parent.keys)
            places[link.column] = _mended(place, link, parent.rows.num_rows, rng)
            keep &= (places[link.column] >= 0) | (not link.required)
        frame = frame[keep]
        columns = self._made(len(frame), rng) | self._decoded(frame, rng)
        for link in self.links:
            rows, at = parents[link.foreign_key.parent].rows, places[link.column][keep]
            columns[link.column] = rows.column(link.foreign_key.parent_columns[0]).take(pa.array(at, mask=at < 0))
        blank = {name: pa.nulls(len(frame), kind) for name, kind in self.types.items()}
        arrays = {name: columns.get(name, blank[name]).cast(kind) for name, kind in self.types.items()}
        return Drawn(frame["key"].to_numpy(), pa.table(arrays))

    def _made(self, n: int, rng: np.random.Generator) -> dict[str, pa.Array]:
        """New unique values; NULL as often as in the source."""
        made = {name: maker.make(n, rng) for name, maker in self.makers.items()}
        absent = {name: rng.random(n) < share for name, share in self.nulls.items()}
        return {name: pc.if_else(pa.array(absent[name]), pa.scalar(None, a.type), a) for name, a in made.items()}

    def _decoded(self, frame: pd.DataFrame, rng: np.random.Generator) -> dict[str, pa.Array]:
        """Values of the modelled columns; a NULL where none may be is replaced by a value of another row."""
        decoded = {}
        for label, name, codec in self._labelled:
            drawn = frame[label].to_numpy(dtype=np.float64)
            absent = np.isnan(drawn) if isinstance(codec, _MEASURED) else ~(drawn > NULL)
            if not self.table.column(name).nullable and absent.any() and not absent.all():
                drawn = np.where(absent, rng.choice(drawn[~absent], len(drawn)), drawn)
            if isinstance(codec, _MEASURED):
                decoded[name] = codec.restore(drawn)
            else:
                decoded[name] = codec.decode(np.nan_to_num(drawn, nan=NULL).astype(np.int32), rng)
        return decoded


def _sdtype(codec: Codec) -> str:
    return "numerical" if isinstance(codec, _MEASURED) else "categorical"


def _links(plan: Plan, planned: TablePlan, alone: set[str]) -> Iterator[Link]:
    table = plan.schema.table(planned.table)
    for i, reference in enumerate(r for r in planned.references if r.role in _DRAWN):
        column = reference.foreign_key.columns[0]
        copied = plan.table(reference.foreign_key.parent).role is TableRole.COPY
        required = not table.column(column).nullable
        yield Link(f"r{i}", reference.foreign_key, copied, required, column in alone)


def _places(drawn: npt.NDArray[Any], keys: Ints | None) -> Ints:
    """Row numbers of the parents that SDV drew, -1 for none; ``keys`` None: they are row numbers already."""
    wanted = np.nan_to_num(drawn.astype(np.float64), nan=-1).astype(np.int64)
    if keys is None:
        return wanted
    order = np.argsort(keys)
    at = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    return np.where(keys[order[at]] == wanted, order[at], -1)


def _mended(places: Ints, link: Link, parents: int, rng: np.random.Generator) -> Ints:
    """References such as the key allows: one child per parent where it is unique, none missing where it is required.

    With fewer parents than children of a unique key, the children that remain get -1.
    """
    places = places.copy()
    if link.unique:
        first = np.zeros(len(places), dtype=bool)
        first[np.unique(places, return_index=True)[1]] = True
        wanting = np.flatnonzero(((places >= 0) & ~first) | (link.required & (places < 0)))
        unused = rng.permutation(np.setdiff1d(np.arange(parents), places))
        places[wanting] = -1
        places[wanting[: len(unused)]] = unused[: len(wanting)]
    elif link.required and parents:
        wanting = np.flatnonzero(places < 0)
        places[wanting] = rng.integers(0, parents, len(wanting))
    return places


# --- SDV -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fitted:
    """A synthesizer, and the names under which it knows its tables."""

    synthesizer: HMASynthesizer
    labels: Mapping[TableName, str]

    def sample(self, scale: float, seed: int) -> dict[TableName, pd.DataFrame]:
        """New rows in codes; the same for the same seed: SDV's own resetting leaves some of its generators running."""
        with _quiet():
            fresh = deepcopy(self.synthesizer)
            fresh._numpy_seed = seed % 2**32
            for synthesizer in fresh._table_synthesizers.values():
                if synthesizer._model:
                    synthesizer._set_random_state(seed % 2**32)
            frames = fresh.sample_scale(float(scale))
        return {name: frames[label].reset_index(drop=True) for name, label in self.labels.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _fit_group(codings: Sequence[TableCoding], read: Read) -> Fitted:
    """Fit SDV to connected tables, those without parents first."""
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
    with _quiet():
        metadata = Metadata.load_from_dict({"tables": tables, "relationships": relationships})
        synthesizer = HMASynthesizer(metadata, verbose=False)
        synthesizer.fit({labels[c.table.name]: c.encode(read) for c in codings})
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

    def generate(self, options: GenerateOptions, progress: Progress) -> Iterator[tuple[TableName, pa.Table]]:
        """Rows of every table in load order.  UsageError if single tables were given a size."""
        if options.rows:
            raise UsageError("--rows: the hma engine scales all tables alike, use --scale.")
        frames: dict[TableName, pd.DataFrame] = {}
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
