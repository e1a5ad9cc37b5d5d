"""Files that are built out of sight and put in place whole.

What is not yet finished is private (0700 and 0600), gone when the process ends in whatever way it can notice, and after
a kill that it cannot, gone when the next one builds the same file.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_SUFFIX = ".dbclone"


class Workshop:
    """A folder beside a file, in which the file that will take its place is built.

    Its lock lasts as long as this process: a folder without one was left by a run that was killed.  The folder is
    locked and not the file, because on some systems databases' own locks on the file would collide with it.
    """

    def __init__(self, path: Path) -> None:
        """Remove what killed runs have left for this file, and make a folder; OSError if there can be none."""
        _sweep(path)
        self._folder, self._lock = _locked_folder(path)
        self.file = self._folder / path.name
        os.close(os.open(self.file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

    def close(self) -> None:
        """Remove the folder with all that is in it; a second call does nothing."""
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextlib.contextmanager
def nameless_file(data: bytes | memoryview) -> Iterator[str]:
    """A path under which this process alone finds ``data``: of a file without a name, so that no kill leaves one.

    Where the system has no such paths, of a private file that is removed at the end.
    """
    if os.path.exists("/dev/fd"):  # noqa: PTH110  # Path.exists would follow it to the process's own folder
        with tempfile.TemporaryFile() as nameless:
            nameless.write(data)
            nameless.flush()
            nameless.seek(0)  # where opening the path only doubles the handle, reading begins where that stands
            yield f"/dev/fd/{nameless.fileno()}"
        return
    with tempfile.NamedTemporaryFile(prefix="dbclone-") as named:
        named.write(data)
        named.flush()
        yield named.name


def flush(path: Path) -> None:
    """Bring the file to disk before its name changes, so that a power cut leaves the old or the new one."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def usual_mode() -> int:
    """The permissions that a new file gets from the process's umask."""
    current = os.umask(0o077)
    os.umask(current)
    return 0o666 & ~current


def _locked_folder(path: Path) -> tuple[Path, int | None]:
    """A new folder and the handle that locks it, on disks that have such locks; None where the system has none."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=_SUFFIX, dir=path.parent))
        handle = _handle(folder)
        if handle is None:
            return folder, None
        _locked(handle, wait=True)
        if folder.exists():
            return folder, handle
        os.close(handle)  # another run took it for left behind, in the moment before it was locked


def _sweep(path: Path) -> None:
    """Remove the user's own folders for this file that no process holds."""
    with contextlib.suppress(OSError):
        beside = [f for f in path.parent.iterdir() if f.name.startswith(f".{path.name}.") and f.suffix == _SUFFIX]
        for folder in beside:
            handle = _handle(folder)
            if handle is not None:
                if os.fstat(handle).st_uid == os.getuid() and _locked(handle, wait=False):
                    shutil.rmtree(folder, ignore_errors=True)
                os.close(handle)


def _handle(folder: Path) -> int | None:
    """A handle of a folder, of a link or of anything else none."""
    if sys.platform == "win32":
        return None
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None


def _locked(handle: int, wait: bool) -> bool:
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True
