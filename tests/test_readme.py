"""The README is true: its commands run, its exit codes and options are those of the program."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dbclone import errors, examples
from tests.commands import dbclone

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROD, DEV = "postgresql://postgres:demo@127.0.0.1:5433/clinic", "postgresql://postgres:demo@127.0.0.1:5434/dev"


def section(title: str) -> str:
    """The text of a section up to the next one."""
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def commands(text: str) -> list[str]:
    """The lines after ``$`` in console blocks."""
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def run(command: str, folder: Path) -> None:
    program, *arguments = shlex.split(command)
    assert program == "dbclone"
    python = [sys.executable, "-c", "from dbclone.cli import main; main()", *arguments]
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(python, cwd=folder, env=path, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.slow
def test_the_commands_of_the_usage_section_run(tmp_path: Path) -> None:
    found = commands(section("Use"))
    assert len(found) >= 8
    for command in found:
        run(command, tmp_path)


@pytest.mark.slow
@pytest.mark.postgres
def test_the_commands_of_the_postgresql_section_run(tmp_path: Path, new_postgres: Callable[[], str]) -> None:
    prod, dev = new_postgres(), new_postgres()
    examples.build_postgresql("clinic", prod)
    found = commands(section("PostgreSQL, step by step"))
    assert len(found) >= 4
    for command in found:
        run(command.replace(PROD, prod).replace(DEV, dev), tmp_path)


def test_the_urls_are_those_of_the_compose_file() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert PROD in compose
    assert DEV in compose
    assert set(re.findall(r"postgresql://postgres:[^\s`]+", README)) == {PROD, DEV}


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"^make (\w+)", README, re.MULTILINE))
    assert {"demo", "test"} <= named
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)


def test_the_exit_codes_are_all_there() -> None:
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.DbcloneError)]
    rows = re.findall(r"^\| (\d+(?:, \d+)*) \|", section("Use"), re.MULTILINE)
    documented = {int(code) for row in rows for code in row.split(", ")}
    assert documented == {kind.exit_code for kind in kinds} | {0, errors.INTERRUPTED, 143}


def test_every_option_that_is_named_exists() -> None:
    known = set()
    for command in ("copy", "fit", "generate", "inspect", "plan", "check", "demo"):
        known |= set(re.findall(r"--[a-z][a-z-]*", dbclone(command, "--help").out))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", " ".join(commands(README)) + section("Use")))
    assert named <= known
