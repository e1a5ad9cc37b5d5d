"""A retail bank: branches, customers, accounts and who holds them; bookings and loans come from the modules beside."""

from __future__ import annotations

import numpy as np

from .. import drawing as d  # noqa: TID252 (the name of the package differs in a wheel)
from ..drawing import Array, Columns, Value  # noqa: TID252
from .bookings import MONTH_ENDS, bookings  # noqa: TID252
from .lending import loans  # noqa: TID252

_LOAD_ORDER = [
    "bank_parameters",
    "currency",
    "merchant_category",
    "exchange_rate",
    "branch",
    "customer",
    "identity_check",
    "account",
    "account_holder",
    "account_month",
    "merchant",
    "transaction",
    "fraud_alert",
    "standing_order",
    "card",
    "loan",
    "loan_payment",
    "league_table",
    "AppEvent",
    "dormant_claim",
]
CURRENCIES = {
    "USD": ("US dollar", 2, 1.0),
    "EUR": ("Euro", 2, 1.09),
    "GBP": ("Pound sterling", 2, 1.27),
    "JPY": ("Yen", 0, 0.0069),
}
REGIONS = {
    "North": ["Albany", "Buffalo", "Boston"],
    "South": ["Atlanta", "Miami", "Tampa"],
    "West": ["Denver", "Phoenix"],
}
GRADES = ["A", "B", "C", "D", "E"]
FIRMS = [
    "Alder Foods",
    "Bright Energy",
    "Cobalt Works",
    "Delta Freight",
    "Evergreen Paper",
    "Fjord Software",
    "Granite Homes",
]


def generate(seed: int, scale: float) -> dict[str, Columns]:
    """All tables in load order; the same seed and scale give the same values."""
    rng = np.random.default_rng([seed, 3])
    tables = _reference_tables(rng)
    customer = _customers(rng, d.scaled(700, scale), tables)
    account = _accounts(rng, customer, d.scaled(560, scale), tables)
    _holders(rng, customer, account, tables)
    bookings(rng, account, d.scaled(150, scale), tables)
    _standing_orders(rng, account, tables)
    _cards(rng, account, tables)
    loans(rng, customer, account, d.scaled(240, scale), tables)
    _app_events(rng, len(customer["grade"]), d.scaled(2000, scale), tables)
    tables["dormant_claim"] = d.table(id=[], account_id=[], claimed_on=[])
    return {name: tables[name] for name in _LOAD_ORDER}


def _reference_tables(rng: np.random.Generator) -> dict[str, Columns]:
    groups = [line.split(" ", 2) for line in d.words("merchant_categories.txt").tolist()]
    daily = np.arange(np.datetime64("2024-01-01"), np.datetime64("2025-01-01"))
    foreign = [code for code in CURRENCIES if code != "USD"]
    walk = [CURRENCIES[code][2] * np.exp(np.cumsum(rng.normal(0, 0.004, len(daily)))) for code in foreign]
    names, levels, parents = ["Head office"], ["head"], [0]
    for region, cities in REGIONS.items():
        names.append(f"Region {region}")
        levels.append("region")
        parents.append(1)
        above = len(names)
        for street in ("Main Street", "Station"):
            names += [f"{city} {street}" for city in cities]
            levels += ["branch"] * len(cities)
            parents += [above] * len(cities)
    return {
        "bank_parameters": d.table(
            id=[1], bank_name=["First Example Bank"], base_rate=[2.75], business_day=["2024-12-31"]
        ),
        "currency": d.table(
            code=list(CURRENCIES),
            name=[c[0] for c in CURRENCIES.values()],
            decimals=[c[1] for c in CURRENCIES.values()],
        ),
        "merchant_category": d.table(
            mcc=[g[0] for g in groups], label=[g[2] for g in groups], group=[g[1] for g in groups]
        ),
        "exchange_rate": d.table(
            currency=np.repeat(np.array(foreign), len(daily)),
            day=np.tile(daily, len(foreign)),
            rate=np.concatenate(walk).round(4),
        ),
        "branch": d.table(
            id=np.arange(1, len(names) + 1),
            parent_id=d.known(parents, np.array(parents) > 0),
            name=names,
            level=levels,
            phone=d.known(d.phones(rng, len(names)), np.array(levels) == "branch"),
        ),
    }


def _customers(rng: np.random.Generator, n: int, tables: dict[str, Columns]) -> dict[str, Array]:
    """Households share an address and a head, who is their own head; income decides the grade."""
    head = np.where(rng.random(n) < 0.55, np.arange(n), -1)
    head[0] = 0
    heads = np.flatnonzero(head >= 0)
    head = np.where(head < 0, heads[rng.integers(0, len(heads), n)], head)
    employment = d.choose(rng, ["employed", "self", "retired", "none"], [60, 12, 18, 10], n)
    age = np.where(employment == "retired", rng.uniform(64, 92, n), 18 + 46 * rng.beta(1.5, 1.5, n))
    income = np.exp(
        rng.normal(d.lookup({"employed": 10.9, "self": 11.1, "retired": 10.3, "none": 9.2}, employment), 0.55)
    )
    income = np.where((employment == "none") & (rng.random(n) < 0.5), 0, np.rint(income / 100) * 100)
    grade = (4.2 - np.log1p(income / 12000) * 1.7 + rng.normal(0, 0.7, n)).clip(0, 4).astype(int)
    first, last = d.people(rng, n)
    places = d.Places()
    where, street = places.draw(rng, n)[head], np.array(d.streets(rng, n))[head]
    since = d.days("2012-01-01", rng.integers(0, 4000, n))
    numbers = rng.permutation(9 * 10**5)[:n] + 10**5
    tables["customer"] = d.table(
        id=np.arange(1, n + 1),
        tax_id=[f"9{k // 10000:02d}-{k // 100 % 100:02d}-{k % 10000:04d}" for k in numbers.tolist()],
        first_name=first,
        last_name=last,
        email=d.known(d.emails(rng, first, last), rng.random(n) < np.where(age > 70, 0.4, 0.95)),
        phone=d.known(d.phones(rng, n), rng.random(n) < 0.9),
        birth_date=np.datetime64("2024-07-01") - (age * 365.25).astype("timedelta64[D]"),
        street=street,
        zip=places.zip[where],
        city=places.city[where],
        state=places.state[where],
        household_head_id=head + 1,
        employment=employment,
        employer=d.known(d.choose(rng, FIRMS, [7, 6, 5, 4, 3, 2, 1], n), employment == "employed"),
        yearly_income=income,
        grade=np.array(GRADES)[grade],
        legacy_code=[None] * n,
        customer_since=since,
    )
    checked = np.flatnonzero(rng.random(n) < 0.88)
    remarks: list[Value] = [f"{first[i]} {last[i]} came in person." for i in checked]
    tables["identity_check"] = d.table(
        customer_id=checked + 1,
        document=d.choose(rng, ["passport", "licence"], [3, 2], len(checked)),
        document_no=[f"X{10**7 + 37 * k}" for k in rng.permutation(10**5)[: len(checked)].tolist()],
        checked_on=since[checked] + rng.integers(0, 30, len(checked)).astype("timedelta64[D]"),
        remark=d.known(remarks, rng.random(len(checked)) < 0.3),
    )
    return {"grade": grade, "income": income, "since": since, "age": age, "employment": employment}


def _accounts(
    rng: np.random.Generator, customer: dict[str, Array], n: int, tables: dict[str, Columns]
) -> dict[str, Array]:
    """An account's primary holder decides its kind (self-employed: business) and, through the income, its bookings."""
    owner = d.skewed(rng, len(customer["grade"]), n, 0.5)
    kind = d.choose_by(
        rng,
        ["current", "savings", "business"],
        {"employed": [7, 3, 0.2], "self": [3, 1, 7], "retired": [6, 5, 0.1], "none": [8, 2, 0.1]},
        customer["employment"][owner],
    )
    opened = customer["since"][owner] + (rng.random(n) ** 1.5 * 900).astype("timedelta64[D]")
    opened = np.minimum(opened, np.datetime64("2024-10-15"))
    closed = np.datetime64("2024-02-15") + rng.integers(0, 300, n).astype("timedelta64[D]")
    closed = np.where(rng.random(n) < 0.07, np.maximum(closed, opened + 45), np.datetime64("NaT"))
    branches = [i + 1 for i, level in enumerate(tables["branch"]["level"]) if level == "branch"]
    return {
        "owner": owner,
        "kind": kind,
        "opened": opened,
        "closed": closed,
        "income": customer["income"][owner],
        "branch": np.array(branches)[d.skewed(rng, len(branches), n, 0.6)],
        "currency": d.choose_by(
            rng,
            list(CURRENCIES),
            {"current": [40, 1, 1, 0.2], "savings": [20, 3, 1, 1], "business": [6, 3, 2, 1]},
            kind,
        ),
        "opening": np.rint(
            np.exp(rng.normal(d.lookup({"current": 7.5, "savings": 9.2, "business": 9.5}, kind), 0.9)) * 100
        ).astype(int),
        "limit": rng.random(n) < d.lookup({"current": 0.6, "savings": 0.0, "business": 0.8}, kind),
        "iban": np.array([f"EX{10 + k % 88:02d}EXBK{k:014d}" for k in (rng.permutation(n) * 9173 + 40009).tolist()]),
    }


def _holders(
    rng: np.random.Generator, customer: dict[str, Array], account: dict[str, Array], tables: dict[str, Columns]
) -> None:
    """One or two holders an account; their shares add up to 100."""
    n = len(account["owner"])
    second = rng.integers(0, len(customer["grade"]), n)
    joint = (rng.random(n) < d.lookup({"current": 0.35, "savings": 0.2, "business": 0.1}, account["kind"])) & (
        second != account["owner"]
    )
    share = np.where(joint, rng.choice([50, 60, 75], n, p=[0.7, 0.2, 0.1]), 100)
    ids = np.concatenate([np.arange(n), np.flatnonzero(joint)])
    order = np.argsort(ids, kind="stable")
    tables["account_holder"] = d.table(
        account_id=ids[order] + 1,
        customer_id=np.concatenate([account["owner"], second[joint]])[order] + 1,
        role=np.repeat(["primary", "joint"], [n, int(joint.sum())])[order],
        share_percent=np.concatenate([share, 100 - share[joint]])[order],
    )


def _standing_orders(rng: np.random.Generator, account: dict[str, Array], tables: dict[str, Columns]) -> None:
    """From current to savings accounts for the most part, never to itself."""
    sender = np.flatnonzero((account["kind"] == "current") & (rng.random(len(account["kind"])) < 0.4))
    pool = np.flatnonzero(account["kind"] == "savings")
    receiver = np.where(
        rng.random(len(sender)) < 0.7,
        pool[rng.integers(0, len(pool), len(sender))],
        (sender + 1) % len(account["kind"]),
    )
    tables["standing_order"] = d.table(
        id=np.arange(1, len(sender) + 1),
        from_iban=account["iban"][sender],
        to_iban=account["iban"][receiver],
        amount=rng.choice([25.0, 50.0, 100.0, 150.0, 250.0, 500.0], len(sender)),
        day_of_month=rng.choice([1, 5, 15, 28], len(sender), p=[0.6, 0.1, 0.2, 0.1]),
    )


def _cards(rng: np.random.Generator, account: dict[str, Array], tables: dict[str, Columns]) -> None:
    """A card belongs to a holder of its account; it expires after four years on the last of a month."""
    holders = [
        (a, c)
        for a, c in zip(tables["account_holder"]["account_id"], tables["account_holder"]["customer_id"], strict=True)
        if account["kind"][int(str(a)) - 1] != "savings"
    ]
    n = len(holders)
    issued = account["opened"][[int(str(a)) - 1 for a, _ in holders]] + rng.integers(3, 60, n).astype("timedelta64[D]")
    expires = (issued.astype("M8[M]") + np.timedelta64(49, "M")).astype("M8[D]") - np.timedelta64(1, "D")
    status = d.choose(rng, ["active", "blocked", "expired"], [85, 7, 8], n)
    tables["card"] = d.table(
        card_no=[f"9999{k:012d}" for k in (rng.permutation(n) * 7127 + 1013).tolist()],
        account_id=[a for a, _ in holders],
        customer_id=[c for _, c in holders],
        issued_on=issued,
        expires_on=expires,
        status=status,
        blocked_at=d.known(issued.astype("M8[s]") + d.seconds(rng.integers(86400, 10**8, n)), status == "blocked"),
    )


def _app_events(rng: np.random.Generator, customers: int, n: int, tables: dict[str, Columns]) -> None:
    """Sessions of the bank's app: the person is unknown on the start screen only, in half of the cases."""
    screen = d.choose(rng, ["start", "accounts", "transfer", "cards"], [5, 4, 2, 1], n)
    payload: list[Value] = [
        {"os": str(o), "ms": int(t)}
        for o, t in zip(d.choose(rng, ["ios", "android"], [1, 1], n), rng.gamma(2, 90, n), strict=True)
    ]
    at = np.datetime64(MONTH_ENDS[-2], "s") + d.seconds(np.sort(rng.integers(0, 31 * 86400, n)))
    tables["AppEvent"] = {
        "customerId": d.known(d.skewed(rng, customers, n, 0.9) + 1, (screen != "start") | (rng.random(n) < 0.5)),
        "screen": d.plain(screen),
        "at": d.plain(at),
        "payload": d.known(payload, rng.random(n) < 0.9),
    }
