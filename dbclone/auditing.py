"""The audit from end to end: read, split the entities in halves, fit to one, generate, attack with the other."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import pyarrow as pa

from dbclone.abc import Progress, Source
from dbclone.connection import display_url, open_source
from dbclone.errors import AuditFailed, UsageError
from dbclone.fitting import check_engine, fit
from dbclone.generation import generate
from dbclone.halving import Tables, halve
from dbclone.options import AuditOptions, GenerateOptions
from dbclone.plan import Plan, TableRole
from dbclone.planning import make_plan
from dbclone.privacy.audit import AuditFigures, audit
from dbclone.privacy.audit_copies import Databases
from dbclone.progress import TableOnly
from dbclone.schema import Schema, TableName
from dbclone.selection import select
from dbclone.source_keys import keyed, survey
from dbclone.split_rows import split_rows
from dbclone.units import MIN_ENTITIES, choose_unit


@dataclass(frozen=True)
class AuditSummary:
    """What ``dbclone audit`` shows."""

    database: str
    """The source's URL without its password."""
    unit: TableName
    engine: str
    seed: int
    rare_below: int
    """Values of fewer entities count as rare."""
    k: int
    """Entities that had to hold what the clone keeps; 0 or 1: it was not protected."""
    figures: AuditFigures
    best_attack: str
    best_auc: float
    fail_over: float | None
    passed: bool
    """Whether the best attack's area is at most ``fail_over``; True if no limit was given."""
    seconds: float


def audit_database(source_url: str, options: AuditOptions, progress: Progress) -> AuditSummary:
    """Fit to one half of the source's entities, and attack the clone with the other half as the control.

    Raises UsageError if there is no such unit or it has too few rows; see ``require`` for the verdict.
    """
    check_engine(options.fit)
    began = perf_counter()
    progress.phase("connect", 0)
    with open_source(source_url) as source:
        schema, tables = _read(source, options, progress)
    unit = _unit(schema, tables, options.unit)
    halves = halve(schema, tables, unit, options.fit.seed)
    plan, synthetic = _clone(schema, halves.first, options, progress)
    progress.phase("attack", 0)
    copied = frozenset(t.table for t in plan.tables if t.role is TableRole.COPY)
    data = Databases(schema, unit, halves.split, halves.first, halves.second, synthetic, copied)
    figures = audit(data, options.rare_below, options.fit.seed)
    return _summary(display_url(source_url), data, figures, options, perf_counter() - began)


def require(summary: AuditSummary) -> None:
    """Raise AuditFailed if an attack was better than allowed.

    It is the estimate that is compared, not a bound of its interval: a lower bound would let anything pass where there
    are few entities, an upper bound nothing.  With fewer than about 900 entities the best of several attacks may exceed
    0.55 by chance alone: look at the interval.
    """
    if not summary.passed:
        area = summary.figures.best.auc
        raise AuditFailed(
            f"The attack '{summary.best_attack}' tells rows of {summary.unit} that were fitted to from others with an"
            f" area of {area.value:.3f} ({area.low:.3f} to {area.high:.3f}), over the limit of {summary.fail_over}"
        )


def _unit(schema: Schema, tables: Tables, wanted: str) -> TableName:
    unit = choose_unit(schema, tables, wanted)
    rows = tables[unit].num_rows
    if rows < MIN_ENTITIES:
        raise UsageError(f"{unit} has {rows} rows, an audit needs {MIN_ENTITIES}: name another table by --unit.")
    return unit


def _read(source: Source, options: AuditOptions, progress: Progress) -> tuple[Schema, dict[TableName, pa.Table]]:
    """The selected tables with the keys that the options ask for, and their rows, split as the schema has them."""
    surveyed = survey(source, options.plan, progress, options.fit)
    wanted = select(keyed(surveyed, options.plan), options.plan).schema
    return wanted, {t.name: surveyed.read(t.name) for t in wanted.tables}


def _clone(
    schema: Schema, half: Tables, options: AuditOptions, progress: Progress
) -> tuple[Plan, dict[TableName, pa.Table]]:
    """The plan of one half, and synthetic rows that were learned from nothing else."""
    counts = {name: rows.num_rows for name, rows in half.items()}
    plan = make_plan(schema, counts, half.__getitem__)
    model = fit(plan, half.__getitem__, options.fit, progress)
    progress.phase("generate", sum(counts.values()))
    made = generate(model, GenerateOptions(seed=options.fit.seed), TableOnly(progress))
    return plan, {name: split_rows(schema.table(name), rows) for name, rows in made}


def _summary(url: str, data: Databases, figures: AuditFigures, options: AuditOptions, seconds: float) -> AuditSummary:
    best, limit = figures.best, options.fail_over
    return AuditSummary(
        database=url,
        unit=data.unit,
        engine=options.fit.engine,
        seed=options.fit.seed,
        rare_below=options.rare_below,
        k=options.fit.k,
        figures=figures,
        best_attack=best.name,
        best_auc=best.auc.value,
        fail_over=limit,
        passed=limit is None or best.auc.value <= limit,
        seconds=seconds,
    )
