"""What the forest keeps of each table, as frozen values: enough to generate, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from dbclone.columns.identifier import KeyMaker
from dbclone.engines.avoidance import Avoided
from dbclone.models.copies import Copied
from dbclone.models.derivation import NOTHING, Derivations
from dbclone.models.encoding import ColumnStep
from dbclone.models.pointers import Implied, Pointer
from dbclone.models.relations import Relation
from dbclone.models.steps import TableSteps
from dbclone.privacy.fakers import PiiColumn
from dbclone.schema import TableName


@dataclass(frozen=True)
class KeyColumn:
    column: str
    maker: KeyMaker


@dataclass(frozen=True)
class TableModel:
    """All that is kept of one table."""

    table: TableName
    relations: tuple[Relation, ...] = ()
    columns: tuple[ColumnStep, ...] = ()
    keys: tuple[KeyColumn, ...] = ()
    personal: tuple[PiiColumn, ...] = ()
    avoided: tuple[Avoided, ...] = ()
    """What may not be drawn, of the columns that hold short texts or keys."""
    pointers: tuple[Pointer, ...] = ()
    implied: tuple[Implied, ...] = ()
    copies: tuple[Copied, ...] = ()
    derived: Derivations = NOTHING
    steps: TableSteps | None = None
    copied: pa.Table | None = None
    """The rows of a reference table."""
    types: tuple[tuple[str, str], ...] = ()
    """Arrow type of every insertable column."""


def arrow_type(name: str) -> pa.DataType:
    """The type of that printed name."""
    if name.startswith("decimal128("):
        precision, scale = (int(p) for p in name[len("decimal128(") : -1].split(","))
        return pa.decimal128(precision, scale)
    zoned = pa.timestamp("us", tz="UTC")
    named = {str(t): t for t in (pa.timestamp("us"), zoned, pa.date32(), pa.time64("us"), pa.int64(), pa.float64())}
    named |= {str(t): t for t in (pa.string(), pa.bool_(), pa.binary(), pa.large_string(), pa.large_binary())}
    return named[name]
