"""Where the real databases are that some tests need, and how to get at them without ever writing to them."""

import gzip
import os
import shutil
from pathlib import Path

import pytest

from dbclone.connection import open_source
from dbclone.halving import Tables
from dbclone.schema import Schema

ROOT = Path(__file__).parent.parent
SQLITE_SETS = (
    "biodegradability", "chinook", "completejourney", "movielens100k", "nafld", "rossmann", "synthea27nj",
)  # fmt: skip


def folder() -> Path:
    """The folder named by DBCLONE_TEST_DATA, else ``../shared/data`` beside the repository."""
    return Path(os.environ.get("DBCLONE_TEST_DATA", ROOT.parent / "shared" / "data"))


def copy_of(name: str, into: Path) -> Path:
    """An unpacked copy of the SQLite database of that name; skips the test if there is none."""
    packed = folder() / f"{name}.sqlite.gz"
    if not packed.exists():
        pytest.skip(f"real data absent: no {packed.name} in {folder()} (set DBCLONE_TEST_DATA)")
    target = into / f"{name}.sqlite"
    with gzip.open(packed) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)
    return target


def read_all(path: Path) -> tuple[Schema, Tables]:
    """The schema of a SQLite database, and all rows of all tables."""
    with open_source(str(path)) as source:
        schema = source.reflect()
        return schema, {t.name: source.read(t) for t in schema.tables}
