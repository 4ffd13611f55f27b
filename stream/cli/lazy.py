"""A group of commands that imports a command's module only when that command runs."""

import errno
from collections.abc import Mapping
from importlib import import_module
from typing import IO, Any, Final

import click

from stream.errors import SettingsError, StreamError

__all__ = ["LazyGroup"]

#: `sqlite3.SQLITE_FULL`
_SQLITE_FULL: Final = 13


class _Failure(click.ClickException):
    """An error of ours on its way to the terminal: one clear line instead of a traceback."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"stream: {self.message}", file=file, err=file is None)


class LazyGroup(click.Group):
    """A group over a table ``name -> (module:attribute, short help)``.

    A `SettingsError` ends the program with status 2, any other `StreamError` with status 1; both are shown as
    their message. So is a disk that is full, with status 1. Other exceptions are defects and keep their traceback.
    """

    def __init__(self, *args: Any, commands_by_name: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = commands_by_name

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._table})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._table:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._table[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self._table[cmd_name][0]} is {type(command).__name__}, not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(self._table.items())])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise _Failure(str(error), 2) from error
        except StreamError as error:
            if not _is_about_a_full_disk(error.__cause__):
                raise _Failure(str(error), 1) from error
            raise _Failure(f"{error}. Make room on the disk, then run this again", 1) from error
        except Exception as error:
            if not _is_about_a_full_disk(error):
                raise
            where = f" for {name}" if (name := getattr(error, "filename", None)) else ""
            raise _Failure(f"the disk is full, there is no room{where}: make some, then run this again", 1) from error


def _is_about_a_full_disk(error: BaseException | None) -> bool:
    """Also as SQLite says it, which is not imported for that: it would take time at every start."""
    is_of_system = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    return is_of_system or getattr(error, "sqlite_errorcode", None) == _SQLITE_FULL
