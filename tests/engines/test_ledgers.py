"""Ledgers come out with balances that follow from their entries, however the ledger writes what an entry does."""

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import dbclone
from tests.hand_made import build

ACCOUNTS, ENTRIES = 120, 12


def signed(rng: random.Random, balance: int) -> tuple[int, tuple[object, ...]]:
    amount = rng.randint(1, 500) if rng.random() < 0.6 else -rng.randint(1, 300)
    return balance + amount, (amount, "x", 0)


def with_kind(rng: random.Random, balance: int) -> tuple[int, tuple[object, ...]]:
    kind = rng.choice(["credit", "credit", "debit", "declined"])
    amount = rng.randint(1, 500)
    return balance + {"credit": amount, "debit": -amount, "declined": 0}[kind], (amount, kind, 0)


def two_columns(rng: random.Random, balance: int) -> tuple[int, tuple[object, ...]]:
    into, out = (rng.randint(1, 500), 0) if rng.random() < 0.6 else (0, rng.randint(1, 300))
    return balance + into - out, (into, "x", out)


CHECKS = {
    signed: "amount",
    with_kind: "CASE kind WHEN 'credit' THEN amount WHEN 'debit' THEN -amount ELSE 0 END",
    two_columns: "amount - taken",
}


@pytest.mark.parametrize("begins", ["at nothing", "with the account", "before the table"])
@pytest.mark.parametrize("write", CHECKS, ids=lambda write: write.__name__)
def test_balances_follow_from_entries(
    tmp_path: Path, write: Callable[..., tuple[int, tuple[object, ...]]], begins: str
) -> None:
    rng = random.Random(5)
    accounts, entries = [], []
    for account in range(1, ACCOUNTS + 1):
        opening = 0 if begins == "at nothing" else rng.randint(100, 90_000)
        accounts.append((account, opening if begins == "with the account" else rng.randint(100, 90_000)))
        balance = opening
        for n in range(1, rng.randint(2, 2 * ENTRIES) + 1):
            balance, (amount, kind, taken) = write(rng, balance)
            entries.append((account, n, amount, kind, taken, balance))
    source = build(
        tmp_path / "ledger.sqlite",
        """CREATE TABLE account (id INTEGER PRIMARY KEY, opening INTEGER NOT NULL);
        CREATE TABLE entry (account_id INTEGER NOT NULL REFERENCES account, n INTEGER NOT NULL, amount INTEGER NOT NULL,
        kind TEXT NOT NULL, taken INTEGER NOT NULL, balance INTEGER NOT NULL, PRIMARY KEY (account_id, n))""",
        {"account": accounts, "entry": entries},
    )
    target = tmp_path / "clone.sqlite"
    assert dbclone("copy", source, target, "--quiet").code == 0
    followed = f"""SELECT count(*), sum(b.balance = a.balance + {CHECKS[write]})
        FROM entry AS b JOIN entry AS a ON a.account_id = b.account_id AND a.n = b.n - 1""".replace(
        "amount", "b.amount"
    )
    followed = followed.replace("taken", "b.taken").replace("kind", "b.kind")
    steps, right = sqlite3.connect(target).execute(followed).fetchone()
    assert steps > 0.5 * len(entries)
    assert right == steps
    real, made = (spread(path) for path in (source, target))
    assert 0.7 * real < made < 1.4 * real


def spread(path: Path) -> float:
    """Between the lowest and the highest tenth of the balances."""
    found = sorted(row[0] for row in sqlite3.connect(path).execute("SELECT balance FROM entry"))
    return float(found[len(found) * 9 // 10] - found[len(found) // 10])
