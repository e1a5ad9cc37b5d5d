"""Bookings of the accounts, and what adds them up: balances, month-ends, the league table of branches, fraud alerts."""

from __future__ import annotations

import numpy as np

from .. import drawing as d  # noqa: TID252 (the name of the package differs in a wheel)
from ..drawing import Array, Columns  # noqa: TID252

MONTHS = np.arange(np.datetime64("2024-01", "M"), np.datetime64("2025-01", "M"))
MONTH_ENDS = (MONTHS + 1).astype("M8[D]") - np.timedelta64(1, "D")
KINDS = ["salary", "rent", "card", "transfer", "interest", "fee"]
HOUR = 3600


def bookings(rng: np.random.Generator, account: dict[str, Array], merchants: int, tables: dict[str, Columns]) -> None:
    """All bookings in order of account and time, each with the balance after it."""
    group = _merchants(rng, merchants, tables)
    parts = [
        _salaries(rng, account),
        _rents(rng, account),
        _cards(rng, account, group),
        _transfers(rng, account),
        _interest(account),
        _fees(account),
    ]
    of, at, cents = (np.concatenate([part[i] for part in parts]) for i in range(3))
    kind = np.repeat(np.arange(len(KINDS)), [len(part[0]) for part in parts])
    partner = np.concatenate([part[3] for part in parts])
    keep = (
        (at >= np.maximum(account["opened"] + 1, MONTHS[0].astype("M8[D]"))[of])
        & ~(at.astype("M8[D]") > account["closed"][of])
        & (cents != 0)
    )
    of, at, cents, kind, partner = (x[keep] for x in (of, at, cents, kind, partner))
    order = np.lexsort((kind, at, of))
    of, at, cents, kind, partner = (x[order] for x in (of, at, cents, kind, partner))
    counts = np.bincount(of, minlength=len(account["kind"]))
    after = account["opening"][of] + d.running(cents, counts)
    iban = account["iban"][np.maximum(partner, 0)]
    tables["transaction"] = d.table(
        account_id=of + 1,
        seq=d.position(counts) + 1,
        booked_at=at,
        kind=np.array(KINDS)[kind],
        amount=cents / 100,
        currency=account["currency"][of],
        balance_after=after / 100,
        merchant_id=d.known(partner + 1, kind == KINDS.index("card")),
        counterparty_iban=d.known(iban, (kind == KINDS.index("transfer")) & (partner >= 0)),
    )
    _account_table(account, of, at, cents, tables)
    _months(account, of, at, cents, tables)
    _league(account, of, at, cents, tables)
    _alerts(rng, of, d.position(counts) + 1, cents, kind, tables)


Part = tuple[Array, Array, Array, Array]
"""Per booking: account, moment, amount in cents, merchant or counterparty (-1: none)."""


def _merchants(rng: np.random.Generator, n: int, tables: dict[str, Columns]) -> Array:
    """Merchants and their group of categories."""
    which = d.skewed(rng, len(tables["merchant_category"]["mcc"]), n, 0.3)
    _, last = d.people(rng, n)
    trade = d.choose(rng, ["& Sons", "Market", "Trading", "Express", "House"], [1, 2, 1, 1, 1], n)
    names = [f"{a} {b}" for a, b in zip(last, trade, strict=True)]
    sites = [f"https://www.{a}.example.com" for a in np.char.lower(last)]
    tables["merchant"] = d.table(
        id=np.arange(1, n + 1),
        name=names,
        mcc=[tables["merchant_category"]["mcc"][i] for i in which],
        website=d.known(sites, rng.random(n) < 0.6),
    )
    return np.array([str(tables["merchant_category"]["group"][i]) for i in which])


def _monthly(rows: Array, moments: Array) -> tuple[Array, Array]:
    """Every account of ``rows`` at every one of the twelve moments."""
    return np.repeat(rows, len(moments)), np.tile(moments.astype("M8[s]"), len(rows))


def _salaries(rng: np.random.Generator, account: dict[str, Array]) -> Part:
    """The same amount on the 27th of each month: a twelfth of the holder's income."""
    rows = np.flatnonzero((account["kind"] == "current") & (account["income"] > 0))
    of, at = _monthly(rows, MONTHS.astype("M8[D]") + 26)
    cents = np.rint(account["income"] * 100 / 12).astype(int)[of]
    return of, at + d.seconds(np.full(len(of), 9 * HOUR)), cents, np.full(len(of), -1)


def _rents(rng: np.random.Generator, account: dict[str, Array]) -> Part:
    """A fixed amount on the first of the month, for two in three current accounts."""
    rows = np.flatnonzero((account["kind"] == "current") & (rng.random(len(account["kind"])) < 0.65))
    fixed = np.rint((300 + account["income"] * 0.22 / 12) / 10).astype(int) * 1000
    of, at = _monthly(rows, MONTHS.astype("M8[D]"))
    return of, at + d.seconds(np.full(len(of), 8 * HOUR)), -fixed[of], np.full(len(of), -1)


def _cards(rng: np.random.Generator, account: dict[str, Array], group: Array) -> Part:
    """Business accounts pay suppliers and travel, others food and household; amounts have a long tail."""
    wanted = rng.poisson(d.lookup({"current": 28, "savings": 0, "business": 22}, account["kind"]))
    of = np.repeat(np.arange(len(wanted)), wanted)
    groups = ["Food", "Travel", "Household", "Supplies"]
    target = d.choose_by(
        rng,
        groups,
        {"current": [6, 2, 3, 0.2], "business": [1, 3, 0.5, 7], "savings": [1, 1, 1, 1]},
        account["kind"][of],
    )
    merchant = np.zeros(len(of), dtype=int)
    for name in groups:
        pool, rows = np.flatnonzero(group == name), np.flatnonzero(target == name)
        pool = pool if len(pool) else np.arange(len(group))
        merchant[rows] = pool[d.skewed(rng, len(pool), len(rows), 0.9)]
    mean = d.lookup({"Food": 3.2, "Travel": 4.4, "Household": 3.9, "Supplies": 5.6}, target)
    cents = -np.rint(np.exp(rng.normal(mean, 0.8)) * 100).astype(int)
    at = np.datetime64("2024-01-01", "s") + d.seconds(
        rng.integers(0, 366, len(of)) * 86400 + rng.normal(14 * HOUR, 3 * HOUR, len(of)).clip(0, 86399)
    )
    return of, at, cents, merchant


def _transfers(rng: np.random.Generator, account: dict[str, Array]) -> Part:
    """To accounts of this bank (known) or elsewhere (unknown: far more often for business accounts), round amounts."""
    n = len(account["kind"])
    wanted = rng.poisson(d.lookup({"current": 5, "savings": 4, "business": 9}, account["kind"]))
    of = np.repeat(np.arange(n), wanted)
    partner = (of + rng.integers(1, n, len(of))) % n
    unknown = rng.random(len(of)) < d.lookup({"current": 0.3, "savings": 0.1, "business": 0.8}, account["kind"][of])
    amount = rng.choice([20, 50, 100, 200, 500, 1000], len(of), p=[0.2, 0.25, 0.25, 0.15, 0.1, 0.05]) * 100
    sign = np.where(
        rng.random(len(of)) < d.lookup({"current": 0.3, "savings": 0.8, "business": 0.6}, account["kind"][of]), 1, -1
    )
    at = np.datetime64("2024-01-01", "s") + d.seconds(rng.integers(0, 366 * 86400, len(of)))
    return of, at, amount * sign, np.where(unknown, -1, partner)


def _interest(account: dict[str, Array]) -> Part:
    """Savings earn interest at the end of each quarter."""
    rows = np.flatnonzero(account["kind"] == "savings")
    of, at = _monthly(rows, MONTH_ENDS[2::3])
    return (
        of,
        at + d.seconds(np.full(len(of), 22 * HOUR)),
        np.maximum(1, account["opening"][of] // 160),
        np.full(len(of), -1),
    )


def _fees(account: dict[str, Array]) -> Part:
    """4.50 a month for current accounts, 12.00 for business, nothing for savings; at the end of the month."""
    rows = np.flatnonzero(account["kind"] != "savings")
    of, at = _monthly(rows, MONTH_ENDS)
    cents = d.lookup({"current": -450, "business": -1200}, account["kind"][of]).astype(int)
    return of, at + d.seconds(np.full(len(of), 23 * HOUR)), cents, np.full(len(of), -1)


def _account_table(account: dict[str, Array], of: Array, at: Array, cents: Array, tables: dict[str, Columns]) -> None:
    """Balance, count and last booking follow from the bookings."""
    n = len(account["kind"])
    last = np.full(n, np.datetime64("NaT", "s"))
    last[of] = at  # bookings stand in time order: the last one wins
    account["balance"] = account["opening"] + np.bincount(of, weights=cents, minlength=n).astype(int)
    limit = np.rint(np.maximum(account["income"] / 12, 500) / 100) * 100
    is_open = np.isnat(account["closed"])
    tables["account"] = d.table(
        id=np.arange(1, n + 1),
        iban=account["iban"],
        branch_id=account["branch"],
        kind=account["kind"],
        currency=account["currency"],
        opened_on=account["opened"],
        status=np.where(is_open, "open", "closed"),
        closed_on=account["closed"],
        overdraft_limit=d.known(limit, account["limit"]),
        opening_balance=account["opening"] / 100,
        balance=account["balance"] / 100,
        transaction_count=np.bincount(of, minlength=n),
        last_booked_at=last,
    )


def _months(account: dict[str, Array], of: Array, at: Array, cents: Array, tables: dict[str, Columns]) -> None:
    """A regular panel: each account at every month-end while it is open; opening + in − out = closing."""
    n, k = len(account["kind"]), len(MONTHS)
    cell = of * k + (at.astype("M8[M]") - MONTHS[0]).astype(int)
    inflow = np.bincount(cell, weights=np.maximum(cents, 0), minlength=n * k).astype(int).reshape(n, k)
    outflow = np.bincount(cell, weights=np.maximum(-cents, 0), minlength=n * k).astype(int).reshape(n, k)
    closing = account["opening"][:, None] + np.cumsum(inflow - outflow, axis=1)
    opening = closing - inflow + outflow
    ends = np.where(np.isnat(account["closed"]), MONTH_ENDS[-1], account["closed"]).astype("M8[M]")
    row, month = np.nonzero((account["opened"].astype("M8[M]")[:, None] <= MONTHS) & (ends[:, None] >= MONTHS))
    tables["account_month"] = d.table(
        account_id=row + 1,
        month_end=MONTH_ENDS[month],
        opening=opening[row, month] / 100,
        inflow=inflow[row, month] / 100,
        outflow=outflow[row, month] / 100,
        closing=closing[row, month] / 100,
    )


def _league(account: dict[str, Array], of: Array, at: Array, cents: Array, tables: dict[str, Columns]) -> None:
    """Branches ranked by the turnover of their accounts, per quarter."""
    branches = np.array([i for i, level in enumerate(tables["branch"]["level"]) if level == "branch"])
    quarter = (at.astype("M8[M]") - MONTHS[0]).astype(int) // 3
    size = int(branches.max()) + 1
    volume = (
        np.bincount(quarter * size + account["branch"][of] - 1, weights=np.abs(cents), minlength=4 * size)
        .astype(int)
        .reshape(4, size)[:, branches]
    )
    rank = np.argsort(np.argsort(-volume, axis=1, kind="stable"), axis=1, kind="stable") + 1
    tables["league_table"] = {
        "quarter_end": d.plain(np.repeat(MONTH_ENDS[2::3], len(branches))),
        "branch_id": d.plain(np.tile(branches + 1, 4)),
        "volume": d.plain(volume.ravel() / 100),
        "Rank": d.plain(rank.ravel()),
    }


def _alerts(
    rng: np.random.Generator, of: Array, seq: Array, cents: Array, kind: Array, tables: dict[str, Columns]
) -> None:
    """Large card payments are looked at; the score has two modes and decides whether fraud was confirmed."""
    chosen = np.flatnonzero(
        (kind == KINDS.index("card")) & (rng.random(len(of)) < np.where(cents < -20000, 0.35, 0.02))
    )
    bad = rng.random(len(chosen)) < 0.3
    score = np.where(bad, rng.beta(30, 4, len(chosen)), rng.beta(4, 30, len(chosen))).round(3)
    tables["fraud_alert"] = d.table(
        account_id=of[chosen] + 1,
        seq=seq[chosen],
        score=score,
        is_confirmed=d.known(score > 0.5, rng.random(len(chosen)) < 0.8),
    )
