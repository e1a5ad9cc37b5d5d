"""A web shop's rows: customers, what they order and what happens to the orders."""

from __future__ import annotations

import numpy as np

from .. import drawing as d  # noqa: TID252 (the name of the package differs in a wheel)
from ..drawing import Array, Columns, Value  # noqa: TID252
from . import around  # noqa: TID252
from .vocabulary import CLOSED, OPENED, TIERS  # noqa: TID252

SEGMENTS = ["consumer", "business", "premium"]
COUNTRIES = {
    "US": ("United States", 8),
    "CA": ("Canada", 13),
    "GB": ("United Kingdom", 20),
    "DE": ("Germany", 19),
    "FR": ("France", 20),
    "ES": ("Spain", 21),
    "SE": ("Sweden", 25),
    "JP": ("Japan", 10),
}
STATUSES = ["placed", "paid", "packed", "shipped", "delivered", "returned", "cancelled"]
CATEGORY_TREE = {
    "Home": ["Kitchen", "Bedroom", "Garden"],
    "Electronics": ["Audio", "Computers", "Phones"],
    "Leisure": ["Books", "Games", "Sports"],
    "Kitchen": ["Cookware", "Cutlery"],
    "Computers": ["Laptops", "Storage"],
    "Sports": ["Cycling", "Running"],
    "Garden": ["Tools", "Seeds"],
}
NOUNS = {
    "Cookware": "Pan Pot Wok Kettle",
    "Cutlery": "Knife Fork Spoon",
    "Bedroom": "Pillow Blanket Lamp",
    "Tools": "Spade Rake Hose",
    "Seeds": "Tulips Herbs",
    "Audio": "Headphones Speaker Radio",
    "Laptops": "Notebook Ultrabook",
    "Storage": "Drive Card Dock",
    "Phones": "Phone Charger Case",
    "Books": "Novel Atlas Cookbook",
    "Games": "Puzzle Chess Cards",
    "Cycling": "Helmet Pump Saddle",
    "Running": "Shoes Vest Bottle",
}


def generate(seed: int, scale: float) -> dict[str, Columns]:
    """All tables in load order; the same seed and scale give the same values."""
    rng = np.random.default_rng([seed, 1])
    tables = _reference_tables()
    product = _products(rng, d.scaled(320, scale), tables)
    customer = _customers(rng, d.scaled(1200, scale))
    addresses = _addresses(rng, customer, tables)
    order = _orders(rng, customer, addresses)
    times = _event_times(rng, order)
    _lines(rng, customer, order, product, tables)
    _finish_orders(customer, order, times, tables)
    _events(times, tables)
    _finish_customers(rng, customer, order, tables)
    around.tickets(rng, customer, order, tables)
    around.reviews(rng, customer, product, tables)
    around.campaigns(rng, len(product["price"]), d.scaled(40, scale), tables)
    around.page_views(rng, customer, product, d.scaled(4000, scale), tables)
    tables["gift_card"] = d.table(code=[], customer_id=[], amount=[])
    return {name: tables[name] for name in _LOAD_ORDER}


_LOAD_ORDER = [
    "country",
    "order_status",
    "settings",
    "category",
    "supplier",
    "product",
    "tag",
    "product_tag",
    "customer",
    "customer_profile",
    "customer_address",
    "order",
    "order_line",
    "order_event",
    "ticket",
    "review",
    "campaign",
    "CampaignProduct",
    "page_view",
    "gift_card",
]


def _reference_tables() -> dict[str, Columns]:
    names: list[str] = list(CATEGORY_TREE)[:3]
    parents: list[Value] = [None] * 3
    depths: list[Value] = [0] * 3
    for name in names:  # grows while it is walked: breadth first
        for child in CATEGORY_TREE.get(name, []):
            parents.append(names.index(name) + 1)
            depths.append(int(str(depths[names.index(name)])) + 1)
            names.append(child)
    return {
        "country": d.table(
            code=list(COUNTRIES),
            name=[c[0] for c in COUNTRIES.values()],
            vat_percent=[c[1] for c in COUNTRIES.values()],
        ),
        "order_status": d.table(
            code=STATUSES, label=[s.capitalize() for s in STATUSES], is_final=[s in STATUSES[4:] for s in STATUSES]
        ),
        "settings": d.table(
            id=[1], shop_name=["Corner & Co."], free_shipping_from=[49.5], opened_on=[OPENED], maintenance_note=[None]
        ),
        "category": d.table(id=list(range(1, len(names) + 1)), parent_id=parents, name=names, depth=depths),
    }


def _products(rng: np.random.Generator, n: int, tables: dict[str, Columns]) -> dict[str, Array]:
    """Suppliers, products and tags: prices have a heavy tail, weights two modes, tags a skewed number of products."""
    suppliers = max(3, n // 10)
    first, last = d.people(rng, suppliers)
    tables["supplier"] = d.table(
        id=np.arange(1, suppliers + 1),
        name=[f"{x} & {y}" for x, y in zip(last, last[::-1], strict=True)],
        country_code=d.choose(rng, list(COUNTRIES), [5, 2, 2, 4, 2, 1, 1, 3], suppliers),
        contact_name=[f"{a} {b}" for a, b in zip(first, last, strict=True)],
        contact_email=d.known(d.emails(rng, first, last), rng.random(suppliers) < 0.8),
        closed_reason=[None] * suppliers,
    )
    leaves = list(NOUNS)
    leaf = d.skewed(rng, len(leaves), n, 0.5)
    tier = d.choose(rng, TIERS, [4, 4, 2], n)
    price = np.round(np.exp(rng.normal(d.lookup({"budget": 2.2, "standard": 3.3, "luxury": 4.7}, tier), 0.6)) + 0.5, 2)
    heavy = rng.random(n) < 0.35
    weight = np.where(heavy, rng.normal(4200, 500, n), rng.normal(450, 110, n)).clip(30).astype(int)
    listed = d.days(OPENED, rng.integers(0, 900, n))
    category_ids = {str(name): i + 1 for i, name in enumerate(tables["category"]["name"])}
    colours = [
        sorted({str(c) for c in rng.choice(["black", "blue", "green", "red", "white"], k)})
        for k in rng.integers(0, 4, n)
    ]
    tables["product"] = d.table(
        id=np.arange(1, n + 1),
        sku=[f"{leaves[c][:2].upper()}-{100003 + 7 * i}" for i, c in enumerate(leaf)],
        category_id=[category_ids[leaves[c]] for c in leaf],
        supplier_id=d.skewed(rng, suppliers, n, 0.8) + 1,
        name=[_product_name(rng, leaves[c], str(t)) for c, t in zip(leaf, tier, strict=True)],
        tier=tier,
        price=price,
        weight_g=weight,
        listed_on=listed,
        discontinued_on=d.known(listed + rng.integers(100, 500, n).astype("timedelta64[D]"), rng.random(n) < 0.12),
        attributes=_attributes(rng, tier),
        colours=[c or None for c in colours],
    )
    labels = [
        "new",
        "sale",
        "eco",
        "gift",
        "bestseller",
        "handmade",
        "vegan",
        "compact",
        "outdoor",
        "classic",
        "limited",
        "bundle",
    ]
    tables["tag"] = d.table(id=np.arange(1, 13), label=labels)
    pairs = np.unique(np.stack([rng.integers(1, n + 1, 3 * n), d.skewed(rng, 12, 3 * n, 1.2) + 1], axis=1), axis=0)
    tables["product_tag"] = d.table(product_id=pairs[:, 0], tag_id=pairs[:, 1])
    return {"price": price, "tier": tier, "listed": listed, "sku": np.array(tables["product"]["sku"])}


def _product_name(rng: np.random.Generator, leaf: str, tier: str) -> str:
    adjective = {
        "budget": ["Basic", "Simple", "Value"],
        "standard": ["Classic", "Modern", "Everyday"],
        "luxury": ["Deluxe", "Signature", "Heritage"],
    }[tier]
    return f"{rng.choice(adjective)} {rng.choice(NOUNS[leaf].split())} {rng.integers(100, 999)}"


def _attributes(rng: np.random.Generator, tier: Array) -> list[Value]:
    """Warranty follows the tier; the rest is free."""
    months = d.choose_by(
        rng, ["0", "12", "24"], {"budget": [8, 2, 0.2], "standard": [2, 8, 1], "luxury": [0.2, 1, 9]}, tier
    ).astype(int)
    made = d.choose(rng, ["cotton", "steel", "wood", "plastic"], [2, 3, 2, 3], len(tier))
    return [{"material": str(m), "warranty_months": int(w)} for m, w in zip(made, months, strict=True)]


def _customers(rng: np.random.Generator, n: int) -> dict[str, Array]:
    segment = d.choose(rng, SEGMENTS, [6, 2, 2], n)
    offset = np.sort(1200 * rng.beta(1.3, 1, n)) * 86400
    return {
        "segment": segment,
        "country": d.choose(rng, list(COUNTRIES), [9, 3, 3, 3, 2, 1, 1, 1], n),
        "channel": d.choose_by(
            rng,
            ["web", "app", "store", "partner"],
            {"consumer": [5, 4, 2, 0.5], "business": [4, 1, 1, 4], "premium": [3, 5, 3, 0.5]},
            segment,
        ),
        "subscription": rng.random(n) < d.lookup({"consumer": 0.12, "business": 0.3, "premium": 0.4}, segment),
        "created": np.datetime64(OPENED, "s") + d.seconds(offset),
    }


def _addresses(rng: np.random.Generator, customer: dict[str, Array], tables: dict[str, Columns]) -> Array:
    """One to three addresses a customer; returns how many each has."""
    counts = 1 + rng.binomial(2, d.lookup({"consumer": 0.15, "business": 0.5, "premium": 0.3}, customer["segment"]))
    n, places = int(counts.sum()), d.Places()
    where = places.draw(rng, n)
    tables["customer_address"] = d.table(
        customer_id=np.repeat(np.arange(1, len(counts) + 1), counts),
        address_no=d.position(counts) + 1,
        street=d.streets(rng, n),
        zip=places.zip[where],
        city=places.city[where],
        state=places.state[where],
    )
    return counts


def _orders(rng: np.random.Generator, customer: dict[str, Array], addresses: Array) -> dict[str, Array]:
    """Subscribers order every 30 days or so; others after gaps with a long tail.  A quarter never orders."""
    segment, subscribed = customer["segment"], customer["subscription"]
    mean = d.lookup({"consumer": 2.0, "business": 4.5, "premium": 5.0}, segment) + 4 * subscribed
    wanted = np.where((rng.random(len(mean)) < 0.25) & ~subscribed, 0, rng.poisson(mean))
    who = np.repeat(np.arange(len(mean)), wanted)
    gap = (
        np.where(subscribed[who], rng.integers(29, 32, len(who)), 1 + rng.exponential(60, len(who)).astype(int)) * 86400
    )
    gap = gap + np.where(subscribed[who], 0, rng.integers(-30000, 30000, len(who)))
    first = d.position(wanted) == 0
    gap[first] = rng.exponential(9 * 86400, int(first.sum())) + 600
    at = customer["created"][who] + d.seconds(d.running(gap.astype("int64"), wanted))
    inside = at < CLOSED
    who, at = who[inside], at[inside]
    number = 1 + (rng.random(len(who)) ** 2 * addresses[who]).astype(int)
    return {"customer": who, "at": at, "address": np.minimum(number, addresses[who])}


def _event_times(rng: np.random.Generator, order: dict[str, Array]) -> Array:
    """When each order reached each status of STATUSES (NaT: never): a chain with early ends."""
    n = len(order["at"])
    steps = np.stack(
        [
            np.zeros(n),
            rng.exponential(1800, n) + 20,
            rng.gamma(2, 15000, n) + 600,
            rng.gamma(3, 20000, n) + 900,
            rng.gamma(4, 50000, n) + 40000,
            rng.gamma(3, 260000, n) + 90000,
        ],
        axis=1,
    )
    times = np.full((n, len(STATUSES)), np.datetime64("NaT", "s"))
    times[:, :6] = order["at"][:, None] + np.cumsum(steps, axis=1).astype("int64").astype("timedelta64[s]")
    times[rng.random(n) > 0.06, 5] = np.datetime64("NaT", "s")
    cancelled = np.flatnonzero(rng.random(n) < 0.08)
    reached = rng.integers(1, 4, len(cancelled))
    times[cancelled, 6] = times[cancelled, reached - 1] + d.seconds(rng.exponential(20000, len(cancelled)) + 60)
    for i, k in zip(cancelled, reached, strict=True):
        times[i, k:6] = np.datetime64("NaT", "s")
    times[times >= CLOSED] = np.datetime64("NaT", "s")
    return times


def _lines(
    rng: np.random.Generator,
    customer: dict[str, Array],
    order: dict[str, Array],
    product: dict[str, Array],
    tables: dict[str, Columns],
) -> None:
    """Segment decides tier and quantity (a grandparent's influence); the price is the product's own."""
    counts = 1 + rng.geometric(0.5, len(order["at"])).clip(1, 12) - 1
    of = np.repeat(np.arange(len(counts)), counts)
    segment = customer["segment"][order["customer"][of]]
    tier = d.choose_by(rng, TIERS, {"consumer": [6, 3, 0.5], "business": [2, 7, 1], "premium": [0.5, 3, 6]}, segment)
    item = np.zeros(len(of), dtype=int)
    for name in TIERS:
        pool, rows = np.flatnonzero(product["tier"] == name), np.flatnonzero(tier == name)
        item[rows] = (pool if len(pool) else np.arange(len(product["tier"])))[
            d.skewed(rng, max(1, len(pool)), len(rows), 0.9)
        ]
    quantity = 1 + rng.poisson(d.lookup({"consumer": 0.3, "business": 5.0, "premium": 0.6}, segment))
    cents = np.rint(product["price"][item] * 100).astype(int)
    order["net"] = np.bincount(of, weights=quantity * cents, minlength=len(counts)).astype(int)
    tables["order_line"] = d.table(
        order_id=of + 1,
        line_no=d.position(counts) + 1,
        product_id=item + 1,
        quantity=quantity,
        unit_price=cents / 100,
        line_total=quantity * cents / 100,
    )


def _finish_orders(
    customer: dict[str, Array], order: dict[str, Array], times: Array, tables: dict[str, Columns]
) -> None:
    """Status is the last event; tax follows the customer's country; gross = net + tax."""
    moments = np.where(np.isnat(times), np.datetime64("1970-01-01", "s"), times)
    vat = np.array([COUNTRIES[str(c)][1] for c in customer["country"]])[order["customer"]]
    tax = (order["net"] * vat + 50) // 100
    order["gross"] = order["net"] + tax
    order["cancelled"] = ~np.isnat(times[:, 6])
    tables["order"] = d.table(
        id=np.arange(1, len(tax) + 1),
        customer_id=order["customer"] + 1,
        address_no=order["address"],
        status=np.array(STATUSES)[moments.argmax(axis=1)],
        ordered_at=order["at"],
        shipped_at=times[:, 3],
        cancelled_at=times[:, 6],
        net=order["net"] / 100,
        tax=tax / 100,
        gross=order["gross"] / 100,
    )


def _events(times: Array, tables: dict[str, Columns]) -> None:
    order_no, status = np.nonzero(~np.isnat(times))
    at = times[order_no, status]
    sort = np.lexsort((at, order_no))
    tables["order_event"] = d.table(
        id=np.arange(1, len(sort) + 1),
        order_id=order_no[sort] + 1,
        event=np.array(STATUSES)[status[sort]],
        happened_at=at[sort],
    )


def _finish_customers(
    rng: np.random.Generator, customer: dict[str, Array], order: dict[str, Array], tables: dict[str, Columns]
) -> None:
    """Totals over orders, names, and a telephone number that is missing mostly where people came through the web."""
    n, who = len(customer["segment"]), order["customer"]
    last_at = np.full(n, np.datetime64("NaT", "s"))
    last_at[who] = order["at"]  # orders of a customer stand in time order: the last one wins
    spent = np.bincount(who, weights=np.where(order["cancelled"], 0, order["gross"]), minlength=n)
    first, last = d.people(rng, n)
    phone = rng.random(n) > d.lookup({"web": 0.7, "app": 0.1, "store": 0.3, "partner": 0.05}, customer["channel"])
    tables["customer"] = d.table(
        id=np.arange(1, n + 1),
        first_name=first,
        last_name=last,
        email=d.emails(rng, first, last),
        phone=d.known(d.phones(rng, n), phone),
        birth_date=d.known(d.days("1945-01-01", (22000 * rng.beta(2.5, 2, n))), customer["segment"] != "business"),
        country_code=customer["country"],
        segment=customer["segment"],
        channel=customer["channel"],
        has_subscription=customer["subscription"],
        created_at=customer["created"],
        order_count=np.bincount(who, minlength=n),
        last_order_at=last_at,
        lifetime_value=np.rint(spent) / 100,
    )
    has = np.flatnonzero(rng.random(n) < 0.75)
    tier = d.choose_by(
        rng, TIERS, {"consumer": [8, 2, 0.5], "business": [2, 7, 1], "premium": [0.5, 2, 8]}, customer["segment"][has]
    )
    notes: list[Value] = [
        f"{first[i]} {last[i]} prefers delivery after {h}:00."
        for i, h in zip(has, rng.integers(8, 20, len(has)), strict=True)
    ]
    tables["customer_profile"] = d.table(
        customer_id=has + 1,
        newsletter=rng.random(len(has)) < np.where(customer["subscription"][has], 0.85, 0.3),
        preferred_tier=tier,
        note=d.known(notes, rng.random(len(has)) < 0.4),
    )
