"""Rows around the orders: tickets, reviews, campaigns, page views."""

from __future__ import annotations

import numpy as np

from .. import drawing as d  # noqa: TID252 (the name of the package differs in a wheel)
from ..drawing import Array, Columns  # noqa: TID252
from .vocabulary import CLOSED, OPENED, TIERS  # noqa: TID252


def tickets(
    rng: np.random.Generator, customer: dict[str, Array], order: dict[str, Array], tables: dict[str, Columns]
) -> None:
    """A sibling of orders: who orders more, complains more; about an order of the same customer, after it."""
    about = np.flatnonzero(rng.random(len(order["at"])) < np.where(order["cancelled"], 0.6, 0.2))
    quiet = np.flatnonzero(rng.random(len(customer["segment"])) < 0.08)
    who = np.concatenate([order["customer"][about], quiet])
    start = np.concatenate([order["at"][about], customer["created"][quiet]])
    number = np.concatenate([about + 1, np.zeros(len(quiet), dtype=int)])
    opened = start + d.seconds(rng.exponential(5 * 86400, len(who)) + 300)
    keep = np.flatnonzero(opened < CLOSED)
    keep = keep[np.argsort(opened[keep], kind="stable")]
    who, opened, number, n = who[keep], opened[keep], number[keep], len(keep)
    priority = d.choose_by(
        rng,
        ["low", "normal", "high"],
        {"consumer": [5, 4, 1], "business": [1, 4, 5], "premium": [2, 5, 3]},
        customer["segment"][who],
    )
    hours = rng.exponential(d.lookup({"low": 90, "normal": 40, "high": 6}, priority))
    first, topic = (
        tables["customer"]["first_name"],
        d.choose(
            rng, ["a late parcel", "a wrong size", "the invoice", "a broken item", "my password"], [4, 2, 2, 3, 1], n
        ),
    )
    tables["ticket"] = d.table(
        id=np.arange(1, n + 1),
        customer_id=who + 1,
        order_id=d.known(number, number > 0),
        priority=priority,
        opened_at=opened,
        closed_at=d.known(opened + d.seconds(hours * 3600), rng.random(n) < 0.93),
        message=[f"Hello, I write about {t}. Regards, {first[w]}" for t, w in zip(topic, who, strict=True)],
    )


def reviews(
    rng: np.random.Generator, customer: dict[str, Array], product: dict[str, Array], tables: dict[str, Columns]
) -> None:
    """Two parents of one row: the customer's segment goes with the product's tier, both with the stars."""
    n = len(customer["segment"]) * 2
    who = d.skewed(rng, len(customer["segment"]), n, 0.6)
    tier = d.choose_by(
        rng, TIERS, {"consumer": [6, 3, 0.5], "business": [2, 7, 1], "premium": [0.5, 3, 6]}, customer["segment"][who]
    )
    item = d.skewed(rng, len(product["price"]), n, 0.7)
    for name in TIERS:
        pool = np.flatnonzero(product["tier"] == name)
        if len(pool):
            item[tier == name] = pool[item[tier == name] % len(pool)]
    pairs = np.unique(np.stack([item, who], axis=1), axis=0)
    item, who = pairs[:, 0], pairs[:, 1]
    liked = d.lookup({"budget": -0.6, "standard": 0.0, "luxury": 0.9}, product["tier"][item]) + d.lookup(
        {"consumer": 0.2, "business": -0.4, "premium": 0.3}, customer["segment"][who]
    )
    stars = np.rint(3.4 + liked + rng.normal(0, 0.9, len(item))).clip(1, 5).astype(int)
    later = np.maximum(product["listed"][item], customer["created"][who].astype("M8[D]")) + rng.integers(
        1, 200, len(item)
    ).astype("timedelta64[D]")
    tables["review"] = d.table(product_id=item + 1, customer_id=who + 1, stars=stars, reviewed_on=later)


def campaigns(rng: np.random.Generator, products: int, n: int, tables: dict[str, Columns]) -> None:
    """Ranks 1..k of a campaign are a permutation; the first three are shown on top."""
    start = d.days(OPENED, np.sort(rng.integers(30, 1400, n)))
    title = [f"{rng.choice(['Spring', 'Summer', 'Autumn', 'Winter', 'Weekend'])} deals {i}" for i in range(1, n + 1)]
    tables["campaign"] = d.table(
        id=np.arange(1, n + 1),
        title=title,
        starts_on=start,
        ends_on=start + rng.choice([7, 14, 28], n).astype("timedelta64[D]"),
    )
    sizes = np.minimum(rng.integers(5, 16, n), products)
    items = np.concatenate([rng.permutation(products)[:k] for k in sizes]) + 1
    rank = np.concatenate([rng.permutation(k) for k in sizes]) + 1
    tables["CampaignProduct"] = {
        "campaignId": d.plain(np.repeat(np.arange(1, n + 1), sizes)),
        "productId": d.plain(items),
        "Rank": d.plain(rank),
        "group": d.plain(np.where(rank <= 3, "top", "list")),
    }


def page_views(
    rng: np.random.Generator, customer: dict[str, Array], product: dict[str, Array], n: int, tables: dict[str, Columns]
) -> None:
    """Who looks is unknown far more often on a desktop; a third of the views lasts no time at all, some very long."""
    device = d.choose(rng, ["mobile", "desktop", "tablet"], [6, 3, 1], n)
    who = d.skewed(rng, len(customer["segment"]), n, 0.8)
    signed_in = rng.random(n) > d.lookup({"mobile": 0.2, "desktop": 0.7, "tablet": 0.4}, device)
    moment = np.datetime64("2024-01-01", "s") + d.seconds(np.sort(rng.integers(0, 366 * 86400, n)))
    stay = np.where(rng.random(n) < 0.35, 0, np.exp(rng.normal(3, 1.1, n))).astype(int)
    tables["page_view"] = d.table(
        customer_id=d.known(who + 1, signed_in),
        product_sku=product["sku"][d.skewed(rng, len(product["sku"]), n, 0.9)],
        device=device,
        viewed_at=moment,
        seconds_on_page=stay,
    )
