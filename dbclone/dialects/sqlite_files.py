"""SQLite files as such: their URIs, and what SQLite means when it complains."""

from __future__ import annotations

import re
from pathlib import Path

from dbclone.dialects.adbc import ArrowConnection


def file_uri(path: Path, mode: str) -> str:
    """SQLite's URI of a file, opened 'ro', 'rw' or 'rwc'."""
    escaped = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{escaped}?mode={mode}"


def arrow_connection(uri: str) -> ArrowConnection:
    """An Arrow connection to a SQLite file."""
    import adbc_driver_sqlite

    return ArrowConnection(adbc_driver_sqlite.connect(uri))


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
