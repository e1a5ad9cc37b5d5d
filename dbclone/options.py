"""What a user may choose, as frozen values with the defaults of the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VirtualKey:
    """A foreign key that no database declares, as a user writes it: in any case, tables with schema or without."""

    table: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...] = ()
    """Empty: the parent's primary key."""
    where: tuple[str, str] | None = None
    """Discriminator: a column, and the text of its value in the rows that the key is about."""
    nothing: str | None = None
    """Text of the value that stands for no parent, where that is not NULL."""


@dataclass(frozen=True)
class PlanOptions:
    tables: tuple[str, ...] = ()
    """Globs of tables to clone; empty means all."""
    exclude: tuple[str, ...] = ()
    """Globs of tables to leave out."""
    virtual_keys: tuple[VirtualKey, ...] = ()
    """Keys that are taken as if they were declared."""
    infer_keys: bool = False
    """Take the keys that the data suggest, too."""
    schemas: tuple[str, ...] = ()
    """Globs of schemas to clone; empty means all."""
    exclude_schemas: tuple[str, ...] = ()
    """Globs of schemas to leave out."""
    with_grants: bool = False
    """Owners and grants too, of those roles that the target's server has."""


@dataclass(frozen=True)
class FitOptions:
    engine: str = "forest"
    seed: int = 0
    workers: int = 0
    """Threads for fitting; 0 means one per core.  The result does not depend on it."""
    k: int = 5
    """What fewer than k entities hold stays in the source; 0 or 1: nothing is protected, for measuring only."""

    @property
    def protected(self) -> bool:
        return self.k > 1


@dataclass(frozen=True)
class GenerateOptions:
    scale: float = 1.0
    rows: tuple[tuple[str, int], ...] = ()
    """(table, number of rows) for tables whose size is wished for."""
    seed: int = 0


@dataclass(frozen=True)
class CloneOptions:
    plan: PlanOptions = PlanOptions()
    fit: FitOptions = FitOptions()
    generate: GenerateOptions = GenerateOptions()
    clean: bool = False
    """Replace what is in the target."""
    schema_only: bool = False


@dataclass(frozen=True)
class CompareOptions:
    unit: str = ""
    """The table by whose rows the source is halved for the floor; empty: chosen."""
    max_rows: int = 20_000
    """Rows of each side that a classifier sees."""
    seed: int = 0
    """Of the halves."""
    plan: PlanOptions = PlanOptions()
    """The keys that the source does not declare."""


@dataclass(frozen=True)
class AuditOptions:
    unit: str = ""
    """The table whose rows are the entities to protect; empty: chosen."""
    fail_over: float | None = None
    """The largest area under the ROC curve that passes."""
    rare_below: int = 5
    """Values that fewer entities hold count as rare."""
    plan: PlanOptions = PlanOptions()
    fit: FitOptions = FitOptions()
