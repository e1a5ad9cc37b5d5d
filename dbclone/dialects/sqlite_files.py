"""SQLite files as such: identity, URIs, permissions, and what SQLite means when it complains."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path

from dbclone.dialects.adbc import ArrowConnection


def file_identity(path: Path) -> str:
    """Device and inode, the same for every link to a file; the resolved path where there is no file yet."""
    with contextlib.suppress(OSError):
        status = path.stat()
        return f"sqlite:{status.st_dev}:{status.st_ino}"
    return f"sqlite:new:{path.resolve()}"


def file_uri(path: Path, mode: str) -> str:
    """SQLite's URI of a file, opened 'ro', 'rw' or 'rwc'."""
    escaped = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{escaped}?mode={mode}"


def arrow_connection(uri: str) -> ArrowConnection:
    """An Arrow connection to a SQLite file."""
    import adbc_driver_sqlite

    return ArrowConnection(adbc_driver_sqlite.connect(uri))


def new_file_beside(path: Path) -> Path:
    """An empty file readable by its owner only, in the same directory, so that a rename suffices."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".dbclone", dir=path.parent)
    os.close(handle)
    return Path(name)


def usual_mode() -> int:
    """The permissions that a new file gets from the process's umask."""
    current = os.umask(0o077)
    os.umask(current)
    return 0o666 & ~current


def flush(path: Path) -> None:
    """Bring the file to disk before its name changes, so that a power cut leaves the old or the new one."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


_REASONS = (
    ("not a database", "it is not a SQLite database"),
    ("malformed", "the file is damaged"),
    ("locked", "another program has locked it"),
    ("disk is full", "database or disk is full"),
    ("no space", "database or disk is full"),
    ("disk i/o", "disk error, or no space left"),
    ("unable to open", "the file cannot be opened"),
    ("permission denied", "permission denied"),
    ("readonly", "it is read-only"),
    ("too big", "a value or the file is too big"),
)


def reason(error: Exception) -> str:
    """What SQLite or the system complains of: a known reason, or the message up to anything that could be a value."""
    text = str(error)
    known = next((words for word, words in _REASONS if word in text.lower()), None)
    return known or re.split(r"['\"\n]", text, maxsplit=1)[0].strip().rstrip(".:") or type(error).__name__
