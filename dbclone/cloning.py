"""A clone from end to end: connect → reflect → plan → read → fit → generate → write → check → report."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

import pyarrow as pa

from dbclone import archive
from dbclone.abc import Model, Progress, Source, Target
from dbclone.checking import check, measured
from dbclone.comparing import missing_parts
from dbclone.connection import display_url, open_source, open_target, refuse_same
from dbclone.engines import refuse_unstorable
from dbclone.errors import IntegrityError, ModelFileError, TargetError
from dbclone.findings import Finding, Severity
from dbclone.fitting import Reader, check_engine, fit
from dbclone.generation import check_scale, check_sizes, empty_tables, expected_rows, generate
from dbclone.inspection import Inspection, inspect
from dbclone.ledger import make_ledger
from dbclone.model_types import is_well_typed
from dbclone.options import CloneOptions, FitOptions, PlanOptions, VirtualKey
from dbclone.plan import Plan, TablePlan, TableRole
from dbclone.planning import make_plan
from dbclone.progress import TableOnly, Timed
from dbclone.report import CheckSummary, CloneSummary, ModelSummary, PhaseSeconds, TableSummary
from dbclone.schema import TableName
from dbclone.selection import select
from dbclone.source_keys import keyed, survey
from dbclone.virtual_keys import allowing, resolve, with_keys
from dbclone.writing import write


@dataclass
class Run:
    """What is noted while a run goes on, for the summary at its end."""

    clock: Timed
    dialect: str = ""
    """The target's."""
    rows: dict[TableName, int] = field(default_factory=dict)
    seconds: defaultdict[TableName, float] = field(default_factory=lambda: defaultdict(float))
    findings: list[Finding] = field(default_factory=list)


def clone(source_url: str, target_url: str, options: CloneOptions, progress: Progress) -> CloneSummary:
    """Write a synthetic twin of the source into the target, which is as it was before if anything fails.

    Raises a DbcloneError for everything foreseen; IntegrityError if the clone would break a key or constraint.
    """
    check_scale(options.generate)
    check_engine(options.fit)
    run = Run(Timed(progress))
    run.clock.phase("connect", 0)
    with open_source(source_url) as source, open_target(target_url) as target:
        refuse_same(source, target)
        refuse_full(target, target_url, options.clean)
        if options.schema_only:
            plan = _copy_schema(source, target, options, run)
        else:
            model = _learn(source, options, run)
            plan = model.plan
            _write(target, model, options, run)
    return _summary(display_url(target_url), plan, options, run)


def fit_model(source_url: str, path: Path, options: CloneOptions, progress: Progress) -> Plan:
    """The first half of a clone: read the source, fit, and write the model file.  Returns the plan."""
    check_engine(options.fit)
    refuse_unstorable(options.fit.engine)
    run = Run(Timed(progress))
    run.clock.phase("connect", 0)
    with open_source(source_url) as source:
        model = _learn(source, options, run)
    archive.save(model, path)
    return model.plan


def generate_from(path: Path, target_url: str, options: CloneOptions, progress: Progress) -> CloneSummary:
    """The second half of a clone: write a synthetic database from a model file, without any access to the source."""
    check_scale(options.generate)
    run = Run(Timed(progress))
    run.clock.phase("connect", 0)
    with open_target(target_url) as target:
        refuse_full(target, target_url, options.clean)
        model = load_model(path)
        check_sizes(model.plan, options.generate)
        _write(target, model, options, run)
    return _summary(display_url(target_url), model.plan, options, run)


def plan_clone(source_url: str, options: PlanOptions, progress: Progress) -> Plan:
    """Read a database and make the plan of its clone; nothing is fitted or written."""
    run = Run(Timed(progress))
    run.clock.phase("connect", 0)
    with open_source(source_url) as source:
        plan, _ = _plan(source, options, run)
        return replace(plan, findings=(*source.findings, *plan.findings))


def inspect_database(source_url: str, options: PlanOptions, progress: Progress) -> Inspection:
    """Read a database and describe it: its schema, what its columns are, and keys that it does not declare."""
    run = Run(Timed(progress))
    run.clock.phase("connect", 0)
    with open_source(source_url) as source:
        surveyed = survey(source, options, run.clock)
        proposals = surveyed.proposals(options)
        schema = surveyed.taking(proposals if options.infer_keys else (), options)
        plan = make_plan(schema, surveyed.counts, surveyed.read, options)
        plan = replace(plan, findings=(*source.findings, *plan.findings))
    rows = {table.table: table.rows for table in plan.tables}
    return inspect(plan.schema, rows, plan, proposals)


def check_database(
    url: str, source_url: str | None, progress: Progress, keys: Sequence[VirtualKey] = ()
) -> CheckSummary:
    """Prove every key and constraint of a database again and, against its source, that nothing is missing.

    Of virtual ``keys``, rows may refer to nothing as often as in the source, without one not at all.
    """
    progress.phase("connect", 0)
    with open_source(url) as database, contextlib.ExitStack() as others:
        schema = database.reflect()
        rows = sum(database.row_counts(schema).values())
        findings: tuple[Finding, ...] = ()
        found = with_keys(schema, [resolve(schema, key) for key in keys])
        progress.phase("check", 0)
        if source_url is not None:
            source = others.enter_context(open_source(source_url))
            theirs = source.reflect()
            findings = missing_parts(schema, theirs)
            theirs = with_keys(theirs, [resolve(theirs, key) for key in keys])
            found = allowing(found, measured(source, theirs, theirs))
        findings = (*check(database, found), *findings)
    violations = sum(max(f.count, 1) for f in findings if f.severity is Severity.VIOLATION)
    return CheckSummary(display_url(url), len(schema.tables), rows, findings, violations)


def load_model(path: Path) -> Model:
    """The model in a file; ModelFileError if the file holds anything else."""
    model = archive.load(path)
    if not (isinstance(getattr(model, "plan", None), Plan) and callable(getattr(model, "generate", None))):
        raise ModelFileError(f"{path} holds no model that could generate rows; fit the model again")
    if not is_well_typed(model):
        raise ModelFileError(f"{path} is not a whole model file: a value in it is not of its type; fit the model again")
    return model  # type: ignore[return-value]  # it has what the protocol asks for


def describe_model(path: Path) -> ModelSummary:
    """What a model file is about."""
    model = load_model(path)
    size, k = path.stat().st_size, getattr(model, "k", None)
    contents, rules = getattr(model, "contents", ()), getattr(model, "rules", ())
    return ModelSummary(str(path), _engine_name(model), size, model.plan, k, contents, rules)


def _engine_name(model: Model) -> str:
    """An engine's models live in the module of that name."""
    return type(model).__module__.rpartition(".")[2]


def refuse_full(target: Target, url: str, clean: bool) -> None:
    """Raise TargetError if the target holds anything and may not be cleaned."""
    if not clean and not target.is_empty():
        raise TargetError(f"The target {display_url(url)} is not empty: give --clean to replace what is there")


def _learn(source: Source, options: CloneOptions, run: Run) -> Model:
    plan, reader = _plan(source, options.plan, run, options.fit)
    check_sizes(plan, options.generate)
    model = fit(plan, reader, options.fit, run.clock)
    run.findings += source.findings
    run.seconds.update(reader.seconds)
    reader.forget()
    return model


def _plan(source: Source, options: PlanOptions, run: Run, fitting: FitOptions | None = None) -> tuple[Plan, Reader]:
    """The plan, and what has read the rows it was made from; limits of the engine are asked before any row is read."""
    surveyed = survey(source, options, run.clock, fitting)
    schema = keyed(surveyed, options)
    return make_plan(schema, surveyed.counts, surveyed.read, options), surveyed.read


def _write(target: Target, model: Model, options: CloneOptions, run: Run) -> None:
    """Create, load, prove, and only then commit; the caller's ``open_target`` undoes whatever was not committed."""
    plan = model.plan
    run.clock.phase("generate", expected_rows(plan, options.generate))
    tables = generate(model, options.generate, TableOnly(run.clock))
    written = write(target, plan, _timed(tables, run.seconds), run.clock, clean=options.clean)
    run.rows.update(written.rows)
    emptied = empty_tables(plan, options.generate, written.rows)
    run.findings += [*plan.findings, *model.findings, *written.findings, *emptied]
    run.dialect = target.dialect
    run.clock.phase("check", 0)
    _prove(target, plan)
    target.commit()


def _timed(
    tables: Iterable[tuple[TableName, pa.Table]], seconds: defaultdict[TableName, float]
) -> Iterator[tuple[TableName, pa.Table]]:
    """Pass tables on and note how long making and taking each one lasted."""
    began = perf_counter()
    for name, rows in tables:
        yield name, rows
        seconds[name] += perf_counter() - began
        began = perf_counter()


def _prove(target: Target, plan: Plan) -> None:
    violations = [f for f in check(target, plan.schema) if f.severity is Severity.VIOLATION]
    if violations:
        first = violations[0]
        where = f"{first.table}({', '.join(first.columns)})" if first.columns else str(first.table)
        raise IntegrityError(
            f"The clone was not kept: in {where}: {first.message} ({len(violations)} constraints broken)"
        )


def _copy_schema(source: Source, target: Target, options: CloneOptions, run: Run) -> Plan:
    """Create everything but rows; the plan says so."""
    run.clock.phase("reflect", 0)
    schema = source.reflect()
    counts = source.row_counts(schema)
    wanted = select(schema, options.plan)
    reason = "only the schema was asked for"
    tables = tuple(TablePlan(t.name, TableRole.EMPTY, reason, counts[t.name]) for t in wanted.schema.tables)
    run.clock.phase("create", 0)
    written = write(target, wanted.schema, (), run.clock, clean=options.clean)
    run.findings += [*source.findings, *wanted.findings, *written.findings]
    run.dialect = target.dialect
    target.commit()
    return Plan(wanted.schema, tables)


def _summary(url: str, plan: Plan, options: CloneOptions, run: Run) -> CloneSummary:
    tables = tuple(
        TableSummary(t.table, t.role, t.rows, run.rows.get(t.table, 0), run.seconds[t.table]) for t in plan.tables
    )
    phases = run.clock.seconds()
    return CloneSummary(
        target=url,
        engine=options.fit.engine,
        seed=options.generate.seed,
        scale=options.generate.scale,
        tables=tables,
        phases=tuple(PhaseSeconds(name, seconds) for name, seconds in phases),
        findings=tuple(run.findings),
        violations=0,
        seconds=sum(seconds for _, seconds in phases),
        ledger=make_ledger(plan, run.dialect, (*plan.findings, *run.findings)),
    )
