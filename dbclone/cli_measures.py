"""The commands that measure a clone: what an attacker learns from it, and how like the original it is."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dbclone.cli_options import (
    URL,
    Config,
    Engine,
    Exclude,
    InferKeys,
    Json,
    Quiet,
    Seed,
    Source,
    Tables,
    Unprotected,
    Workers,
    asked,
    kept_by,
    plan_options,
    print_json,
    shown_progress,
)
from dbclone.errors import UsageError
from dbclone.options import AuditOptions, CompareOptions, FitOptions


def audit(
    source: Source,
    *,
    unit: Annotated[
        str, typer.Option(metavar="TABLE", help="The table whose rows are to be protected; by default that of persons.")
    ] = "",
    fail_over: Annotated[
        float | None,
        typer.Option(metavar="AREA", help="Exit with code 13 if an attack's area under the ROC curve is larger."),
    ] = None,
    rare_below: Annotated[
        int, typer.Option("--k", metavar="K", min=1, help="Values of fewer than K rows of the unit count as rare.")
    ] = 5,
    tables: Tables = [],  # noqa: B006  # typer copies it
    exclude: Exclude = [],  # noqa: B006
    config: Config = None,
    infer_keys: InferKeys = False,
    seed: Seed = 0,
    engine: Engine = "forest",
    workers: Workers = 0,
    unprotected: Unprotected = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Fit to half of SOURCE, and attack the clone with the other half: what does it betray?"""
    from dbclone.auditing import audit_database, require
    from dbclone.rendering import print_audit

    if fail_over is not None and not 0 < fail_over <= 1:
        raise UsageError("--fail-over must be between 0.5 (nothing may be betrayed) and 1, such as 0.55.")
    selection = plan_options((tables, exclude), ([], []), config, infer_keys)
    fit = FitOptions(engine, seed, workers, kept_by(max(rare_below, 2), unprotected))
    options = AuditOptions(unit, fail_over, rare_below, selection, fit)
    [source] = asked(source)
    with shown_progress(quiet, compiles=True) as progress:
        summary = audit_database(source, options, progress)
    if json:
        print_json(summary)
    elif not quiet:
        print_audit(summary, sys.stdout)
    require(summary)


def compare(
    source: Annotated[str, typer.Argument(help=f"The original: {URL}.")],
    clone: Annotated[str, typer.Argument(help=f"Its clone: {URL}.")],
    *,
    unit: Annotated[
        str, typer.Option(metavar="TABLE", help="The table by whose rows SOURCE is halved for the floor.")
    ] = "",
    max_rows: Annotated[int, typer.Option(metavar="N", min=100, help="Rows that a classifier sees.")] = 20_000,
    config: Config = None,
    infer_keys: InferKeys = False,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="The same seed draws the same halves.")] = 0,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Score how well a classifier tells CLONE from SOURCE, beside what it makes of fresh real rows."""
    from dbclone import fidelity
    from dbclone.rendering import print_fidelity

    options = CompareOptions(unit, max_rows, seed, plan_options(([], []), ([], []), config, infer_keys))
    source, clone = asked(source, clone)
    with shown_progress(quiet) as progress:
        summary = fidelity.compare(source, clone, options, progress)
    if json:
        print_json(summary)
    elif not quiet:
        print_fidelity(summary, sys.stdout)
