"""Running the command line as a user would: within this process where that is enough, else as a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from typer.testing import CliRunner

from dbclone.cli import app
from tests import hand_made


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What a failed command said last: one line after ``dbclone:``."""
        said = [line for line in self.err.splitlines() if line.startswith("dbclone: ")]
        assert len(said) == 1, self.err
        return said[0].removeprefix("dbclone: ")


def dbclone(*arguments: object) -> Outcome:
    """Run a command within this process; standard input is no terminal."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        result = CliRunner().invoke(app, [str(a) for a in arguments])
    finally:
        signal.signal(signal.SIGTERM, handler)
    return Outcome(result.exit_code, result.stdout, result.stderr)


RUN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job would ignore
from dbclone.cli import main
main()
"""


def start(*arguments: object, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    """Start a command as a process of its own."""
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    variables = {**os.environ, **(env or {})}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)


def finished(process: "subprocess.Popen[str]", seconds: float = 60) -> Outcome:
    out, err = process.communicate(timeout=seconds)
    return Outcome(process.returncode, out, err)


SHOP = """
CREATE TABLE status (code TEXT PRIMARY KEY, label TEXT NOT NULL UNIQUE);
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, city TEXT);
CREATE TABLE purchase (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customer (id),
  status TEXT NOT NULL REFERENCES status (code),
  voucher_id INTEGER REFERENCES voucher (id),
  amount NUMERIC CHECK (amount >= 0),
  at DATE
);
CREATE TABLE voucher (id INTEGER PRIMARY KEY, percent INTEGER);
"""

CUSTOMERS, PURCHASES = 60, 300


def small_shop(path: Path) -> Path:
    """Four tables: a reference table, persons with purchases, and vouchers that some purchases used."""
    cities = ("Bonn", "Kiel", "Ulm")
    states = ("new", "paid", "sent", "back")
    rows = {
        "status": [(code, f"is {code}") for code in states],
        "voucher": [(i, 5 * (i % 4 + 1)) for i in range(1, 21)],
        "customer": [(i, f"Ann{i} Lee{i}", f"ann{i}@mail.test", cities[i * i % 3]) for i in range(1, CUSTOMERS + 1)],
        "purchase": [
            (
                i,
                i * 37 % CUSTOMERS + 1,
                states[i * i % 4],
                i % 20 + 1 if i % 3 else None,
                i * 7919 % 9973 / 100,
                _day(i),
            )
            for i in range(1, PURCHASES + 1)
        ],
    }
    return hand_made.build(path, SHOP, rows)


def _day(i: int) -> str:
    return f"2024-{i % 12 + 1:02}-{i * 7 % 28 + 1:02}"


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
