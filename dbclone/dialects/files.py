"""Databases that are one file: which one it is."""

from __future__ import annotations

import contextlib
from pathlib import Path


def file_identity(path: Path) -> str:
    """Device and inode, the same for every link to a file; the resolved path where there is no file yet.

    The product does not belong to it: two products that mean one file mean the same thing to overwrite.
    """
    with contextlib.suppress(OSError):
        status = path.stat()
        return f"file:{status.st_dev}:{status.st_ino}"
    return f"file:new:{path.resolve()}"
