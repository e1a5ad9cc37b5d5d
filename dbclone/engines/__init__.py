"""The engines by name.  Each is imported only when it is chosen: some are heavy, some are optional."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from dbclone.abc import Engine
from dbclone.errors import UsageError

_CLASSES = {
    "forest": ("dbclone.engines.forest", "ForestEngine"),
    "hma": ("dbclone.engines.hma", "HMAEngine"),
}
_NOT_STORABLE = frozenset({"hma"})
"""Engines whose models are objects of another library, which only a pickle could hold."""


def names() -> tuple[str, ...]:
    """The engines there are, the default one first."""
    return tuple(_CLASSES)


def choose(name: str) -> Engine:
    """A new engine of that name; UsageError if there is none, MissingExtraError if its extra is not installed."""
    if name not in _CLASSES:
        raise UsageError(f"There is no engine {name!r}; there are {' and '.join(_CLASSES)}.")
    module, attribute = _CLASSES[name]
    return cast("Engine", getattr(import_module(module), attribute)())


def refuse_unstorable(name: str) -> None:
    """Raise UsageError if the models of that engine cannot be written to a file."""
    if name in _NOT_STORABLE:
        raise UsageError(f"Models of engine {name} cannot be written to a file: use 'dbclone copy' or --engine forest.")
