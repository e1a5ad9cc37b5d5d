"""What a column *is*, whatever its SQL type: decided from a bounded sample, so that cost stays flat on any table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns import leaves
from dbclone.columns.sampling import sample
from dbclone.columns.written_numbers import WRITTEN_NUMBER, written_as
from dbclone.privacy.pii import MODELLED, PiiEvidence, detect_pii
from dbclone.schema import Column, TableName, TypeFamily

_FEW = 50
_UNIQUE = 0.99
"""Share of distinct values from which on codes identify; below it they are texts, which may repeat."""
_CODE = re.compile(r"(?=.*\d)[^\s]{1,64}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d($|[ T])")

FIXED = {
    TypeFamily.BOOLEAN: "boolean",
    TypeFamily.INTEGER: "numeric",
    TypeFamily.DECIMAL: "numeric",
    TypeFamily.FLOAT: "numeric",
    TypeFamily.ENUM: "categorical",
    TypeFamily.DATE: "temporal",
    TypeFamily.TIME: "temporal",
    TypeFamily.TIMESTAMP: "temporal",
    TypeFamily.INTERVAL: "opaque",
    TypeFamily.UUID: "identifier",
    TypeFamily.JSON: "structured",
    TypeFamily.ARRAY: "structured",
    TypeFamily.BYTES: "opaque",
    TypeFamily.OPAQUE: "opaque",
}
"""Families whose kind follows from the type."""


@dataclass(frozen=True)
class Kind:
    kind: str
    """boolean, categorical, numeric, temporal, text, written number, identifier, structured, opaque, or 'pii:…'."""
    reason: str
    """The evidence, free of data values."""


@dataclass(frozen=True)
class _Counts:
    """How often the sampled values repeat."""

    rows: int
    present: int
    distinct: int
    total: int

    @classmethod
    def of(cls, sample: pa.Array, total: int) -> _Counts:
        present = len(sample) - sample.null_count
        return cls(len(sample), present, pc.count_distinct(sample, mode="only_valid").as_py(), total)

    def __str__(self) -> str:
        of = f"{self.present} values" if self.rows == self.total else f"{self.present} sampled values"
        return f"{self.distinct} distinct of {of}"

    @property
    def repeats(self) -> bool:
        """Few values that come again, or many of which each comes at least twice on average."""
        if self.distinct <= 1:
            return True
        return self.distinct <= min(_FEW, 0.5 * self.present) or self.distinct <= 0.5 * self.present


def detect(
    column: Column,
    values: pa.ChunkedArray | pa.Array,
    is_key: bool,
    table: TableName | None = None,
    personal: Callable[[], PiiEvidence | None] | None = None,
    *,
    in_key: bool = False,
) -> Kind:
    """The kind of a column and why; ``is_key``: the column alone is a key, so its values never repeat.

    ``in_key``: it is one of the columns of a key or unique index.  ``personal`` gives what ``detect_pii`` finds in all
    values, where that is known already.
    """
    family = column.type.family
    if is_key:
        return Kind("identifier", f"{family} key")
    drawn = sample(values)
    if drawn.null_count == len(drawn):
        return _of_nothing(column, table, drawn)
    if family is TypeFamily.TEXT and _are_documents(drawn):
        return Kind("structured", f"text, {_Counts.of(drawn, len(values))}; JSON documents{_inside(column, drawn)}")
    pii = personal() if personal is not None else detect_pii(table, column, drawn)
    if pii and pii.kind not in MODELLED:
        return Kind(f"pii:{pii.kind}", pii.evidence)
    suffix = f"; {pii.evidence}: modelled, extremes cut" if pii else ""
    kind = None
    if family is TypeFamily.TEXT:
        counts = _Counts.of(drawn, len(values))
        kind = (None if in_key else _of_numbers(column, drawn, counts)) or _of_text(drawn, counts)
    kind = kind or Kind(FIXED[family], f"type {column.type.sql or family}")
    if kind.kind == "structured":
        suffix += _inside(column, drawn)
    return Kind(kind.kind, kind.reason + suffix)


def _are_documents(drawn: pa.Array) -> bool:
    """Whether all texts (some thousand are looked at) are JSON objects or lists."""
    head = drawn.drop_null()[:2000].to_pylist()
    return all(text[:1] in ("{", "[") and leaves.parse_json(text) is not leaves.NOT_PARSED for text in head)


def _inside(column: Column, drawn: pa.Array) -> str:
    """The personal data inside documents and arrays, as evidence."""
    found = leaves.personal_leaves(column, leaves.parsed(drawn.cast(pa.string()).to_pylist(), column.type))
    return f"; {leaves.describe(found)}" if found else ""


def _of_nothing(column: Column, table: TableName | None, drawn: pa.Array) -> Kind:
    """A column without values: by name and type alone, so that the model knows what to do if it gets some."""
    why = "all values are NULL" if len(drawn) else "no rows"
    if column.type.family is TypeFamily.TEXT:
        return Kind("categorical", why)
    return Kind(FIXED[column.type.family], f"type {column.type.sql or column.type.family}; {why}")


def _of_numbers(column: Column, drawn: pa.Array, counts: _Counts) -> Kind | None:
    """Numbers written as text, if there are more of them than labels of a category; codes of digits alone are none."""
    if counts.repeats and counts.distinct <= _FEW:
        return None
    bare = not counts.repeats and counts.distinct < _UNIQUE * counts.present
    found = written_as(column.name, drawn, bare=bare)
    return None if found is None else Kind(WRITTEN_NUMBER, f"text, {counts}; {found}")


def _of_text(drawn: pa.Array, counts: _Counts) -> Kind:
    if counts.distinct == 1:
        return Kind("categorical", f"text, constant, {counts}")
    if counts.repeats:
        return Kind("categorical", f"text, {counts}")
    head = drawn.drop_null()[:2000].to_pylist()
    if sum(_DATE.match(text) is not None for text in head) >= 0.95 * len(head):
        return Kind("text", f"text, {counts}; dates")
    codes = sum(_CODE.fullmatch(text) is not None for text in head) / len(head)
    if codes >= 0.9 and counts.distinct >= _UNIQUE * counts.present:
        return Kind("identifier", f"text, {counts}; {codes:.0%} are codes without spaces")
    return Kind("text", f"text, {counts}")
