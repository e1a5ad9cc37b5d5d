"""Options that several commands share, and what they do with them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from dbclone.options import PlanOptions, VirtualKey

if TYPE_CHECKING:
    from dbclone.abc import Progress

URL = "database URL (postgresql://USER@HOST/DB, mysql://USER@HOST/DB, sqlite:///FILE) or the path of a SQLite file"
Source = Annotated[str, typer.Argument(help=f"What is cloned: {URL}.")]
Tables = Annotated[
    list[str], typer.Option("--tables", metavar="GLOB", help="Only these tables: globs, repeated or comma-separated.")
]
Exclude = Annotated[
    list[str], typer.Option("--exclude", metavar="GLOB", help="All but these tables: globs, as for --tables.")
]
Schemas = Annotated[
    list[str], typer.Option("--schema", metavar="GLOB", help="Only these schemas: globs, as for --tables.")
]
ExcludeSchemas = Annotated[
    list[str], typer.Option("--exclude-schema", metavar="GLOB", help="All but these schemas: globs, as for --tables.")
]
WithGrants = Annotated[
    bool, typer.Option("--with-grants", help="Owners and grants too, of those roles that the target's server has.")
]
Engine = Annotated[
    str, typer.Option("--engine", metavar="NAME", help="What learns the data: forest, or hma (needs the extra 'sdv').")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="The same seed gives the same clone.")]
Entities = Annotated[
    int, typer.Option("--k", metavar="K", min=2, help="What fewer than K entities hold stays in the source.")
]
Unprotected = Annotated[
    bool, typer.Option("--unprotected", help="Let rare values of the source through: for measuring only.")
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Foreign keys that the database does not declare, in a TOML file."),
]
InferKeys = Annotated[
    bool, typer.Option("--infer-keys", help="Take the foreign keys that the data suggest (see inspect).")
]
Workers = Annotated[int, typer.Option("--workers", metavar="N", min=0, help="Threads for fitting; 0: one per core.")]
WholeLedger = Annotated[
    bool, typer.Option("--ledger", help="One line for each thing that SOURCE holds: what becomes of it, and why.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary; only errors.")]
Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]


@contextmanager
def shown_progress(quiet: bool, *, compiles: bool = False) -> Iterator[Progress]:
    """Progress on stderr, unless asked to be quiet; ``compiles`` says that the command needs compiled kernels."""
    from dbclone.progress import open_progress

    if compiles and not quiet and not _is_compiled():
        typer.echo("first run: compiling takes a minute or two, once", err=True)
    with open_progress(sys.stderr, quiet) as progress:
        yield progress


def asked(*urls: str) -> tuple[str, ...]:
    """The URLs, with the passwords that their servers want and nothing else gives, asked for at the terminal."""
    return tuple(_asked(url) for url in urls)


def _asked(url: str) -> str:
    if "://" not in url or not sys.stdin.isatty():
        return url
    from getpass import getpass

    from dbclone.connection import asks_for_password, display_url, with_password

    return with_password(url, getpass(f"Password for {display_url(url)}: ")) if asks_for_password(url) else url


def _is_compiled() -> bool:
    """Whether anything of these sources has been compiled and kept."""
    from dbclone.models.kernel_folder import kernel_folder

    try:
        return any(kernel_folder(os.environ.get("NUMBA_CACHE_DIR", "")).rglob("*.nbi"))
    except RuntimeError:  # no home: nothing is kept, and no run is the first
        return True


def globs(values: list[str]) -> tuple[str, ...]:
    """The patterns of an option that is repeated or comma-separated."""
    return tuple(glob.strip() for value in values for glob in value.split(",") if glob.strip())


Chosen: TypeAlias = tuple[list[str], list[str]]
"""Globs of what to take (all, if there are none) and of what to leave out of it."""


def plan_options(
    tables: Chosen, schemas: Chosen, config: Path | None, infer_keys: bool, with_grants: bool = False
) -> PlanOptions:
    """What the options say about the plan."""
    chosen = PlanOptions(globs(tables[0]), globs(tables[1]), virtual_keys(config), infer_keys)
    return replace(chosen, schemas=globs(schemas[0]), exclude_schemas=globs(schemas[1]), with_grants=with_grants)


def virtual_keys(config: Path | None) -> tuple[VirtualKey, ...]:
    """The keys of the configuration file, if one is named."""
    if config is None:
        return ()
    from dbclone.configuration import load

    return load(config)


def print_json(value: object) -> None:
    """A result as JSON on stdout."""
    from dbclone.report import as_json

    typer.echo(as_json(value))


def kept_by(k: int, unprotected: bool) -> int:
    """How many entities must hold what is kept; where that is any, stderr says so, however quiet the command is."""
    if unprotected or k <= 1:
        from dbclone.findings import UNPROTECTED

        typer.echo(f"dbclone: {UNPROTECTED.message}", err=True)
    return 0 if unprotected else k
