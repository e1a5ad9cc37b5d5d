"""Where compiled functions are kept: known without numba, so that the command line can look there before it compiles.

There is a folder for each state of all sources: numba compares a cached function with the file of that function only,
so that after an upgrade it would run a kernel together with the old form of what the kernel calls.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def kernel_folder(named: str) -> Path:
    """These sources' folder, whether it is there or not: below ``named`` (NUMBA_CACHE_DIR) if that is not empty, else
    in the user's cache folder.  RuntimeError if there is no home."""
    users = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(named or Path(users) / "dbclone") / f"kernels-{_fingerprint()}"


def _fingerprint() -> str:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]
