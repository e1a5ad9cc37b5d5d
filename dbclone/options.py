"""What a user may choose, as frozen values with the defaults of the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlanOptions:
    tables: tuple[str, ...] = ()
    """Globs of tables to clone; empty means all."""
    exclude: tuple[str, ...] = ()
    """Globs of tables to leave out."""


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
