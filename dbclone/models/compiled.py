"""Decorators of compiled functions.

``kernel`` may be called from Python.  ``inner`` may only be called from compiled code: it is compiled without the
wrappers for Python, which take longer to compile than the functions themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

Compiled = Callable[..., Any]


def kernel(function: Compiled) -> Compiled:
    """Compile on first use, remember on disk, run without the interpreter's lock."""
    made: Compiled = njit(cache=True, nogil=True)(function)
    return made


def inner(function: Compiled) -> Compiled:
    """Like ``kernel``, for functions that only compiled code calls."""
    options: dict[str, Any] = {"cache": True, "nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    made: Compiled = njit(**options)(function)
    return made
