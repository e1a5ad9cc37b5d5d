"""A table's rows in the form that SDV is given: row numbers for keys and references, codes and numbers for values.

No real value of a key or a text is in it, and what comes back is decoded by the same codecs as in any other engine.
Numbers beyond the k-th entity are cut before SDV sees them, and what it draws passes the same sieves as elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.abc import Read
from dbclone.columns.base import NULL, contiguous
from dbclone.columns.codecs import Codec, Filled, MeasuredCodec, fit_codec
from dbclone.columns.identifier import KeyMaker
from dbclone.columns.temporal import TemporalCodec
from dbclone.columns.text import TextCodec
from dbclone.engines.avoidance import Avoided, allowances, allowed, counts_on, decoded, learn_avoided, new_keys
from dbclone.matching import parent_rows
from dbclone.models.atoms import extremes
from dbclone.models.sieve import Sieve
from dbclone.plan import ColumnRole, Plan, ReferenceRole, TablePlan, TableRole
from dbclone.privacy.fakers import PiiColumn, fill
from dbclone.privacy.protection import Guard
from dbclone.privacy.traits import Traits
from dbclone.schema import ForeignKey, Table, TableName

PII_K = 5
"""Personal data is replaced in any case, by forms that so many rows share."""
DRAWN = (ReferenceRole.OWNER, ReferenceRole.LINK)

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Frame = Mapping[str, npt.NDArray[Any]]
"""SDV's columns by label: ``key``, ``r<i>`` for references, ``c<i>`` for values."""


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
class Limits:
    """What of a measured column may reach SDV, and what may come back from it."""

    low: float
    high: float
    sieve: Sieve

    @classmethod
    def of(cls, codec: MeasuredCodec, values: pa.ChunkedArray, guard: Guard) -> Limits:
        raw = codec.measure(values)
        sieve = Sieve.fit(raw, guard, calendar=isinstance(codec, TemporalCodec))
        return cls(*extremes(raw, codec.lattice, guard), sieve)


@dataclass(frozen=True)
class TableCoding:
    """A table's rows as SDV's codes and back."""

    table: Table
    links: tuple[Link, ...]
    codecs: Mapping[str, Codec]
    """Columns that SDV models."""
    makers: Mapping[str, KeyMaker]
    """Columns that get new unique values."""
    people: Mapping[str, PiiColumn]
    """Columns of personal data; SDV only models where they are NULL."""
    nulls: Mapping[str, float]
    """Share of NULLs of the columns that have a maker."""
    limits: Mapping[str, Limits]
    avoided: tuple[Avoided, ...]
    types: Mapping[str, pa.DataType]

    @classmethod
    def fit(cls, plan: Plan, planned: TablePlan, read: Read, guard: Guard, private: frozenset[str]) -> TableCoding:
        """Fit the codecs of a table; ``guard`` says how many entities must hold what is kept, and whose each row is,
        ``private`` which words are those of personal data."""
        table, data = plan.schema.table(planned.table), read(planned.table)
        alone = {key.columns[0] for key in table.keys}
        codecs: dict[str, Codec] = {}
        makers: dict[str, KeyMaker] = {}
        people: dict[str, PiiColumn] = {}
        for planned_column in (c for c in planned.columns if c.role in (ColumnRole.KEY, ColumnRole.VALUE)):
            name, kind = planned_column.column, planned_column.kind
            values, column = data.column(name), table.column(name)
            if kind.startswith("pii:") and pa.types.is_string(values.type):
                k = guard.k if guard.on else PII_K
                people[name] = PiiColumn.learn(
                    column, kind[len("pii:") :], values, k, guard.owners, unique=name in alone
                )
                codecs[name] = Filled(kind)
            elif planned_column.role is ColumnRole.KEY or name in alone:
                makers[name] = KeyMaker.fit(values, column.type, guard.k, guard.owners)
            elif values.null_count < len(values):
                codecs[name] = fit_codec(kind, column, values, guard.k, guard.owners, private=private)
        links = tuple(_links(plan, planned, alone))
        nulls = {name: data.column(name).null_count / data.num_rows for name in makers}
        limits = {n: Limits.of(c, data.column(n), guard) for n, c in _measured(codecs)}
        avoided = tuple(_avoided(data, codecs, makers, guard))
        types = {f.name: f.type for f in data.schema}
        return cls(table, links, codecs, makers, people, nulls, limits, avoided, types)

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

    def encode(self, read: Read) -> Frame:
        """The table's rows for SDV; rows whose required parent does not exist are left out."""
        data = read(self.table.name)
        columns: dict[str, npt.NDArray[Any]] = {"key": np.arange(data.num_rows)}
        keep = np.ones(data.num_rows, dtype=bool)
        for link in self.links:
            parents = np.maximum(parent_rows(data, read(link.foreign_key.parent), link.foreign_key), -1)
            columns[link.label] = parents if link.copied else np.where(parents < 0, np.nan, parents)
            keep &= (parents >= 0) | (not link.required) | link.copied
        for label, name, codec in self._labelled:
            values = data.column(name)
            if isinstance(codec, MeasuredCodec):
                columns[label] = np.clip(codec.measure(values), self.limits[name].low, self.limits[name].high)
            else:
                columns[label] = codec.encode(values)
        return {label: values[keep] for label, values in columns.items()}

    def decode(self, frame: Frame, parents: Mapping[TableName, Drawn], rng: np.random.Generator) -> Drawn:
        """New rows from SDV's, with every key unique and every reference met."""
        keep = np.ones(len(frame["key"]), dtype=bool)
        places: dict[str, Ints] = {}
        for link in self.links:
            parent = parents[link.foreign_key.parent]
            place = _places(frame[link.label], None if link.copied else parent.keys)
            places[link.column] = _mended(place, link, parent.rows.num_rows, rng)
            keep &= (places[link.column] >= 0) | (not link.required)
        frame = {label: values[keep] for label, values in frame.items()}
        n = len(frame["key"])
        columns = self._made(n, rng) | self._decoded(frame, rng)
        columns |= self._people(frame, columns, rng)
        for link in self.links:
            rows, at = parents[link.foreign_key.parent].rows, places[link.column][keep]
            columns[link.column] = rows.column(link.foreign_key.parent_columns[0]).take(pa.array(at, mask=at < 0))
        blank = {name: pa.nulls(n, kind) for name, kind in self.types.items()}
        arrays = {name: columns.get(name, blank[name]).cast(kind) for name, kind in self.types.items()}
        return Drawn(frame["key"], pa.table(arrays))

    def _made(self, n: int, rng: np.random.Generator) -> dict[str, pa.Array]:
        """New unique values; NULL as often as in the source."""
        made = {name: new_keys(maker, n, allowed(self.avoided, name), rng) for name, maker in self.makers.items()}
        absent = {name: rng.random(n) < share for name, share in self.nulls.items()}
        return {name: pc.if_else(pa.array(absent[name]), pa.scalar(None, a.type), a) for name, a in made.items()}

    def _decoded(self, frame: Frame, rng: np.random.Generator) -> dict[str, pa.Array]:
        """Values of the modelled columns; a NULL where none may be is replaced by a value of another row."""
        made = {}
        for label, name, codec in self._labelled:
            if name in self.people:
                continue
            drawn = frame[label].astype(np.float64)
            absent = np.isnan(drawn) if isinstance(codec, MeasuredCodec) else ~(drawn > NULL)
            blank = getattr(codec, "blank", None) is not None  # then a text says that there is no number
            if not (blank or self.table.column(name).nullable) and absent.any() and not absent.all():
                drawn = np.where(absent, rng.choice(drawn[~absent], len(drawn)), drawn)
            if isinstance(codec, MeasuredCodec):
                drawn = np.round(drawn) if codec.lattice else drawn
                made[name] = codec.restore(self.limits[name].sieve.passed(drawn))
            else:
                codes = np.nan_to_num(drawn, nan=NULL).astype(np.int32)
                made[name] = decoded(codec, codes, allowed(self.avoided, name), rng, unique=False)
        return made

    def _people(self, frame: Frame, others: Mapping[str, pa.Array], rng: np.random.Generator) -> dict[str, pa.Array]:
        """Columns of personal data, made up row by row; NULL where SDV says so and it may be."""
        rows = len(frame["key"])
        made = fill(list(self.people.values()), rows, rng, allowances(self.avoided), Traits.of(others, rows))
        for label, name, _ in self._labelled:
            if name in made and self.table.column(name).nullable:
                absent = pa.array(~(frame[label].astype(np.float64) > NULL))
                made[name] = pc.if_else(absent, pa.scalar(None, made[name].type), made[name])
        return made


def _measured(codecs: Mapping[str, Codec]) -> Iterator[tuple[str, MeasuredCodec]]:
    yield from ((name, codec) for name, codec in codecs.items() if isinstance(codec, MeasuredCodec))


def _avoided(
    data: pa.Table, codecs: Mapping[str, Codec], makers: Mapping[str, KeyMaker], guard: Guard
) -> Iterator[Avoided]:
    """Of texts, persons, and keys that are more than counted numbers."""
    for name in data.column_names:
        values, maker = contiguous(data.column(name)), makers.get(name)
        texts = isinstance(codecs.get(name), TextCodec | Filled)
        if texts or (maker is not None and not counts_on(maker, values)):
            yield from learn_avoided(name, values, guard)


def _sdtype(codec: Codec) -> str:
    return "numerical" if isinstance(codec, MeasuredCodec) else "categorical"


def _links(plan: Plan, planned: TablePlan, alone: set[str]) -> Iterator[Link]:
    table = plan.schema.table(planned.table)
    for i, reference in enumerate(r for r in planned.references if r.role in DRAWN):
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
