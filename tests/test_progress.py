"""Progress: bars on a terminal, lines in a pipe, silence on request."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator

import pytest

from dbclone.progress import LINE_EVERY, Bars, Lines, Silent, open_progress
from dbclone.schema import TableName

PET = TableName("clinic", "pet")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def terminal() -> Iterator[tuple[io.TextIOWrapper, int]]:
    """A pseudo-terminal: a stream that is one, and the descriptor that reads what a screen would show."""
    screen, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as stream:  # noqa: PTH123
        yield stream, screen
    os.close(screen)


def test_a_pipe_gets_one_line_per_phase() -> None:
    out, clock = io.StringIO(), Clock()
    lines = Lines(out, clock)
    lines.phase("read", 1000)
    lines.advance(1000, PET)
    clock.now += 2
    lines.phase("fit", 3)
    lines.advance(1)
    lines.close()
    assert out.getvalue() == "read: 1,000 in 2.0 s\nfit: 1 of 3 in 0.0 s\n"


def test_a_long_phase_says_where_it_is_and_what_is_left() -> None:
    out, clock = io.StringIO(), Clock()
    lines = Lines(out, clock)
    lines.phase("write", 1000)
    for _ in range(4):
        clock.now += LINE_EVERY / 2
        lines.advance(100, PET)
    assert out.getvalue() == (
        "write: 200 of 1,000, clinic.pet, about 40 s left\nwrite: 400 of 1,000, clinic.pet, about 30 s left\n"
    )


def test_a_phase_of_unknown_size_has_no_total() -> None:
    out, clock = io.StringIO(), Clock()
    lines = Lines(out, clock)
    lines.phase("check", 0)
    clock.now += LINE_EVERY
    lines.advance(7)
    lines.close()
    assert out.getvalue() == "check: 7\ncheck: 7 in 10.0 s\n"


def test_a_terminal_gets_bars_with_phase_table_and_amount(terminal: tuple[io.TextIOWrapper, int]) -> None:
    stream, screen = terminal
    with open_progress(stream) as progress:
        assert isinstance(progress, Bars)
        progress.advance(5)
        progress.phase("read", 1000)
        progress.advance(400, PET)
        progress.phase("check", 0)
        progress.advance(1)
    shown = os.read(screen, 1_000_000).decode()
    assert "read" in shown
    assert "400/1,000" in shown
    assert "check" in shown


def test_a_table_name_is_never_taken_for_markup(terminal: tuple[io.TextIOWrapper, int]) -> None:
    stream, screen = terminal
    with open_progress(stream) as progress:
        progress.phase("read", 10)
        progress.advance(1, TableName("", "[red]odd[/]"))
    os.read(screen, 1_000_000)


def test_a_stream_that_is_no_terminal_gets_lines_and_quiet_gets_nothing() -> None:
    out = io.StringIO()
    with open_progress(out) as progress:
        assert isinstance(progress, Lines)
    with open_progress(out, quiet=True) as progress:
        assert isinstance(progress, Silent)
        progress.phase("read", 1)
        progress.advance(1, PET)
    assert out.getvalue() == ""


def test_the_last_phase_is_told_even_when_the_run_fails() -> None:
    out = io.StringIO()

    def run() -> None:
        with open_progress(out) as progress:
            progress.phase("write", 10)
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        run()
    assert out.getvalue() == "write: 0 of 10 in 0.0 s\n"
