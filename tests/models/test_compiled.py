"""Kernels are kept on disk per state of the sources, and do without a disk where there is none to write to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dbclone.models import kernel_folder

PROGRAM = """
from dbclone.models.compiled import cache_folder, kernel

@kernel
def successor(number):
    return number + 1

print(cache_folder(), successor(1))
"""


def in_another_process(folder: Path, **environment: str) -> str:
    program = folder / "program.py"
    program.write_text(PROGRAM)
    path = os.pathsep.join(filter(None, sys.path))
    run = subprocess.run(
        [sys.executable, program], env={"PYTHONPATH": path, **environment}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_the_folder_names_the_state_of_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_folder, "__file__", str(tmp_path / "kernel_folder.py"))
    (tmp_path / "kernels.py").write_text("old = 1")
    old = kernel_folder._fingerprint()
    (tmp_path / "kernels.py").write_text("new = 1")
    assert kernel_folder._fingerprint() != old


def test_kernels_go_to_the_users_cache_folder(tmp_path: Path) -> None:
    folder = tmp_path / ".cache" / "dbclone" / f"kernels-{kernel_folder._fingerprint()}"
    assert in_another_process(tmp_path, HOME=str(tmp_path)) == f"{folder} 2"
    assert list(folder.rglob("*.nbi"))


def test_a_folder_chosen_for_numba_is_used(tmp_path: Path) -> None:
    assert in_another_process(tmp_path, NUMBA_CACHE_DIR=str(tmp_path)).startswith(str(tmp_path))


def test_without_a_writable_folder_kernels_are_compiled_each_time(tmp_path: Path) -> None:
    assert in_another_process(tmp_path, HOME="/proc/none", XDG_CACHE_HOME="/proc/none") == "None 2"
