"""Loans and their instalments: who pays late depends on the borrower's grade, two levels up."""

from __future__ import annotations

import numpy as np

from .. import drawing as d  # noqa: TID252 (the name of the package differs in a wheel)
from ..drawing import Array, Columns, Value  # noqa: TID252

TODAY = np.datetime64("2024-12-31", "D")
PURPOSES = ["car", "home", "consumer"]
LATE = [0.02, 0.05, 0.12, 0.3, 0.55]
"""Probability that an instalment is late, by grade."""


def loans(
    rng: np.random.Generator, customer: dict[str, Array], account: dict[str, Array], n: int, tables: dict[str, Columns]
) -> None:
    """Loans of holders of current and business accounts; the worse the grade, the higher the rate."""
    pool = np.flatnonzero(account["kind"] != "savings")
    of = pool[rng.integers(0, len(pool), n)]
    who = account["owner"][of]
    grade = customer["grade"][who]
    purpose = np.where(
        account["kind"][of] == "business", d.choose(rng, PURPOSES, [5, 3, 1], n), d.choose(rng, PURPOSES, [2, 2, 5], n)
    )
    principal = (
        np.rint(np.exp(rng.normal(d.lookup({"car": 9.6, "home": 11.6, "consumer": 8.3}, purpose), 0.4)) / 100).astype(
            int
        )
        * 100
    )
    term = np.where(purpose == "home", rng.choice([120, 180, 240], n), rng.choice([12, 24, 36, 48], n))
    rate = np.round(np.where(purpose == "home", 3.0, 5.0) + 1.1 * grade + rng.choice([0, 0.25, 0.5], n), 2)
    started = np.maximum(
        account["opened"][of] + np.timedelta64(20, "D"),
        np.datetime64("2021-01-01") + rng.integers(0, 1300, n).astype("timedelta64[D]"),
    )
    started = (started.astype("M8[M]") + 1).astype("M8[D]") + rng.choice([0, 14], n)
    remaining = _payments(rng, principal * 100, rate, term, started, grade, tables)
    collateral: list[Value] = [f"{p} title {k}" for p, k in zip(purpose, rng.integers(10**5, 10**6, n), strict=True)]
    tables["loan"] = d.table(
        id=np.arange(1, n + 1),
        account_id=of + 1,
        customer_id=who + 1,
        purpose=purpose,
        principal=principal,
        yearly_rate=rate,
        term_months=term,
        started_on=started,
        collateral=d.known(collateral, purpose != "consumer"),
        remaining=remaining / 100,
    )


def _payments(
    rng: np.random.Generator,
    cents: Array,
    rate: Array,
    term: Array,
    started: Array,
    grade: Array,
    tables: dict[str, Columns],
) -> Array:
    """Monthly instalments up to today: interest on what remains, the rest repays; returns what remains of each loan."""
    columns: dict[str, list[Value]] = {
        name: []
        for name in (
            "loan_id",
            "payment_no",
            "due_on",
            "interest_part",
            "principal_part",
            "total",
            "remaining",
            "days_late",
            "paid_on",
        )
    }
    left = cents.copy()
    for i in range(len(cents)):
        monthly = rate[i] / 1200
        instalment = round(int(cents[i]) * monthly / (1 - (1 + monthly) ** -int(term[i])))
        due = (started[i].astype("M8[M]") + np.arange(1, int(term[i]) + 1)).astype("M8[D]") + (
            started[i] - started[i].astype("M8[M]").astype("M8[D]")
        )
        due = due[due <= TODAY][:40]
        late = np.where(rng.random(len(due)) < LATE[int(grade[i])], 1 + rng.geometric(0.12, len(due)), 0)
        for k, (day, delay) in enumerate(zip(due, late.tolist(), strict=True), start=1):
            interest = round(int(left[i]) * monthly)
            principal = int(left[i]) if k == int(term[i]) else min(instalment - interest, int(left[i]))
            left[i] -= principal
            row: tuple[Value, ...] = (
                i + 1,
                k,
                str(day),
                interest / 100,
                principal / 100,
                (interest + principal) / 100,
                int(left[i]) / 100,
                delay,
                str(day + np.timedelta64(delay, "D")),
            )
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
    tables["loan_payment"] = columns
    return left
