"""Made-up values of each kind of personal data, vectorised; numbers carry valid checksums where the kind has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dbclone.columns.patterns import Grammar, Pattern, Token, TokenKind
from dbclone.columns.uniqueness import ENUMERATION, code_points, strings_of
from dbclone.privacy import pools

Digits = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Form:
    """What a made-up value must look like."""

    locale: str = pools.LOCALES[0]
    style: str = ""
    grammar: Grammar = field(default_factory=lambda: Grammar(()))
    sizes: tuple[int, ...] = ()
    max_length: int | None = None


def make(kind: str, n: int, rng: np.random.Generator, form: Form) -> pa.Array:
    """n values of a kind that does not depend on the person's name."""
    return _MAKERS.get(kind, _patterned)(n, rng, form)


def handles(first: pa.Array, last: pa.Array, joint: str, max_length: int | None) -> pa.Array:
    """User names: first and last name in plain lower case, with a number where two would be the same."""
    names = pc.binary_join_element_wise(_plain(first), _plain(last), joint)
    return _numbered(names, None if max_length is None else max(max_length, 1))


def emails(first: pa.Array, last: pa.Array, domains: pa.Array, joint: str, max_length: int | None) -> pa.Array:
    """first.last@domain, all different; the local part is shortened where the limit demands it."""
    longest = pc.max(pc.utf8_length(domains)).as_py() or 0
    room = None if max_length is None else max(max_length - longest - 1, 1)
    return pc.binary_join_element_wise(handles(first, last, joint, room), domains, "@")


def _plain(names: pa.Array) -> pa.Array:
    """Lower-case ASCII letters only; names that have none become 'user'."""
    folded = pc.utf8_lower(pc.utf8_normalize(names, form="NFKD"))
    plain = pc.replace_substring_regex(folded, "[^a-z]", "")
    return pc.if_else(pc.equal(plain, ""), "user", plain)


def _numbered(names: pa.Array, room: int | None) -> pa.Array:
    """The n-th repetition of a name gets the number n; names have no digits, so all come out different."""
    if room is not None:
        names = pc.utf8_slice_codeunits(names, 0, max(room - len(str(len(names))), 1))
    codes = names.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(codes[order])) + 1]) if len(order) else np.zeros(0, int)
    rank = np.empty(len(order), dtype=np.int64)
    sizes = np.diff(np.concatenate([starts, [len(order)]])) if len(order) else starts
    rank[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    numbers = pc.if_else(pa.array(rank > 0), pc.cast(pa.array(rank), pa.string()), "")
    return pc.binary_join_element_wise(names, numbers, "")


def _pick(pool: tuple[str, ...], n: int, rng: np.random.Generator) -> pa.Array:
    """n of the pool, all different while it lasts."""
    at = rng.permutation(len(pool))[:n] if n <= len(pool) else rng.integers(0, len(pool), n)
    return pa.array(pool, pa.string()).take(pa.array(at))


def _cities(n: int, rng: np.random.Generator, form: Form) -> pa.Array:
    return _pick(pools.cities(form.locale), n, rng)


def _companies(n: int, rng: np.random.Generator, form: Form) -> pa.Array:
    names = pools.last_names(form.locale)
    one, other = _pick(names, n, rng), _pick(names, n, rng)
    double = pc.binary_join_element_wise(one, other, "-")
    owner = pc.if_else(pa.array(rng.random(n) < 0.5), one, double)
    return pc.binary_join_element_wise(owner, _pick(pools.company_suffixes(form.locale), n, rng), " ")


def _streets(n: int, rng: np.random.Generator, form: Form) -> pa.Array:
    pairs = pools.streets(form.locale)
    at = pa.array(rng.integers(0, len(pairs), n))
    before, after = pa.array([p[0] for p in pairs]).take(at), pa.array([p[1] for p in pairs]).take(at)
    number = np.maximum(np.rint(np.exp(rng.normal(4.0, 1.5, n))), 1).astype(np.int64)
    return pc.binary_join_element_wise(before, pc.cast(pa.array(np.minimum(number, 9999)), pa.string()), after, "")


def _ips(n: int, rng: np.random.Generator, form: Form) -> pa.Array:
    """Addresses of private networks (RFC 1918, RFC 4193): nobody's."""
    if form.style == "v6":
        words = [strings_of(_HEX[rng.integers(0, 16, (n, 4))]) for _ in range(4)]
        return _joined("fd00:db8:0:0", words, ":")
    parts = [pc.cast(pa.array(rng.integers(0, 256, n)), pa.string()) for _ in range(3)]
    return _joined("10", parts, ".")


def _joined(start: str, parts: list[pa.Array], sign: str) -> pa.Array:
    return pc.binary_join_element_wise(pa.repeat(pa.scalar(start), len(parts[0])), *parts, sign)


_HEX = code_points("0123456789abcdef")
_ALPHANUMERIC = code_points(ENUMERATION)


def _macs(n: int, rng: np.random.Generator, form: Form) -> pa.Array:
    """Locally administered addresses (second-lowest bit of the first byte)."""
    parts = [strings_of(_HEX[rng.integers(0, 16, (n, 2))]) for _ in range(5)]
    return _joined("02", parts, form.style or ":")


def _cards(n: int, rng: np.random.Generator, form: Form) -> pa.Array:
    """16 digits that begin with 4000 00, a range kept for tests, with a valid Luhn digit."""
    digits = rng.integers(0, 10, (n, 16))
    digits[:, :6] = (4, 0, 0, 0, 0, 0)
    doubled = digits[:, 14::-2] * 2
    total = (doubled - 9 * (doubled > 9)).sum(axis=1) + digits[:, 13::-2].sum(axis=1)
    digits[:, 15] = -total % 10
    return _grouped(digits, form.style)


def _ibans(n: int, rng: np.random.Generator, form: Form) -> pa.Array:
    """German IBANs with valid check digits and a bank code that no bank has (0 at its beginning)."""
    account = rng.integers(0, 10, (n, 18))
    account[:, 0] = 0
    remainder = np.zeros(n, dtype=np.int64)
    for i in range(18):
        remainder = (remainder * 10 + account[:, i]) % 97
    check = 98 - (remainder * 1_000_000 + 131_400) % 97
    digits = np.concatenate([np.stack([check // 10, check % 10], axis=1), account], axis=1)
    text = pc.binary_join_element_wise("DE", _grouped(digits, ""), "")
    return pc.replace_substring_regex(text, "(.{4})", r"\1 ") if form.style == " " else text


def _grouped(digits: Digits, sign: str) -> pa.Array:
    text = strings_of((digits + ord("0")).astype(np.uint32))
    return pc.utf8_rtrim(pc.replace_substring_regex(text, r"(\d{4})", rf"\1{sign}"), sign) if sign else text


def _secrets(n: int, rng: np.random.Generator, form: Form) -> pa.Array:
    """Random characters of the source's usual length: hexadecimal where that is a hash's."""
    length = form.sizes[len(form.sizes) // 2] if form.sizes else 16
    length = max(min(length, form.max_length or length, 512), 1)
    alphabet = _HEX if length in (32, 40, 56, 64, 96, 128) else _ALPHANUMERIC
    return strings_of(alphabet[rng.integers(0, len(alphabet), (n, length))])


def _prose(n: int, rng: np.random.Generator, form: Form) -> pa.Array:
    """Sentences of public words, as many words as the source's texts have."""
    knots = np.array(form.sizes or (5, 15), dtype=float)
    counts = np.maximum(np.interp(rng.random(n) * (len(knots) - 1), np.arange(len(knots)), knots), 1).astype(np.int64)
    pool = pools.words()
    words = pa.array(pool).take(pa.array(rng.integers(0, len(pool), int(counts.sum()))))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    text = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), words), " ")
    return pc.binary_join_element_wise(pc.utf8_capitalize(text), "", ".")


def _template(text: str) -> Grammar:
    """9 stands for any digit, A for any capital letter, all else for itself."""
    alphabets = {"9": ENUMERATION[:10], "A": ENUMERATION[10:36]}
    token = Token(TokenKind.CHARACTERS, (), (1.0,), (len(text),), tuple(alphabets.get(c, c) for c in text))
    return Grammar((Pattern((token,), 1.0),))


_DEFAULTS = {
    "phone": _template("+1 999 555 9999"),
    "postal_code": _template("99999"),
    "national_id": _template("999-99-9999"),
    "plate": _template("AAA 9999"),
}


def _patterned(n: int, rng: np.random.Generator, form: Form) -> pa.Array:
    return form.grammar.draw(n, rng) if form.grammar.patterns else _secrets(n, rng, form)


def _with_default(default: Grammar) -> Callable[[int, np.random.Generator, Form], pa.Array]:
    return lambda n, rng, form: (form.grammar if form.grammar.patterns else default).draw(n, rng)


_MAKERS: dict[str, Callable[[int, np.random.Generator, Form], pa.Array]] = {
    "city": _cities,
    "company": _companies,
    "street": _streets,
    "ip": _ips,
    "mac": _macs,
    "card": _cards,
    "iban": _ibans,
    "password": _secrets,
    "free_text": _prose,
    **{kind: _with_default(default) for kind, default in _DEFAULTS.items()},
}
