"""Decorators of compiled functions.

``kernel`` may be called from Python.  ``inner`` may only be called from compiled code: it is compiled without the
wrappers for Python, which take longer to compile than the functions themselves.  What is compiled is kept on disk (see
``kernel_folder``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import njit

from dbclone.models.kernel_folder import kernel_folder

Compiled = Callable[..., Any]

config: Any = numba.config
"""numba's settings: a module that makes its names when it is imported, so that no type checker sees them."""


def kernel(function: Compiled) -> Compiled:
    """Compile on first use, remember on disk, run without the interpreter's lock."""
    return _compiled(function, nogil=True)


def inner(function: Compiled) -> Compiled:
    """Like ``kernel``, for functions that only compiled code calls."""
    return _compiled(function, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def _compiled(function: Compiled, **options: Any) -> Compiled:
    folder, before = cache_folder(), config.CACHE_DIR
    if folder is None:
        made: Compiled = njit(**options)(function)
        return made
    config.CACHE_DIR = str(folder)
    try:
        made = njit(cache=True, **options)(function)
    finally:
        config.CACHE_DIR = before  # other users of numba in this process keep their own
    return made


@cache
def cache_folder() -> Path | None:
    """Where these sources' kernels are kept; None if it cannot be written: then every process compiles anew."""
    try:
        folder = kernel_folder(config.CACHE_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):
        return None
    return folder
