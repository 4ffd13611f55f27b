"""Reading and checking the notification file. All errors are reported at once, each with its place."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from stream.checked_yaml import Say, converted, listed, name_of, named, no_such, read_mapping, read_text
from stream.errors import SettingsError
from stream.notifications.config import Config, DeliveryChannel, Rule, Template

__all__ = ["load", "parse"]

_VARIABLE = re.compile(r"\$\{(\w+)\}")
#: Checked one by one below, so that an error names the channel, template or rule.
_NAMED: Final = ("channels", "templates", "rules")


def load(path: str | Path, env: Mapping[str, str]) -> Config:
    """Read the notification file. Raises `SettingsError` that lists all that is wrong with it."""
    text = read_text(path, "the notification file")
    return parse(text, env, source=str(path))


def parse(text: str, env: Mapping[str, str], *, source: str) -> Config:
    """The configuration that ``text`` (YAML) means; ``${NAME}`` in URLs is taken from ``env``."""
    raw = read_mapping(text, source=source, expected="channels, templates and rules")
    problems: list[str] = []
    config = _assemble(raw, env, problems.append)
    if config is not None and not problems:
        problems += _contradictions(config)
    if config is None or problems:
        raise SettingsError("\n".join(f"{source}: {problem}" for problem in problems))
    return config


def _assemble(raw: dict[Any, Any], env: Mapping[str, str], say: Say) -> Config | None:
    channels = named(raw, "channels", DeliveryChannel, say)
    for name, channel in channels.items():
        for variable in _VARIABLE.findall(channel.url):
            if not env.get(variable):
                say(f"channel {name}: url: the environment variable {variable} is not set")
        url = _with_variables(channel.url, env)
        channels[name] = msgspec.structs.replace(channel, url=url)
    templates = named(raw, "templates", Template, say)
    rules = [
        rule
        for number, entry in enumerate(listed(raw, "rules", say), 1)
        if (rule := converted(entry, Rule, f"rule {number}{name_of(entry)}", say)) is not None
    ]
    rest = {name: value for name, value in raw.items() if name not in _NAMED}
    top: Config | None = converted({**rest, "channels": {}, "templates": {}, "rules": []}, Config, "", say)
    if top is None:
        return None
    return msgspec.structs.replace(top, channels=channels, templates=templates, rules=rules)


def _with_variables(url: str, env: Mapping[str, str]) -> str:
    """``url`` with variables filled in; within a longer URL a value is percent-encoded."""
    whole = _VARIABLE.fullmatch(url) is not None

    def value_of(found: re.Match[str]) -> str:
        value = env.get(found[1], "")
        return value if whole else quote(value, safe="")

    return _VARIABLE.sub(value_of, url)


def _contradictions(config: Config) -> Iterator[str]:
    """What parts that are fine one by one get wrong together."""
    yield from _zones(config)
    for name, channel in config.channels.items():
        yield from (f"channel {name}: {problem}" for problem in _of_channel(channel, config))
    names = [rule.name for rule in config.rules]
    for number, rule in enumerate(config.rules, 1):
        if names.index(rule.name) != number - 1:
            yield f"rule {number} ({rule.name}): another rule has this name"
        yield from (f"rule {number} ({rule.name}): {problem}" for problem in _of_rule(rule, config))
    if config.hold_out.share and not config.hold_out.salt:
        yield "hold_out: a share needs a salt: any text, kept for as long as the effect is measured"


def _of_channel(channel: DeliveryChannel, config: Config) -> Iterator[str]:
    if (digest := channel.digest) is not None:
        if bool(digest.at) == isinstance(digest.every_minutes, int):
            yield "digest: expected every_minutes or at, one of them"
        if digest.template not in config.templates:
            yield f"digest: {no_such('template', digest.template, config.templates)}"
        if channel.collect_minutes:
            yield "collect_minutes has no effect on a digest: leave it out"
    for hours in channel.quiet_hours:
        if hours.start == hours.end:
            yield f"quiet_hours: from {hours.start} to {hours.end} is no time; leave both out for whole days"


def _of_rule(rule: Rule, config: Config) -> Iterator[str]:
    known = [config.channels[name] for name in rule.channels if name in config.channels]
    yield from (no_such("channel", name, config.channels) for name in rule.channels if name not in config.channels)
    if any(channel.digest is None for channel in known) and rule.template not in config.templates:
        yield no_such("template", rule.template, config.templates)


def _zones(config: Config) -> Iterator[str]:
    zones = {"": config.time_zone, **{f"channel {n}: ": c.time_zone for n, c in config.channels.items()}}
    for where, zone in zones.items():
        try:
            ZoneInfo(zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield f"{where}time_zone: expected a name such as Europe/Berlin, got {zone!r}"
