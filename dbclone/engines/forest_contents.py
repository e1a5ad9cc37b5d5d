"""What the forest keeps of each column, in words and counts, for whoever must know what a model file holds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from dbclone.columns.categorical import CategoricalCodec
from dbclone.columns.codecs import Filled
from dbclone.columns.text import TextCodec
from dbclone.engines.forest_tables import TableModel
from dbclone.findings import Content
from dbclone.models.encoding import ColumnStep
from dbclone.models.steps import Step


def contents_of(table: TableModel) -> Iterator[Content]:
    """One for each column that is drawn, made, copied or computed."""
    name = table.table
    if table.copied is not None:
        for column in table.copied.column_names:
            yield Content(name, column, f"all {table.copied.num_rows} values: a reference table")
        return
    drawn = {s.name: s for s in table.steps.steps} if table.steps else {}
    for key in table.keys:
        yield Content(name, key.column, f"new keys, {key.maker.style}")
    for column in table.columns:
        step = drawn.get(column.step)
        if column.measured and step is not None:
            yield _measured(table, column, step)
        else:
            yield _coded(table, column)
    for copy in (c for c in table.copies if not c.sometimes):
        yield Content(name, copy.column, f"repeats {copy.table}.{copy.source}")
    for derived in table.derived.columns:
        yield Content(name, derived.column, "computed from other columns")


def _coded(table: TableModel, column: ColumnStep) -> Content:
    codec = column.codec
    if isinstance(codec, CategoricalCodec):
        invented = int(codec.pools.sum())
        holds = f"{len(codec.levels) - invented} labels"
        holds += f", {invented} invented ones in {len(codec.pools)} pools" if invented else ""
        return Content(table.table, column.column, holds, *codec.rare)
    if isinstance(codec, TextCodec):
        return Content(table.table, column.column, f"the style of its texts, {len(codec.kept)} whole texts")
    if isinstance(codec, Filled):
        kept = [f", or repeats {c.table}.{c.source}" for c in table.copies if c.column == column.column]
        return Content(table.table, column.column, f"no value: {codec.kind} is made anew" + "".join(kept))
    return Content(table.table, column.column, "its structure")


def _measured(table: TableModel, column: ColumnStep, step: Step) -> Content:
    restore = getattr(column.codec, "restore", None)
    between = ""
    split = any(c.clock and c.column == column.column for c in table.columns)
    if restore is not None and not split:
        ends: pa.Array = restore(np.array([step.low, step.high]))
        between = f"{ends[0].as_py()} to {ends[1].as_py()}, "
    atoms = [v.atoms for v in step.variants if v.atoms is not None]
    single = sum(int((a.low == a.high).sum()) for a in atoms)
    holds = f"{between}{sum(len(a.low) for a in atoms)} intervals, {single} of them single numbers"
    name = f"{column.column} (time of day)" if column.clock else column.column
    return Content(table.table, name, holds, *step.sieve.rare, beyond=step.beyond)
