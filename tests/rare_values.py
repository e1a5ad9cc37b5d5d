"""Looks for rare values of a database in its clone: those that fewer than k entities hold.

    python -m tests.rare_values DATA [--only NAME …] [--seed 1] [--all]

DATA is a folder of ``*.sqlite.gz``.  Prints a Markdown table of the columns whose rare values stand in the clone (with
``--all`` of all that have any), how many of how many, in how many rows, and why they were let through.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.archive import load
from dbclone.cloning import fit_model, generate_from
from dbclone.connection import open_source
from dbclone.engines.forest import ForestModel
from dbclone.engines.forest_exchange import exchangeable_totals
from dbclone.engines.forest_tables import TableModel
from dbclone.models.observation import observe
from dbclone.options import CloneOptions, FitOptions, GenerateOptions
from dbclone.plan import ColumnRole, Plan, TableRole
from dbclone.progress import Silent
from dbclone.schema import TableName
from tests.scoreboard import SETS, unpacked

Tables = Mapping[TableName, pa.Table]
K = 5


@dataclass(frozen=True)
class Hits:
    """A column of a protected table, and how many of its rare values stand in the clone."""

    table: str
    column: str
    kind: str
    rare: int
    hit: int
    rows: int
    """Rows of the clone that hold them."""
    of: int
    """Rows of the clone that hold any value."""


def rows_of(path: Path, plan: Plan) -> Tables:
    with open_source(str(path)) as source:
        return {t.table: source.read(plan.schema.table(t.table)) for t in plan.tables}


def rare_values(plan: Plan, source: Tables, clone: Tables, k: int) -> Iterator[Hits]:
    """All value columns of the synthesised tables; entities are found as the engine finds them."""
    seen = observe(plan, source.__getitem__, k)
    for planned in plan.tables:
        if planned.role is not TableRole.SYNTHESISE:
            continue
        observed = seen.tables[planned.table]
        for column in planned.columns:
            if column.role is ColumnRole.VALUE:
                values = observed.data.column(column.column).combine_chunks()
                rare = _rare(values, observed.guard.entities, k)
                there = clone[planned.table].column(column.column).drop_null()
                hit = there.filter(pc.is_in(there, value_set=rare.cast(there.type)))
                name = (str(planned.table), column.column, column.kind)
                yield Hits(*name, len(rare), len(pc.unique(hit)), len(hit), len(there))


def excuses(model: ForestModel) -> Mapping[tuple[str, str], str]:
    """The columns of which rare values may stand in a clone, and why; the sieves keep all others free of them."""
    found = {(str(t.table), column): why for t in model.tables for column, why in _excuses(model.plan, t)}
    mended = (t for child in model.tables for t in exchangeable_totals(model.plan, model.tables, child))
    for total, _ in mended:
        parent = next(r.parent for t in model.tables for r in t.relations if r.id == total.reference)
        found.pop((str(parent), total.total.target), None)
    for table in model.tables:  # parents come first
        for copy in table.copies:
            if (str(copy.table), copy.source) in found:
                found.setdefault((str(table.table), copy.column), found[str(copy.table), copy.source])
    return found


def _excuses(plan: Plan, table: TableModel) -> Iterator[tuple[str, str]]:
    for derived in table.derived.columns:
        yield derived.column, "computed from others"
    for copy in table.copies:
        if plan.table(copy.table).role is TableRole.COPY:
            yield copy.column, "repeats a table that is copied"
    for step in table.steps.steps if table.steps is not None else ():
        kind, _, column = step.name.partition(":")
        if kind == "column" and step.counts_on:
            yield column, "numbers its rows"
        elif kind == "column" and step.sieve.rare[0] and not step.sieve.on:
            yield column, "no other number in its range"
        elif kind == "column" and step.sieve.crowded:
            yield column, "most days of its calendar are in use"
        elif kind == "column" and step.scale.temporal and any(v.usual.any() for v in step.variants):
            yield column, "at usual distances from a made-up date"
    for link in table.steps.links if table.steps is not None else ():
        if link.anchor is not None:
            yield link.anchor.step.removeprefix("column:"), "follows a made-up date"


def rare_texts(plan: Plan, source: Tables, k: int) -> Iterator[str]:
    """Texts that fewer than k entities hold, in all text columns of the synthesised tables."""
    seen = observe(plan, source.__getitem__, k)
    for planned in plan.tables:
        if planned.role is TableRole.SYNTHESISE:
            observed = seen.tables[planned.table]
            for name in observed.data.column_names:
                values = observed.data.column(name).combine_chunks()
                if pa.types.is_string(values.type):
                    yield from _rare(values, observed.guard.entities, k).to_pylist()


def common_texts(plan: Plan, source: Tables, k: int) -> Iterator[str]:
    """Texts that at least k entities hold, in columns of the synthesised tables that are not personal."""
    seen = observe(plan, source.__getitem__, k)
    for planned in plan.tables:
        for column in planned.columns if planned.role is TableRole.SYNTHESISE else ():
            observed = seen.tables[planned.table]
            if column.column in observed.data.column_names and not column.kind.startswith("pii:"):
                values = observed.data.column(column.column).combine_chunks()
                if pa.types.is_string(values.type):
                    held = _held(values, observed.guard.entities)
                    yield from held.filter(pc.greater_equal(held["entity_count_distinct"], k))["value"].to_pylist()


def _rare(values: pa.Array, entities: np.ndarray, k: int) -> pa.Array:
    held = _held(values, entities)
    return held.filter(pc.less(held["entity_count_distinct"], k))["value"].combine_chunks()


def _held(values: pa.Array, entities: np.ndarray) -> pa.Table:
    pairs = pa.table({"value": values, "entity": entities}).filter(values.is_valid())
    return pairs.group_by("value").aggregate([("entity", "count_distinct")])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=SETS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    print("| set | column | rare | in the clone | rows | of | why |\n|---|---|---|---|---|---|---|")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            real = unpacked(options.data / f"{name}.sqlite.gz", Path(folder))
            total = [0, 0]
            for hits, why in found_in(real, options.seed):
                total = [total[0] + hits.rare, total[1] + hits.hit]
                if hits.hit or (options.all and hits.rare):
                    cells = f"{hits.rare} | {hits.hit} | {hits.rows} | {hits.of} | {why if hits.hit else ''}"
                    print(f"| {name} | {hits.table}.{hits.column} | {cells} |")  # noqa: T201
            print(f"| **{name}** | all columns | {total[0]} | {total[1]} | | | |", flush=True)  # noqa: T201


def found_in(real: Path, seed: int) -> Iterator[tuple[Hits, str]]:
    """The columns of a database and what of them stands in its clone, with the excuse for it ('' where none is)."""
    file, target = real.with_suffix(".model"), real.with_suffix(".clone")
    chosen = CloneOptions(fit=FitOptions(seed=seed), generate=GenerateOptions(seed=seed))
    plan = fit_model(str(real), file, chosen, Silent())
    generate_from(file, f"sqlite:///{target}", chosen, Silent())
    model = load(file)
    assert isinstance(model, ForestModel)
    why = excuses(model)
    for hits in rare_values(plan, rows_of(real, plan), rows_of(target, plan), K):
        yield hits, why.get((hits.table, hits.column), "")


if __name__ == "__main__":
    main()
