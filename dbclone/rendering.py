"""Results as text for people: summaries, plans and inspections as tables on the terminal or in a pipe."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as TextTable
from rich.text import Text

from dbclone.auditing import AuditSummary
from dbclone.demo import Demonstration
from dbclone.fidelity import FidelitySummary, Scores, TableFidelity
from dbclone.findings import UNPROTECTED, Finding, Severity
from dbclone.inspection import Inspection, TableInspection
from dbclone.key_proposals import Proposal
from dbclone.ledger import Entry, Fate, fates, make_ledger
from dbclone.plan import Plan, TableRole
from dbclone.privacy.audit_copies import Shared
from dbclone.privacy.audit_intervals import Interval
from dbclone.report import CheckSummary, CloneSummary, ModelSummary
from dbclone.schema import ForeignKey, Virtual

PIPE_WIDTH = 200
"""Columns of text where there is no terminal that has a width."""


def print_summary(summary: CloneSummary, stream: TextIO, whole_ledger: bool = False) -> None:
    """Per table the real and synthetic rows and the seconds; then the seconds per phase, what was noticed, the ledger.

    Of the ledger the sums are shown, unless every line is asked for.
    """
    console = _console(stream)
    rows = [
        (str(t.table), t.role, f"{t.real_rows:,}", f"{t.synthetic_rows:,}", f"{t.seconds:.2f}") for t in summary.tables
    ]
    real, synthetic = sum(t.real_rows for t in summary.tables), sum(t.synthetic_rows for t in summary.tables)
    total = (f"{len(summary.tables)} tables", "", f"{real:,}", f"{synthetic:,}", f"{summary.seconds:.2f}")
    console.print(_table(("table", "what happened", "real rows", "rows", "seconds"), rows, numbers=3, total=total))
    phases = ", ".join(f"{p.phase} {p.seconds:.1f}" for p in summary.phases)
    _print(console, f"seconds: {phases}")
    print_findings(summary.findings, stream)
    if whole_ledger:
        _print_entries(console, summary.ledger)
    sums = Counter(entry.fate for entry in summary.ledger)
    _print(console, f"ledger: {', '.join(f'{sums[fate]:,} {fate}' for fate in Fate if sums[fate])}")
    _print(console, f"violations: {summary.violations}")
    _print(console, f"written to {summary.target}")


def print_check(summary: CheckSummary, stream: TextIO) -> None:
    """What was found, then the number of violations."""
    console = _console(stream)
    print_findings(summary.findings, stream)
    _print(console, f"checked {summary.tables} tables, {summary.rows:,} rows of {summary.database}")
    _print(console, f"violations: {summary.violations}")


def print_plan(plan: Plan, stream: TextIO, whole_ledger: bool = False) -> None:
    """Table after table in load order: what happens to it and why, its references and its columns; then the ledger.

    Of the ledger the numbers of each kind and what is dropped are shown, unless every line is asked for.
    """
    console = _console(stream)
    for table in plan.tables:
        _print(console, f"{table.table}: {table.role}, {table.rows:,} rows ({table.reason})", style="bold")
        for reference in table.references:
            _print(console, f"  {reference.role}: {_arrow(reference.foreign_key)} ({reference.reason})")
        if table.role is TableRole.SYNTHESISE:
            _print(console, f"  entities: rows of {plan.entity(table.table)}")
        if table.order_by:
            _print(console, f"  order within the owner: {', '.join(table.order_by)}")
        rows = [(c.column, c.role, c.kind, c.reason) for c in table.columns]
        console.print(_table(("column", "role", "kind", "why"), rows))
    print_findings(plan.findings, stream)
    ledger = make_ledger(plan, plan.schema.dialect, plan.findings)
    counts = [(kind, *(_or_nothing(found[fate]) for fate in Fate)) for kind, found in fates(ledger).items()]
    console.print(_table(("what the source holds", *Fate), counts, numbers=len(Fate)))
    _print_entries(console, (entry for entry in ledger if whole_ledger or entry.fate is Fate.DROPPED))


def _print_entries(console: Console, entries: Iterable[Entry]) -> None:
    for entry in entries:
        _print(console, f"{entry.fate}: {entry.subject} ({entry.reason})")


def print_inspection(inspection: Inspection, database: str, stream: TextIO) -> None:
    """Tables in load order with rows, keys and references; how cycles are broken; the kind of each column."""
    console = _console(stream)
    tables = {table.table: table for table in inspection.tables}
    ordered = [tables[name] for name in inspection.load_order]
    _print(
        console, f"{database} ({inspection.dialect}): {len(ordered)} tables, {inspection.rows:,} rows, in load order"
    )
    rows = [_inspected(i, table) for i, table in enumerate(ordered, 1)]
    console.print(_table(("", "table", "rows", "columns", "keys", "refers to"), rows))
    columns = [(f"{table.table}.{c.name}", c.type, c.kind, c.reason) for table in ordered for c in table.columns]
    console.print(_table(("column", "type", "kind", "why"), columns))
    for cycle in inspection.cycles:
        cut = "; ".join(str(reference) for reference in cycle.deferred)
        _print(console, f"cycle: {', '.join(map(str, cycle.tables))}; broken by filling in later: {cut}")
    if inspection.proposals:
        _print(console, "references that are not declared, taken with --infer-keys or from a --config file:")
        proposed = [_proposed(proposal) for proposal in inspection.proposals]
        console.print(_table(("seems to refer", "why", "rows", "parents met", "covered"), proposed, numbers=3))
    print_findings((f for f in inspection.findings if f.code != "cycle"), stream)


_MODEL_WORDS = """\
range: between two bounds that stand for no single row; what is drawn from it is any value between them
single value: one that many share, and therefore stands in the model as it is
left out: values of the source that too few entities hold, and the rows in which they stand
beyond: rows whose value is less or more than what the model knows of"""


def print_model(summary: ModelSummary, stream: TextIO) -> None:
    """What a model file holds, without anything of the rows that it was fitted to but what k entities share."""
    console, plan = _console(stream), summary.plan
    _print(console, f"{summary.file}: model of engine {summary.engine}, {summary.bytes:,} bytes")
    _print(console, f"fitted to {len(plan.tables)} tables, written for {plan.schema.dialect}")
    drawn = {t.table for t in plan.tables if t.role is TableRole.SYNTHESISE}
    rules = {r.table: (f"{r.trees:,}", f"{r.leaves:,}", f"{r.smallest:,}", str(r.computed)) for r in summary.rules}
    rows = [
        (str(t.table), t.role, str(plan.entity(t.table)) if t.table in drawn else "", f"{t.rows:,}",
         str(len(t.columns)), *rules.get(t.table, ("", "", "", "")))
        for t in plan.tables
    ]  # fmt: skip
    header = ("table", "what happens", "entities", "real rows", "columns", "trees", "leaves", "fewest rows", "computed")
    console.print(_table(header, rows, numbers=6))
    if summary.rules:
        _print(console, "leaves: cases that the trees tell apart; fewest rows: of the source, behind any such case")
    if summary.k is not None:
        kept = f"nothing that fewer than {summary.k} entities hold" if summary.k > 1 else "UNPROTECTED: rare values too"
        _print(console, f"kept of each column ({kept})")
    held = [(f"{c.table}.{c.column}", c.holds, *map(_or_nothing, (c.rare_values, c.rare_rows, c.beyond)))
            for c in summary.contents]  # fmt: skip
    if held:
        console.print(_table(("column", "holds", "left out", "their rows", "beyond"), held, numbers=3))
        for line in _MODEL_WORDS.splitlines():
            _print(console, line)


def _or_nothing(count: int) -> str:
    return f"{count:,}" if count else ""


def print_types(header: Sequence[str], rows: Iterable[Sequence[str]], stream: TextIO) -> None:
    """One line for each sort of type."""
    _console(stream).print(_table(header, rows))


def print_findings(findings: Iterable[Finding], stream: TextIO) -> None:
    """One line each, violations first, notes last."""
    console = _console(stream)
    order = [Severity.VIOLATION, Severity.WARNING, Severity.NOTE]
    for finding in sorted(findings, key=lambda f: order.index(f.severity)):
        count = f" ({finding.count:,} rows)" if finding.severity is Severity.VIOLATION and finding.count else ""
        _print(console, f"{finding.severity}: {_place(finding)}{finding.message}{count}")


def _place(finding: Finding) -> str:
    """Where it is, unless the message says so; proofs of constraints never do."""
    if finding.table is None:
        return ""
    named = re.search(rf"(?<![\w.]){re.escape(str(finding.table))}(?!\w)", finding.message)
    if named and finding.severity is not Severity.VIOLATION:
        return ""
    return f"{finding.table}({', '.join(finding.columns)}): " if finding.columns else f"{finding.table}: "


def print_rows(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], stream: TextIO) -> None:
    """A few rows of data under a title, cut to the width of the terminal."""
    console = _console(stream)
    _print(console, title, style="bold")
    texts = [tuple("NULL" if value is None else str(value) for value in row) for row in rows]
    console.print(_table(tuple(columns), texts, wrap=False))


def _inspected(position: int, table: TableInspection) -> tuple[str, ...]:
    keys = "; ".join(", ".join(key) for key in table.keys)
    references = "; ".join(
        _arrow(key) + (" (or NULL)" if nullable else "")
        for key, nullable in zip(table.foreign_keys, table.nullable_keys, strict=True)
    )
    return str(position), str(table.table), f"{table.rows:,}", str(len(table.columns)), keys, references


def _proposed(proposal: Proposal) -> tuple[str, ...]:
    virtual = proposal.key.virtual or Virtual()
    where = f" where {virtual.where[0]} = '{virtual.where[1]}'" if virtual.where else ""
    nothing = f", {virtual.nothing!r} meaning none" if virtual.nothing is not None else ""
    refers = f"{proposal.table}: {_arrow(proposal.key)}{where}{nothing}"
    return refers, proposal.reason, f"{proposal.support:,}", f"{proposal.distinct:,}", f"{proposal.coverage:.1%}"


def _arrow(key: ForeignKey) -> str:
    return f"{', '.join(key.columns)} → {key.parent}({', '.join(key.parent_columns)})"


def _console(stream: TextIO) -> Console:
    return Console(file=stream, width=None if stream.isatty() else PIPE_WIDTH, highlight=False, emoji=False)


def _print(console: Console, text: str, style: str = "") -> None:
    """Names may hold square brackets: they are never taken for markup."""
    console.print(Text(text, style=style), soft_wrap=True)


def _table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: int = 0,
    total: Sequence[str] | None = None,
    wrap: bool = True,
) -> TextTable:
    """A table whose last ``numbers`` columns are aligned to the right."""
    table = TextTable(box=SIMPLE_HEAD, show_footer=total is not None, pad_edge=False)
    for i, name in enumerate(header):
        justify = "right" if i >= len(header) - numbers else "left"
        footer = total[i] if total else ""
        table.add_column(name, footer, justify=justify, no_wrap=not wrap, overflow="fold" if wrap else "ellipsis")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def print_demo(demo: Demonstration, stream: TextIO) -> None:
    """The summary, rows of both databases one above the other, and which planted facts the clone kept."""
    console = _console(stream)
    print_summary(demo.summary, stream)
    for sample in demo.samples:
        print_rows(f"{sample.table}, real example", sample.columns, sample.real, stream)
        print_rows(f"{sample.table}, clone", sample.columns, sample.synthetic, stream)
    rows = [
        (fact.sentence, _number(fact.real), _number(fact.synthetic), "yes" if fact.kept else "no")
        for fact in demo.facts
    ]
    console.print(_table(("fact planted in the example", "real", "clone", "kept"), rows))
    kept = sum(fact.kept for fact in demo.facts)
    _print(console, f"{kept} of {len(demo.facts)} planted facts kept")
    _print(console, f"look at both files: {demo.real} and {demo.synthetic}")


def print_audit(summary: AuditSummary, stream: TextIO) -> None:
    """The attacks, the guesses and what was copied, each beside what chance or fresh real rows give; the verdict."""
    console, figures = _console(stream), summary.figures
    _print(console, f"audit of {summary.database}: an entity is a row of {summary.unit} with all that hangs from it")
    if summary.k <= 1:
        _print(console, UNPROTECTED.message)
    _print(console, f"fitted to {figures.members:,}, never seen {figures.controls:,}, synthetic {figures.synthetic:,}")
    console.print(_attack_table(summary))
    rows = [(g.name, f"{g.guesses:,}", *map(_interval, (g.success, g.control, g.risk))) for g in figures.guesses]
    console.print(_table(("guess", "guesses", "right, fitted to", "right, never seen", "excess"), rows, numbers=4))
    header = ("in common with the data", "where", "of", "in the clone", "share", "in fresh real rows")
    console.print(_table(header, [_shared(s) for s in figures.shared if s.total], numbers=4))
    verdict = "" if summary.fail_over is None else f" ({'within' if summary.passed else 'OVER'} {summary.fail_over})"
    _print(console, f"best attack: {summary.best_attack}, area {_interval(figures.best.auc)}{verdict}")
    _print(console, f"seconds: {summary.seconds:.1f}")


def _attack_table(summary: AuditSummary) -> TextTable:
    far = f"the {summary.figures.isolated} most isolated"
    header = ("attack", "area (0.5: guessing)", "found at 1% false alarms", f"area, {far}", f"found, {far}")
    rows = [(a.name, *map(_interval, (a.auc, a.tpr, a.isolated_auc, a.isolated_tpr))) for a in summary.figures.attacks]
    return _table(header, rows, numbers=4)


def _shared(shared: Shared) -> tuple[str, ...]:
    where = f"{shared.table}({', '.join(shared.columns)})" if shared.columns else str(shared.table)
    shares = f"{shared.found:,}", f"{shared.share:.1%}", f"{shared.floor:.1%}"
    return shared.kind.value, where, f"{shared.total:,}", *shares


def print_fidelity(summary: FidelitySummary, stream: TextIO) -> None:
    """Per table each score of the clone beside that of fresh real rows in brackets; then the means."""
    console = _console(stream)
    _print(console, f"{summary.clone} against {summary.source}: 0.5 cannot be told apart, 1.0 is told apart at once;")
    _print(console, "in brackets the floor, fresh real rows; well below 0.5 rows are near-copies of real ones")
    mean, floor = _scores(summary.mean, summary.mean_floor), f"({summary.floor_distance:.3f})"
    header = ("table", "real rows", "rows", "alone", "with children", "with parents", "equal to a real row")
    total = (f"{len(summary.tables)} tables, mean", "", "", *mean)
    console.print(_table(header, [_fidelity(t) for t in summary.tables], numbers=6, total=total))
    if summary.missing:
        _print(console, f"not in the clone: {', '.join(map(str, summary.missing))}")
    _print(console, f"mean distance from 0.5: {summary.distance:.3f} {floor}")
    _print(console, f"seconds: {summary.seconds:.1f}")


def _fidelity(table: TableFidelity) -> tuple[str, ...]:
    scores = ("copied", "", "", "") if table.identical else _scores(table.clone, table.floor)
    return str(table.table), f"{table.real_rows:,}", f"{table.clone_rows:,}", *scores


def _scores(scores: Scores, floor: Scores) -> tuple[str, str, str, str]:
    accuracies = ((scores.single, floor.single), (scores.aggregates, floor.aggregates), (scores.joined, floor.joined))
    alone, children, parents = ("" if s is None else f"{s:.3f} ({_or_none(f, '.3f')})" for s, f in accuracies)
    copied = "" if scores.copied is None else f"{scores.copied:.1%} ({_or_none(floor.copied, '.1%')})"
    return alone, children, parents, copied


def _or_none(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _interval(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.3g}"
