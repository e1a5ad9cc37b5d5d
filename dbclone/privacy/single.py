"""Made-up personal data where no row holds it together: strings inside documents and arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.privacy import makers, pools

_DOMAIN = "example.com"
_NAMED = frozenset({"first_name", "last_name", "full_name", "username", "url_user", "email"})


def one_by_one(kind: str, n: int, rng: np.random.Generator) -> pa.Array:
    """n values of a kind, independent of each other; mail can reach nobody (RFC 2606)."""
    if kind not in _NAMED:
        return makers.make(kind, n, rng, makers.Form())
    locale = pools.LOCALES[0]
    first, last = (_any(names, n, rng) for names in (pools.first_names(locale), pools.last_names(locale)))
    match kind:
        case "first_name":
            return first
        case "last_name":
            return last
        case "full_name":
            return pc.binary_join_element_wise(first, last, " ")
        case "username":
            return makers.handles(first, last, "", None)
        case "url_user":
            return pc.binary_join_element_wise(f"https://{_DOMAIN}/", makers.handles(first, last, "", None), "")
        case _:
            return makers.emails(first, last, pa.repeat(pa.scalar(_DOMAIN), n), ".", None)


def _any(pool: tuple[str, ...], n: int, rng: np.random.Generator) -> pa.Array:
    return pa.array(pool, pa.string()).take(pa.array(rng.integers(0, len(pool), n)))
