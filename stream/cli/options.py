"""Settings as options of a command."""

import functools
import os
from collections.abc import Callable
from dataclasses import Field, fields
from itertools import groupby
from typing import Any

import click

from stream.cli.reach import Local, reach
from stream.cli.revealed_output import revealed_output
from stream.settings import ENV_PREFIX, Settings

__all__ = ["SettingsCommand", "SettingsGroup", "with_settings"]

_METAVARS: dict[object, str] = {int: "INTEGER", float: "NUMBER", str: "TEXT"}


class _SettingOption(click.Option):
    """An option that sets the setting of the same name; knows its heading in ``--help``."""

    def __init__(self, declaration: Field[Any]) -> None:
        name, default, bounds = declaration.name, declaration.default, declaration.metadata
        self.heading = f"Settings: {bounds['group']}"
        flag = name.replace("_", "-")
        shown = f"  [{default}]" if default is not False and default != "" else ""
        super().__init__(
            [f"--{flag}/--no-{flag}" if declaration.type is bool else f"--{flag}"],
            default=None,
            metavar="|".join(filter(None, bounds["choices"])) or _METAVARS.get(declaration.type),
            help=f"{bounds['help']}{shown}",
        )


class SettingsCommand(click.Command):
    """A command whose ``--help`` shows settings under headings of their own, after its other options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        params = self.get_params(ctx)
        own = [param for param in params if not isinstance(param, _SettingOption)]
        with formatter.section("Options"):
            formatter.write_dl([record for param in own if (record := param.get_help_record(ctx))])
        settings = [param for param in params if isinstance(param, _SettingOption)]
        for heading, options in groupby(settings, key=lambda option: option.heading):
            with formatter.section(f"{heading} (or {ENV_PREFIX}...)"):
                formatter.write_dl([record for option in options if (record := option.get_help_record(ctx))])


class SettingsGroup(SettingsCommand, click.Group):
    """A group that is a command of its own as well; its ``--help`` ends with the commands below it."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def with_settings(*groups: str, local: Local = Local.FIND) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the settings of ``groups`` (none: all) as options, and `Settings` as its first argument.

    A command of the groups Kafka, Redis or Directory finds a running ``stream up`` when no address is set, or with
    ``local`` starts what it needs (see `stream.cli.reach`).

    Secrets have no option, as the arguments of a process are visible to every user of the machine.
    Raises `SettingsError` when the command runs with wrong settings.
    """
    known = {declaration.metadata["group"] for declaration in fields(Settings)}
    if unknown := {*groups} - known:
        raise ValueError(f"no such group of settings: {unknown}; there are {known}")
    connects = not groups or bool({"Kafka", "Redis", "Directory"} & {*groups})
    shown = {*groups, "Data"} if connects else {*groups}
    wanted = [
        declaration
        for declaration in fields(Settings)
        if not declaration.metadata["secret"] and (not groups or declaration.metadata["group"] in shown)
    ]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(**given: Any) -> Any:
            overrides = {declaration.name: given.pop(declaration.name) for declaration in wanted}
            context = click.get_current_context(silent=True)
            command = "" if context is None else context.command_path.partition(" ")[2]
            where = local if connects else Local.NEVER
            with (
                reach(os.environ, overrides, where, command=command) as settings,
                revealed_output(settings, as_json=bool(given.get("as_json"))),
            ):
                return function(settings, **given)

        # click collects the parameters of a function in reverse order of their declaration.
        own = getattr(function, "__click_params__", [])
        run.__click_params__ = [*map(_SettingOption, reversed(wanted)), *own]  # type: ignore[attr-defined]
        return run

    return decorate
