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
            if not _debugging():
                warnings.simplefilter("ignore")
            try:
                command(*args, **kwargs)
            except passing:
                raise
            except BaseException as error:  # noqa: BLE001  # the last resort: nothing else may be shown
                sentence, code = _explanation(error)
                if _debugging():
                    traceback.print_exc()
                sys.stderr.write(f"dbclone: {sentence}\n")
                raise SystemExit(code) from None

        return run

    return explained


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _debugging() -> bool:
    return os.environ.get("DBCLONE_DEBUG", "") not in {"", "0"}


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
        "Run again with DBCLONE_DEBUG=1 to see more; that output may hold data values."
    )
