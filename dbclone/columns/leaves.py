"""Personal data inside JSON documents and arrays: found leaf by leaf, as in columns, by key and by content."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from dbclone.columns import array_text
from dbclone.columns.documents import Json
from dbclone.privacy.pii import MODELLED, PiiEvidence, detect_pii
from dbclone.schema import Column, SqlType, TypeFamily

Path = tuple[str, ...]
"""Keys from the outside in; the items of a list stand at the list's own path."""
_SAMPLE = 1_000
_TEXT = SqlType(TypeFamily.TEXT, "text")
NOT_PARSED = object()
"""Stands for a text that does not parse (None is JSON's own null)."""


def parsed(texts: Sequence[str | None], type: SqlType) -> list[object]:  # noqa: A002
    """The values that texts stand for."""
    if type.family is TypeFamily.ARRAY:
        return [NOT_PARSED if text is None else array_text.read(text, type) for text in texts]
    return [NOT_PARSED if text is None else parse_json(text) for text in texts]


def parse_json(text: str) -> object:
    """What a JSON text stands for, or NOT_PARSED."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return NOT_PARSED


def personal_leaves(column: Column, documents: Sequence[object]) -> Mapping[Path, PiiEvidence]:
    """Evidence by path; ``documents`` are parsed, at most some thousand are looked at."""
    strings: dict[Path, list[str]] = defaultdict(list)
    keys: dict[Path, dict[str, None]] = defaultdict(dict)
    for document in documents[:_SAMPLE]:
        for path, value in _leaves(document, ()):  # type: ignore[arg-type]
            strings[path].append(value)
            keys[path[:-1]][path[-1] if path else column.name] = None
    found: dict[Path, PiiEvidence] = {}
    for path, values in strings.items():
        name = path[-1] if path else column.name
        evidence = detect_pii(None, Column(name, _TEXT), pa.array(values, pa.string()), tuple(keys[path[:-1]]))
        if evidence is not None and evidence.kind not in MODELLED:
            found[path] = evidence
    return found


def describe(found: Mapping[Path, PiiEvidence]) -> str:
    """What was found where, for a plan's reader."""
    return "; ".join(f"inside, {'.'.join(path) or 'items'}: {e.kind}, {e.evidence}" for path, e in found.items())


def _leaves(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for key, child in value.items():
                yield from _leaves(child, (*path, key))
        case list():
            for item in value:
                yield from _leaves(item, path)
