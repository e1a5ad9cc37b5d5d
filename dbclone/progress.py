"""How far a run is: bars on a terminal, plain lines in a pipe, nothing when asked to be quiet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from dbclone.abc import Progress
    from dbclone.schema import TableName

LINE_EVERY = 10.0
"""Seconds between two lines of the same phase."""


class ClosableProgress(Protocol):
    """A ``Progress`` that is told when the run is over."""

    def phase(self, name: str, total: int) -> None: ...

    def advance(self, amount: int, table: TableName | None = None) -> None: ...

    def close(self) -> None: ...


@contextmanager
def open_progress(stream: TextIO, quiet: bool = False) -> Iterator[Progress]:
    """The display that fits ``stream``: ``Bars`` on a terminal, else ``Lines``; ``Silent`` if ``quiet``."""
    display: ClosableProgress = Silent() if quiet else Bars(stream) if stream.isatty() else Lines(stream)
    try:
        yield display
    finally:
        display.close()


class Silent:
    """Says nothing."""

    def phase(self, name: str, total: int) -> None:
        pass

    def advance(self, amount: int, table: TableName | None = None) -> None:
        pass

    def close(self) -> None:
        pass


class Lines:
    """One line when a phase ends and, in a long one, one every ten seconds: for pipes and logs."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = Lock()
        self._name = ""
        self._total = self._done = 0
        self._table: TableName | None = None
        self._began = self._said = clock()

    def phase(self, name: str, total: int) -> None:
        with self._lock:
            self._end()
            self._name, self._total, self._done, self._table = name, total, 0, None
            self._began = self._said = self._clock()

    def advance(self, amount: int, table: TableName | None = None) -> None:
        with self._lock:
            self._done += amount
            self._table = table or self._table
            if self._clock() - self._said >= LINE_EVERY:
                self._said = self._clock()
                self._print(f"{self._name}: {self._amount()}{self._where()}{self._left()}")

    def close(self) -> None:
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._name:
            amount = f"{self._amount()} in " if self._total or self._done else ""
            self._print(f"{self._name}: {amount}{self._clock() - self._began:.1f} s")
        self._name = ""

    def _amount(self) -> str:
        return f"{self._done:,} of {self._total:,}" if self._total > self._done else f"{self._done:,}"

    def _where(self) -> str:
        return f", {self._table}" if self._table else ""

    def _left(self) -> str:
        if not 0.05 * self._total <= self._done < self._total:  # too early, or too late, to tell
            return ""
        seconds = (self._clock() - self._began) * (self._total - self._done) / self._done
        return f", about {seconds:.0f} s left"

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)  # the stream is the caller's


class Bars:
    """A bar per phase with the table, the amount of work done, the time passed and the time left."""

    def __init__(self, stream: TextIO) -> None:
        self._bars = _rich_progress(stream)
        self._bars.start()
        self._task: TaskID | None = None
        self._done = self._total = 0

    def phase(self, name: str, total: int) -> None:
        self._end()
        self._task = self._bars.add_task(name, total=total or None, table="", amount="")
        self._done, self._total = 0, total

    def advance(self, amount: int, table: TableName | None = None) -> None:
        if self._task is None:
            return
        self._done += amount
        shown = {"amount": f"{self._done:,}/{self._total:,}"} if self._total else {}
        if table is not None:
            shown["table"] = str(table)
        self._bars.update(self._task, advance=amount, **shown)  # type: ignore[arg-type]  # rich's own fields come first

    def close(self) -> None:
        self._end()
        self._bars.stop()

    def _end(self) -> None:
        if self._task is not None:
            whole = self._done or 1  # a phase that nobody could measure is as much over as any other
            self._bars.update(self._task, table="", total=whole, completed=whole)
            self._bars.stop_task(self._task)


def _rich_progress(stream: TextIO) -> RichProgress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[amount]:>21}"),
        TimeElapsedColumn(),
        TextColumn("passed,"),
        TimeRemainingColumn(elapsed_when_finished=False),
        TextColumn("left"),
        TextColumn("{task.fields[table]}", markup=False),
        console=Console(file=stream),
    )


class Timed:
    """Passes everything on to another display and remembers how long each phase took."""

    def __init__(self, display: Progress, clock: Callable[[], float] = time.perf_counter) -> None:
        self._display = display
        self._clock = clock
        self._began: list[tuple[str, float]] = []

    def phase(self, name: str, total: int) -> None:
        self._began.append((name, self._clock()))
        self._display.phase(name, total)

    def advance(self, amount: int, table: TableName | None = None) -> None:
        self._display.advance(amount, table)

    def seconds(self) -> tuple[tuple[str, float], ...]:
        """Phases in the order in which they first began, each with all its seconds up to now."""
        ends = [began for _, began in self._began[1:]] + [self._clock()]
        spent: dict[str, float] = {}
        for (name, began), end in zip(self._began, ends, strict=True):
            spent[name] = spent.get(name, 0.0) + end - began
        return tuple(spent.items())


class TableOnly:
    """Shows which table an inner step works on, and leaves phase and amount to the outer one."""

    def __init__(self, display: Progress) -> None:
        self._display = display

    def phase(self, name: str, total: int) -> None:
        pass

    def advance(self, amount: int, table: TableName | None = None) -> None:
        self._display.advance(0, table)
