"""The command line: options become ``CloneOptions``, results go to stdout, progress and messages to stderr."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dbclone import __version__, cli_measures
from dbclone.cli_options import (
    URL,
    Config,
    Engine,
    Entities,
    Exclude,
    ExcludeSchemas,
    InferKeys,
    Json,
    Quiet,
    Schemas,
    Seed,
    Source,
    Tables,
    Unprotected,
    WholeLedger,
    WithGrants,
    Workers,
    asked,
    kept_by,
    plan_options,
    print_json,
    shown_progress,
    virtual_keys,
)
from dbclone.errors import IntegrityError, TargetError, UsageError
from dbclone.failures import explaining
from dbclone.options import CloneOptions, FitOptions, GenerateOptions

if TYPE_CHECKING:
    from dbclone.report import CloneSummary, ModelSummary

EPILOG = """Exit codes:

\b
  0  done
  1  an unforeseen error; DBCLONE_DEBUG=1 shows where it happened
  2  an option or argument cannot be meant as written
  3  the server cannot be reached or refuses the credentials
  4  the source is missing, not a database, empty, or may not be read
  5  the target is the source, is not empty, or may not be written
  6  the source was altered while it was read
  7  the schema cannot be cloned as asked
  8  the schema exceeds what the chosen engine can do
  9  the model file is truncated, altered, of another version, or no model file
 10  loading the target failed; it is as it was before
 11  a key or constraint does not hold
 12  an optional dependency is missing
 13  an attack on a clone was better than the limit that was set
130  interrupted by Ctrl-C; the target is as it was before
143  terminated; the target is as it was before
"""

app = typer.Typer(
    name="dbclone",
    help="Write a synthetic twin of a relational database: same schema, every constraint true, made-up rows.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
model_app = typer.Typer(help="Look into model files.", no_args_is_help=True)
app.add_typer(model_app, name="model")

Target = Annotated[str, typer.Argument(help=f"What is written: {URL}; also duckdb:///FILE.")]
ModelFile = Annotated[Path, typer.Argument(help="A model file written by 'dbclone fit'.")]
Scale = Annotated[
    float, typer.Option("--scale", metavar="FACTOR", help="Size of the clone relative to the source, such as 0.1 or 3.")
]
Rows = Annotated[list[str], typer.Option("--rows", metavar="TABLE=N", help="Number of rows of one table; repeatable.")]
Clean = Annotated[bool, typer.Option("--clean", help="Replace what is in the target.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before --clean replaces anything.")]
SchemaOnly = Annotated[bool, typer.Option("--schema-only", help="Create tables and constraints but no rows.")]

explained = explaining(typer.Exit, typer.Abort, BrokenPipeError, SystemExit)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dbclone {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of the command itself, before any subcommand."""


@app.command()
@explained
def copy(
    source: Source,
    target: Target,
    *,
    scale: Scale = 1.0,
    rows: Rows = [],  # noqa: B006  # typer copies it
    tables: Tables = [],  # noqa: B006
    exclude: Exclude = [],  # noqa: B006
    config: Config = None,
    infer_keys: InferKeys = False,
    schema: Schemas = [],  # noqa: B006
    exclude_schema: ExcludeSchemas = [],  # noqa: B006
    with_grants: WithGrants = False,
    seed: Seed = 0,
    engine: Engine = "forest",
    workers: Workers = 0,
    k: Entities = 5,
    unprotected: Unprotected = False,
    clean: Clean = False,
    yes: Yes = False,
    schema_only: SchemaOnly = False,
    ledger: WholeLedger = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Clone SOURCE into TARGET: fit, generate, load, and prove every constraint."""
    from dbclone.cloning import clone

    options = CloneOptions(
        plan_options((tables, exclude), (schema, exclude_schema), config, infer_keys, with_grants),
        FitOptions(engine, seed, workers, kept_by(k, unprotected)),
        GenerateOptions(scale, _sizes(rows), seed),
        clean,
        schema_only,
    )
    source, target = asked(source, target)
    _confirm_clean(target, clean, yes)
    with shown_progress(quiet, compiles=True) as progress:
        summary = clone(source, target, options, progress)
    _show_summary(summary, quiet, json, ledger)


@app.command()
@explained
def fit(
    source: Source,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL", help="The model file to write.")],
    tables: Tables = [],  # noqa: B006
    exclude: Exclude = [],  # noqa: B006
    config: Config = None,
    infer_keys: InferKeys = False,
    schema: Schemas = [],  # noqa: B006
    exclude_schema: ExcludeSchemas = [],  # noqa: B006
    with_grants: WithGrants = False,
    seed: Seed = 0,
    engine: Engine = "forest",
    workers: Workers = 0,
    k: Entities = 5,
    unprotected: Unprotected = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Fit a model to SOURCE: the first half of copy."""
    from dbclone.cloning import describe_model, fit_model

    chosen = plan_options((tables, exclude), (schema, exclude_schema), config, infer_keys, with_grants)
    options = CloneOptions(chosen, FitOptions(engine, seed, workers, kept_by(k, unprotected)))
    [source] = asked(source)
    with shown_progress(quiet, compiles=True) as progress:
        fit_model(source, output, options, progress)
    if json or not quiet:
        _show_model(describe_model(output), json)


@app.command()
@explained
def generate(
    model: ModelFile,
    target: Target,
    *,
    scale: Scale = 1.0,
    rows: Rows = [],  # noqa: B006
    seed: Seed = 0,
    clean: Clean = False,
    yes: Yes = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write a clone from a MODEL file: the second half of copy, without any access to the source."""
    from dbclone.cloning import generate_from

    options = CloneOptions(generate=GenerateOptions(scale, _sizes(rows), seed), clean=clean)
    [target] = asked(target)
    _confirm_clean(target, clean, yes)
    with shown_progress(quiet, compiles=True) as progress:
        summary = generate_from(model, target, options, progress)
    _show_summary(summary, quiet, json)


@app.command()
@explained
def inspect(
    database: Annotated[str, typer.Argument(metavar="URL", help=f"What is inspected: {URL}.")],
    *,
    tables: Tables = [],  # noqa: B006
    exclude: Exclude = [],  # noqa: B006
    config: Config = None,
    infer_keys: InferKeys = False,
    write_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the keys that are proposed, for --config.")
    ] = None,
    schema: Schemas = [],  # noqa: B006
    exclude_schema: ExcludeSchemas = [],  # noqa: B006
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Show tables, rows, keys, references, load order, cycles, and the kind of each column."""
    from dbclone import cloning, configuration, inspection, rendering
    from dbclone.connection import display_url

    options = plan_options((tables, exclude), (schema, exclude_schema), config, infer_keys)
    [database] = asked(database)
    with shown_progress(quiet) as progress:
        found = cloning.inspect_database(database, options, progress)
    if write_config is not None:
        configuration.save(write_config, [proposal.option for proposal in found.proposals])
    if json:
        print_json({"database": display_url(database), **inspection.inspection_document(found)})
    else:
        rendering.print_inspection(found, display_url(database), sys.stdout)


@app.command()
@explained
def plan(
    source: Source,
    *,
    tables: Tables = [],  # noqa: B006
    exclude: Exclude = [],  # noqa: B006
    schema: Schemas = [],  # noqa: B006
    exclude_schema: ExcludeSchemas = [],  # noqa: B006
    with_grants: WithGrants = False,
    ledger: WholeLedger = False,
    config: Config = None,
    infer_keys: InferKeys = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Show what a clone of SOURCE would do to each table and column; nothing is fitted."""
    from dbclone import cloning, inspection, rendering

    options = plan_options((tables, exclude), (schema, exclude_schema), config, infer_keys, with_grants)
    [source] = asked(source)
    with shown_progress(quiet) as progress:
        found = cloning.plan_clone(source, options, progress)
    if json:
        print_json(inspection.plan_document(found))
    else:
        rendering.print_plan(found, sys.stdout, ledger)


@app.command()
@explained
def check(
    target: Annotated[str, typer.Argument(help=f"What is checked: {URL}.")],
    *,
    against: Annotated[str, typer.Option(metavar="SOURCE", help="Also prove that nothing of its schema lacks.")] = "",
    config: Config = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Prove every key and constraint of TARGET again; exit code 11 if one does not hold."""
    from dbclone import cloning, rendering

    target, against = asked(target, against)
    with shown_progress(quiet) as progress:
        found = cloning.check_database(target, against or None, progress, virtual_keys(config))
    if json:
        print_json(found)
    elif not quiet:
        rendering.print_check(found, sys.stdout)
    if found.violations:
        raise typer.Exit(IntegrityError.exit_code)


app.command()(explained(cli_measures.audit))
app.command()(explained(cli_measures.compare))


@app.command()
@explained
def demo(
    *,
    folder: Annotated[Path, typer.Option(help="Where the two SQLite files are written.")] = Path("dbclone-demo"),
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Build an example shop, clone it, and show both side by side."""
    from dbclone.demo import run_demo

    with shown_progress(quiet, compiles=True) as progress:
        result = run_demo(folder, seed, progress)
    if not quiet:
        from dbclone.rendering import print_demo

        print_demo(result, sys.stdout)


@app.command()
@explained
def types(*, json: Json = False) -> None:
    """Show which types columns have in a target of another product than the source's."""
    from dbclone.dialects.type_mapping import PRODUCTS, type_table

    header = ("a column of", *PRODUCTS.values())
    if json:
        print_json([dict(zip(header, row, strict=True)) for row in type_table()])
    else:
        from dbclone.rendering import print_types

        print_types(header, type_table(), sys.stdout)


@model_app.command("show")
@explained
def model_show(model: ModelFile, *, json: Json = False) -> None:
    """Show what a MODEL file holds of each column, and what it does not hold because too few share it."""
    from dbclone.cloning import describe_model

    _show_model(describe_model(model), json)


def main() -> None:
    """The entry point of the installed command."""
    app()


def _sizes(values: list[str]) -> tuple[tuple[str, int], ...]:
    return tuple(_size(value) for value in values)


def _size(value: str) -> tuple[str, int]:
    table, equals, number = value.rpartition("=")
    if not (equals and table.strip() and number.strip().isdecimal()):
        raise UsageError(f"--rows {value}: write TABLE=N, such as customer=500.")
    return table.strip(), int(number)


def _confirm_clean(target: str, clean: bool, yes: bool) -> None:
    """Ask before anything is replaced; without a terminal to ask on, --yes has to be given."""
    if not clean or yes:
        return
    from dbclone.connection import display_url, open_target

    with open_target(target) as database:
        if database.is_empty():
            return
    shown = display_url(target)
    if not sys.stdin.isatty():
        raise UsageError(f"{shown} is not empty and --clean would replace everything in it: add --yes to allow that.")
    if not typer.confirm(f"{shown} is not empty. Replace everything in it?", err=True):
        raise TargetError("Not confirmed: nothing was changed.")


def _show_summary(summary: CloneSummary, quiet: bool, json: bool, ledger: bool = False) -> None:
    if json:
        print_json(summary)
    elif not quiet:
        from dbclone.rendering import print_summary

        print_summary(summary, sys.stdout, ledger)


def _show_model(summary: ModelSummary, json: bool) -> None:
    if json:
        from dbclone.inspection import plan_document

        about = {"file": summary.file, "engine": summary.engine, "bytes": summary.bytes}
        held = {"k": summary.k, "contents": summary.contents, "rules": summary.rules}
        print_json({**about, **held, **plan_document(summary.plan)})
    else:
        from dbclone.rendering import print_model

        print_model(summary, sys.stdout)
