"""LIKE, GLOB, SIMILAR TO and PostgreSQL's regular expressions as patterns of one kind (RE2)."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

_ESCAPES = {"m": r"\b", "M": r"\b", "y": r"\b", "Y": r"\B", "Z": r"\z", "W": r"[^\p{L}\p{N}_]", "w": r"[\p{L}\p{N}_]"}
"""PostgreSQL's escapes that have other names; word boundaries at either end are taken for one."""
_SET_ESCAPES = {"w": r"\p{L}\p{N}_"}
_PLAIN_ESCAPES = frozenset("dDsSAntrfv")
_CLASSES = {
    "[:alpha:]": r"\p{L}", "[:alnum:]": r"\p{L}\p{N}", "[:upper:]": r"\p{Lu}", "[:lower:]": r"\p{Ll}",
    "[:digit:]": r"\d", "[:space:]": r"\s", "[:punct:]": "[:punct:]", "[:xdigit:]": "[:xdigit:]",
}  # fmt: skip
"""Classes of characters, not of ASCII alone."""
_PIECE = re.compile(r"\\(?P<escape>.)|(?P<name>\[:\w+:\])|(?P<open>\[\^?\]?)|.", re.DOTALL)


def like(pattern: str, escape: str | None, folded: bool) -> str | None:
    """A LIKE pattern; ``folded``: the case of ASCII letters does not count.  None if it ends in the escape sign."""
    parts, at = [], 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == escape:
            at += 1
            if at == len(pattern):
                return None
            parts.append(_letter(pattern[at], folded))
        else:
            parts.append({"%": ".*", "_": "."}.get(sign) or _letter(sign, folded))
        at += 1
    return _whole("".join(parts))


def glob(pattern: str) -> str | None:
    """A GLOB pattern of SQLite; None if a bracket is not closed."""
    parts, at = [], 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "[":
            end = pattern.find("]", at + (3 if pattern[at + 1 : at + 2] == "^" else 2))
            if end < 0:
                return None
            parts.append(_set(pattern[at + 1 : end]))
            at = end
        else:
            parts.append({"*": ".*", "?": "."}.get(sign) or re.escape(sign))
        at += 1
    return _whole("".join(parts))


def _set(inside: str) -> str:
    negated = inside.startswith("^")
    body = re.sub(r"([][^\\])", r"\\\1", inside[1:] if negated else inside)
    return f"[^{body}]" if negated else f"[{body}]"


def _whole(body: str) -> str:
    return rf"(?s)\A{body}\z"


def _letter(sign: str, folded: bool) -> str:
    if folded and sign.isascii() and sign.isalpha():
        return f"[{sign.lower()}{sign.upper()}]"
    return re.escape(sign)


def similar(pattern: str) -> str | None:
    """A SIMILAR TO pattern without escapes."""
    if "\\" in pattern or "." in pattern or "^" in pattern.replace("[^", "") or "$" in pattern:
        return None
    return _tested(_whole(f"(?:{pattern.replace('%', '.*').replace('_', '.')})"))


def regular(pattern: str, folded: bool) -> str | None:
    """A regular expression of PostgreSQL; None where it means something else here, or cannot be read."""
    if pattern.startswith("***") or re.match(r"\(\?[a-z]*[^i:a-z)=!<]", pattern):
        return None
    if pattern.startswith("(?i)"):
        pattern, folded = pattern[4:], True
    parts, within = [], False
    for piece in _PIECE.finditer(pattern):
        found = _piece(piece, within)
        if found is None:
            return None
        parts.append(found)
        within = (within or piece.group("open") is not None) and piece.group() != "]"
    return _tested(f"(?{'i' if folded else ''}s)" + "".join(parts))


def _piece(piece: re.Match[str], within: bool) -> str | None:
    """A sign, escape or class of a regular expression, in or outside brackets."""
    letter, name, whole = piece.group("escape"), piece.group("name"), piece.group()
    if name is not None:
        return _CLASSES.get(name) if within else None
    if letter is not None:
        found = (_SET_ESCAPES if within else _ESCAPES).get(letter)
        usual = letter in _PLAIN_ESCAPES or not letter.isalnum()
        return found or ("\\" + letter if usual else None)
    return rf"\{whole}" if within and whole[0] == "[" else whole.replace("]", r"\]") if whole != "]" else whole


def _tested(pattern: str) -> str | None:
    """The pattern, if either of the two engines that serve for it can read it."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern=pattern)
    except pa.ArrowInvalid:
        try:
            re.compile(pattern.replace(r"\z", r"\Z"))
        except re.error:
            return None
        return None if "[[:" in pattern or r"\z" in pattern else pattern
    return pattern
