"""Databases that are one file: its identity, and how a new one takes the place of an old one in a single step."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def file_identity(path: Path) -> str:
    """Device and inode, the same for every link to a file; the resolved path where there is no file yet.

    The product does not belong to it: two products that mean one file mean the same thing to overwrite.
    """
    with contextlib.suppress(OSError):
        status = path.stat()
        return f"file:{status.st_dev}:{status.st_ino}"
    return f"file:new:{path.resolve()}"


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
