"""What a single value looks like: strict forms and checksums of personal data, and loose plausibility of the rest."""

from __future__ import annotations

import ipaddress
import re

_EMAIL = re.compile(r"[^@\s:/]+@[^@\s/]+\.[^@\s.]{2,}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}|([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}")
_SSN = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
_URL_USER = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^/@\s]+@|(?:[\w-]+\.)?(?:facebook|twitter|x|linkedin|instagram|github)\.com/\w)",
    re.IGNORECASE,
)
_PHONE = re.compile(r"[+(]?[\d(][\d\s().\-/]{4,}\d(?:\s*(?:x|ext\.?)\s*\d{1,6})?", re.IGNORECASE)
_INTERNATIONAL = re.compile(r"(?:\+|00)[1-9][\d\s().\-/]{6,18}\d")
_SHORT_NUMBER = re.compile(r"\d{1,4}\b")
_NAME = re.compile(r"[^\W\d_][^\d_@#/\\<>=]*")
_STREET = re.compile(r"\d.*[^\W\d_]{2}|[^\W\d_]{2}.*\d|[^\W\d_]{3,}\s+[^\W\d_]+")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .\-]{1,11}")
_ID_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .\-/]{4,20}")
_INSIDE_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]{2,}")
_INSIDE_PHONE = re.compile(r"(?<!\w)(?:\+\d[\d\s().-]{7,}\d|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})(?!\w)")


def is_email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None


def is_iban(text: str) -> bool:
    """ISO 13616: the country and check digits moved to the end, letters as 10…35, remainder 1 by 97."""
    compact = text.replace(" ", "").upper()
    if not _IBAN.fullmatch(compact):
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def luhn(digits: str) -> bool:
    """ISO/IEC 7812: every second digit from the right doubled, digit sums add up to a multiple of ten."""
    total = 0
    for i, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + i % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card_like(text: str) -> bool:
    """12 to 19 digits, or such with most of them masked."""
    compact = re.sub(r"[ -]", "", text)
    return 12 <= len(compact) <= 19 and re.fullmatch(r"[\d*xX]+", compact) is not None


def is_card(text: str) -> bool:
    compact = re.sub(r"[ -]", "", text)
    return (
        compact.isascii() and compact.isdigit() and 13 <= len(compact) <= 19 and compact[0] in "3456" and luhn(compact)
    )


def is_ip(text: str) -> bool:
    address, _, prefix = text.partition("/")
    if ("." not in address and ":" not in address) or (prefix and not prefix.isdigit()):
        return False
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def is_mac(text: str) -> bool:
    return _MAC.fullmatch(text) is not None


def is_ssn(text: str) -> bool:
    return _SSN.fullmatch(text) is not None


def is_url_with_user(text: str) -> bool:
    return _URL_USER.match(text) is not None


def is_phone(text: str) -> bool:
    return 6 <= sum(map(str.isdigit, text)) <= 18 and _PHONE.fullmatch(text) is not None


def is_international_phone(text: str) -> bool:
    return _INTERNATIONAL.fullmatch(text) is not None and (text[0] == "+" or not text.isdigit())


def is_written_phone(text: str) -> bool:
    """Nine digits or more with what is put between them; no book number, no time."""
    digits = sum(map(str.isdigit, text))
    return 9 <= digits <= 15 and digits < len(text) and not text.startswith(("978", "979")) and is_phone(text)


def is_name(text: str) -> bool:
    """Begins with a letter, no digits but a few at a word's end, at most six words."""
    if text.isalpha():
        return len(text) <= 80
    return len(text) <= 80 and len(text.split()) <= 6 and _NAME.fullmatch(_SHORT_NUMBER.sub("", text)) is not None


def is_street(text: str) -> bool:
    return _STREET.search(text) is not None and not is_email(text)


def is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None


def is_id_number(text: str) -> bool:
    return _ID_NUMBER.fullmatch(text) is not None and any(map(str.isdigit, text))


def is_prose(text: str) -> bool:
    return len(text.split()) >= 5


def mentions_person(text: str) -> bool:
    """Holds an e-mail address or a phone number inside other words."""
    return _INSIDE_EMAIL.search(text) is not None or _INSIDE_PHONE.search(text) is not None
