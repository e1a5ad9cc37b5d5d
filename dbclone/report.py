"""What a run tells at its end, as frozen values, and how values become JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum

from dbclone.findings import Content, Finding, Rules
from dbclone.ledger import Ledger
from dbclone.plan import Plan
from dbclone.schema import TableName


@dataclass(frozen=True)
class TableSummary:
    table: TableName
    role: str
    """'synthesise', 'copy as reference' or 'leave empty'."""
    real_rows: int
    synthetic_rows: int
    seconds: float
    """Reading, generating and writing this table; fitting is told per phase."""


@dataclass(frozen=True)
class PhaseSeconds:
    phase: str
    seconds: float


@dataclass(frozen=True)
class CloneSummary:
    target: str
    """The target's URL without its password."""
    engine: str
    seed: int
    scale: float
    tables: tuple[TableSummary, ...]
    phases: tuple[PhaseSeconds, ...]
    findings: tuple[Finding, ...]
    violations: int
    """Rows that break a key or constraint: a clone is only kept with 0."""
    seconds: float
    ledger: Ledger = ()
    """What became of everything that the source holds."""


@dataclass(frozen=True)
class CheckSummary:
    database: str
    tables: int
    rows: int
    findings: tuple[Finding, ...]
    violations: int


@dataclass(frozen=True)
class ModelSummary:
    file: str
    engine: str
    bytes: int
    plan: Plan
    k: int | None = None
    """Entities that must hold what the model holds; 0 or 1: it is unprotected; None: the engine does not say."""
    contents: tuple[Content, ...] = ()
    rules: tuple[Rules, ...] = ()


def as_json(value: object) -> str:
    """Frozen values and documents as indented JSON: dataclasses by field name, enums by value, table names as text."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False)


def _plain(value: object) -> object:
    match value:
        case TableName():
            return str(value)
        case Enum():
            return value.value
        case tuple() | list():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case float():
            return round(value, 6)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.init}
    return value
