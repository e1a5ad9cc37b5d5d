"""How a command fails: one sentence on stderr, an exit code, and never a data value or a password."""

from __future__ import annotations

import functools
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import ParamSpec

from dbclone.errors import INTERRUPTED, DbcloneError

TERMINATED = 143
"""Exit code after SIGTERM, by the shell's convention (128 + SIGTERM)."""

_VALUES = "values"
"""The setting of DBCLONE_DEBUG that shows whatever libraries say."""

P = ParamSpec("P")
Command = Callable[P, None]


class Terminated(KeyboardInterrupt):
    """SIGTERM: undone like Ctrl-C."""


def explaining(*passing: type[BaseException]) -> Callable[[Command[P]], Command[P]]:
    """A decorator that ends every failure of a command in one sentence and SystemExit; ``passing`` is let through."""

    def explained(command: Command[P]) -> Command[P]:
        @functools.wraps(command)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            signal.signal(signal.SIGTERM, _terminate)
            if _debugging() != _VALUES:
                warnings.simplefilter("ignore")
            try:
                command(*args, **kwargs)
            except passing:
                raise
            except BaseException as error:  # noqa: BLE001  # the last resort: nothing else may be shown
                sentence, code = _explanation(error)
                if _debugging():
                    sys.stderr.write(_trace(error))
                sys.stderr.write(f"dbclone: {sentence}\n")
                raise SystemExit(code) from None

        return run

    return explained


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _debugging() -> str:
    """What DBCLONE_DEBUG asks for: nothing (empty or 0), where errors happened, or (``values``) also their texts."""
    wanted = os.environ.get("DBCLONE_DEBUG", "")
    return "" if wanted == "0" else wanted


def _trace(error: BaseException) -> str:
    """The traceback; of errors that are not our own without their texts, which may quote rows and passwords."""
    if _debugging() == _VALUES:
        return "".join(traceback.format_exception(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    told = str(error) if isinstance(error, DbcloneError) else "(text withheld)"
    last = "".join(traceback.format_tb(error.__traceback__)) + f"{type(error).__name__}: {told}\n"
    return (_trace(before) + "\nwhich led to\n\n" if before is not None else "") + last


def _explanation(error: BaseException) -> tuple[str, int]:
    match error:
        case DbcloneError():
            return _sentence(str(error)), error.exit_code
        case Terminated():
            return "Terminated: nothing was changed.", TERMINATED
        case KeyboardInterrupt():
            return "Interrupted: nothing was changed.", INTERRUPTED
    return _unforeseen(error), 1


def _sentence(message: str) -> str:
    message = " ".join(message.split())
    return message if message.endswith((".", "?", "!")) else f"{message}."


def _unforeseen(error: BaseException) -> str:
    """What and where, but not the error's own message, which may quote a row."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f"{os.sep}dbclone{os.sep}" in f.filename]
    where = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return (
        f"Unforeseen error ({type(error).__name__}{where}); nothing was changed. "
        "Run again with DBCLONE_DEBUG=1 to see where it came from, or DBCLONE_DEBUG=values to see also what was said,"
        " which may quote data."
    )
