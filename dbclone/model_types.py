"""Whether what a model file holds is of the types that its classes declare.

A file is read back by the names of classes and fields, and Python does not look whether a number stands where the class
says number.  Wrong ones would be found deep in generation, or not at all.
"""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from functools import cache


def is_well_typed(value: object) -> bool:
    """Whether a tree of dataclasses has in each field, all the way down, what the field's annotation says."""
    if isinstance(value, tuple):
        return all(map(is_well_typed, value))
    if not is_dataclass(value):
        return True
    hints = _hints(type(value))  # type: ignore[arg-type]  # an instance, as it came out of a file
    held = ((getattr(value, f.name), hints.get(f.name, object)) for f in fields(value) if f.init)
    return all(_fits(part, hint) and is_well_typed(part) for part, hint in held)


@cache
def _hints(cls: type) -> dict[str, object]:
    return typing.get_type_hints(cls)


def _fits(value: object, hint: object) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and _all_fit(value, arguments)
    if origin is typing.Literal:
        return value in arguments
    if hint in (int, float):
        return isinstance(value, (int, float) if hint is float else int) and not isinstance(value, bool)
    plain = type(None) if hint is None else origin or hint
    return not isinstance(plain, type) or plain is object or isinstance(value, plain)


def _all_fit(values: tuple[object, ...], hints: tuple[object, ...]) -> bool:
    if len(hints) == 2 and hints[1] is Ellipsis:
        return all(_fits(value, hints[0]) for value in values)
    return len(values) == len(hints) and all(map(_fits, values, hints))
