"""Every way a run can end badly, each with one exit code; messages name tables and columns, never data or secrets."""


class DbcloneError(Exception):
    """Base of all foreseen failures.  ``exit_code`` is what the command line returns."""

    exit_code = 1


class UsageError(DbcloneError):
    """An option or argument cannot be meant as written (unknown table in --tables, malformed --rows, bad URL)."""

    exit_code = 2


class ConnectionFailed(DbcloneError):
    """The server cannot be reached, or refuses the credentials; ``wants_password``: it asks for one that is missing."""

    exit_code = 3

    def __init__(self, message: str, *, wants_password: bool = False) -> None:
        super().__init__(message)
        self.wants_password = wants_password


class SourceError(DbcloneError):
    """The source is missing, not a database, empty, or may not be read."""

    exit_code = 4


class TargetError(DbcloneError):
    """The target is the source, is not empty, or may not be written."""

    exit_code = 5


class SourceChanged(DbcloneError):
    """The source was altered while it was read and the dialect gives no snapshot."""

    exit_code = 6


class PlanError(DbcloneError):
    """The schema cannot be cloned as asked; the message names the table and what to do."""

    exit_code = 7


class EngineLimitError(DbcloneError):
    """The schema exceeds what the chosen engine can do; the message names the limit."""

    exit_code = 8


class ModelFileError(DbcloneError):
    """A model file is truncated, altered, of another version, or not a model file."""

    exit_code = 9


class WriteError(DbcloneError):
    """Loading the target failed (out of space, connection lost); the target is as it was before."""

    exit_code = 10


class IntegrityError(DbcloneError):
    """A key or constraint does not hold."""

    exit_code = 11


class MissingExtraError(DbcloneError):
    """An optional dependency is needed; the message says how to install it."""

    exit_code = 12


class AuditFailed(DbcloneError):
    """An attack on a clone was better than the limit that was set."""

    exit_code = 13


INTERRUPTED = 130
"""Exit code after Ctrl-C, by the shell's convention (128 + SIGINT)."""
