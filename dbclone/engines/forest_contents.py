"""What the forest keeps of each column, in words and counts, for whoever must know what a model file holds."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from dbclone.columns.categorical import CategoricalCodec
from dbclone.columns.codecs import Filled
from dbclone.columns.identifier import KeyStyle
from dbclone.columns.opaque import BytesCodec, OpaqueCodec
from dbclone.columns.structured import StructuredCodec
from dbclone.columns.text import TextCodec
from dbclone.engines.forest_tables import TableModel
from dbclone.findings import Content, Rules
from dbclone.models.encoding import ColumnStep
from dbclone.models.steps import Step

_KEYS = {
    KeyStyle.DENSE: "counted on", KeyStyle.SPARSE: "drawn between two bounds", KeyStyle.UUID: "random UUIDs",
    KeyStyle.TIMED_UUID: "random UUIDs in the order of time", KeyStyle.PATTERN: "of the form of the source's",
    KeyStyle.LABELS: "labels of their type", KeyStyle.BYTES: "random bytes",
}  # fmt: skip
_SHOWN, _WIDEST = 5, 24
"""Labels that are shown of a column, and their longest form."""


def contents_of(table: TableModel) -> Iterator[Content]:
    """One for each column that is drawn, made, copied or computed."""
    name = table.table
    if table.copied is not None:
        for column in table.copied.column_names:
            yield Content(name, column, f"all {table.copied.num_rows} values: a reference table")
        return
    drawn = {s.name: s for s in table.steps.steps} if table.steps else {}
    for key in table.keys:
        yield Content(name, key.column, f"new keys, {_KEYS[key.maker.style]}")
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


def rules_of(table: TableModel) -> Rules:
    """How many rules say what goes together in the rows of a table."""
    steps = table.steps.steps if table.steps else ()
    trees = [v.tree for step in steps for v in step.variants if v.tree is not None]
    sizes = [int((tree.end - tree.start)[1:].min()) for tree in trees if len(tree.start) > 1]
    leaves = sum(int((tree.feature < 0).sum()) for tree in trees)
    given = len({c.column for c in table.copies} | {c.column for c in table.derived.columns})
    return Rules(table.table, len(trees), leaves, min(sizes, default=0), given)


def _coded(table: TableModel, column: ColumnStep) -> Content:
    codec = column.codec
    if isinstance(codec, CategoricalCodec):
        return Content(table.table, column.column, _labels(codec), *codec.rare)
    if isinstance(codec, TextCodec):
        kept = _counted(len(codec.kept), "whole text")
        return Content(table.table, column.column, f"how its texts are built, and {kept}")
    if isinstance(codec, Filled):
        kept = "".join(f", or repeats {c.table}.{c.source}" for c in table.copies if c.column == column.column)
        return Content(table.table, column.column, f"no value: {codec.kind} is made anew{kept}")
    if isinstance(codec, BytesCodec):
        return Content(table.table, column.column, "lengths of its values: the bytes are random")
    what = "documents" if isinstance(codec, StructuredCodec) else "values"
    whole = len(codec.kept) if isinstance(codec, StructuredCodec | OpaqueCodec) else 0
    return Content(table.table, column.column, f"how its {what} are built, and {_counted(whole, 'whole one')}")


def _labels(codec: CategoricalCodec) -> str:
    """The first labels themselves: nothing tells better what leaves."""
    invented = int(codec.pools.sum())
    kept = [str(label) for label in codec.levels[: len(codec.levels) - invented].to_pylist()]
    if not kept and not invented:
        return "no label"
    shown = ", ".join(textwrap.shorten(label, _WIDEST, placeholder="…") for label in kept[:_SHOWN])
    holds = _counted(len(kept), "label") + (f": {shown}" if kept else "") + (", …" if len(kept) > _SHOWN else "")
    return f"{holds}; {_counted(invented, 'invented one')}" if invented else holds


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _measured(table: TableModel, column: ColumnStep, step: Step) -> Content:
    atoms = [v.atoms for v in step.variants if v.atoms is not None]
    ranges, single = sum(len(a.low) for a in atoms), sum(int((a.low == a.high).sum()) for a in atoms)
    name = f"{column.column} (time of day)" if column.clock else column.column
    if not ranges:
        return Content(table.table, name, "no value: it is always NULL", *step.sieve.rare, beyond=step.beyond)
    restore = getattr(column.codec, "restore", None)
    if step.counts_on:
        return Content(table.table, name, "counts the rows of each owner")
    between = ""
    split = any(c.clock and c.column == column.column for c in table.columns)
    if restore is not None and not split:
        ends: pa.Array = restore(np.array([step.low, step.high]))
        between = f"{ends[0].as_py()} to {ends[1].as_py()}, in "
    holds = f"{between}{_counted(ranges, 'range')}, {single:,} of them single values"
    return Content(table.table, name, holds, *step.sieve.rare, beyond=step.beyond)
