"""Reading and checking the notification file. All errors are reported at once, each with its place."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from stream.declarations import did_you_mean
from stream.errors import SettingsError
from stream.notifications.config import Config, DeliveryChannel, Rule, Template
from stream.urls import presentable

__all__ = ["load", "parse"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.?(?:\[(\d+)\]|([\w-]+)|\[\.\.\.\])")
_UNKNOWN_FIELD = re.compile(r"unknown field `(?P<field>[^`]*)`")
_CLOCK_FIELDS: Final = ("from", "to", "at")
#: Checked one by one below, so that an error names the channel, template or rule.
_NAMED: Final = ("channels", "templates", "rules")
_Say = Callable[[str], None]


def load(path: str | Path, env: Mapping[str, str]) -> Config:
    """Read the notification file. Raises `SettingsError` that lists all that is wrong with it."""
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the notification file {path} cannot be read: {error}") from error
    return parse(text, env, source=str(path))


def parse(text: str, env: Mapping[str, str], *, source: str) -> Config:
    """The configuration that ``text`` (YAML) means; ``${NAME}`` in URLs is taken from ``env``."""
    try:
        raw = yaml.load(text, _UniqueKeys)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise SettingsError(f"{source}: not YAML: {_yaml_problem(error)}") from error
    if not isinstance(raw, dict):
        raise SettingsError(f"{source}: expected channels, templates and rules, got {_shown(raw)}")
    problems: list[str] = []
    config = _assemble(raw, env, problems.append)
    if config is not None and not problems:
        problems += _contradictions(config)
    if config is None or problems:
        raise SettingsError("\n".join(f"{source}: {problem}" for problem in problems))
    return config


class _UniqueKeys(yaml.SafeLoader):
    """Safe YAML in which a key given twice is an error: the first would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if repeated := next((key for key in keys if keys.count(key) > 1 and key != "<<"), None):
            raise yaml.constructor.ConstructorError(None, None, f"{repeated!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _assemble(raw: dict[Any, Any], env: Mapping[str, str], say: _Say) -> Config | None:
    channels = _named(raw, "channels", DeliveryChannel, say)
    for name, channel in channels.items():
        for variable in _VARIABLE.findall(channel.url):
            if not env.get(variable):
                say(f"channel {name}: url: the environment variable {variable} is not set")
        url = _with_variables(channel.url, env)
        channels[name] = msgspec.structs.replace(channel, url=url)
    templates = _named(raw, "templates", Template, say)
    rules = [
        rule
        for number, entry in enumerate(_listed(raw, "rules", say), 1)
        if (rule := _converted(entry, Rule, f"rule {number}{_name_of(entry)}", say)) is not None
    ]
    rest = {name: value for name, value in raw.items() if name not in _NAMED}
    top: Config | None = _converted({**rest, "channels": {}, "templates": {}, "rules": []}, Config, "", say)
    if top is None:
        return None
    return msgspec.structs.replace(top, channels=channels, templates=templates, rules=rules)


def _named(raw: dict[Any, Any], field: str, kind: Any, say: _Say) -> dict[str, Any]:
    entries = raw.get(field)
    if not isinstance(entries, dict) or not entries:
        say(f"{field}: expected at least one, by name, got {_shown(entries)}")
        return {}
    converted = {}
    for name, entry in entries.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            say(f"{field}: {_shown(name)} is no name: expected small letters, digits, - and _, at most 50")
        elif (value := _converted(entry, kind, f"{field.removesuffix('s')} {name}", say)) is not None:
            converted[name] = value
    return converted


def _listed(raw: dict[Any, Any], field: str, say: _Say) -> list[Any]:
    entries = raw.get(field)
    if isinstance(entries, list) and entries:
        return entries
    say(f"{field}: expected a list of at least one, got {_shown(entries)}")
    return []


def _converted(entry: Any, kind: Any, where: str, say: _Say) -> Any:
    """``entry`` as ``kind``, or None after saying what is wrong and where."""
    try:
        return msgspec.convert(entry, kind)
    except msgspec.ValidationError as error:
        found = _WHERE.match(str(error))
        what, path = (found["what"], found["path"] or "") if found else (str(error), "")
        place = path.lstrip(".")
        unknown = _UNKNOWN_FIELD.search(what)
        if presentable(what) != what:
            what = "unknown field" if unknown else "invalid value"
        if unknown:
            got = did_you_mean(unknown["field"], _fields(kind, path)).removeprefix("; ")
        else:
            value = _at(entry, path)
            got = f"got {_shown(value)}{_hint(place, value)}"
        say(": ".join(filter(None, [where, place, f"{what[:1].lower()}{what[1:]}{', ' if got else ''}{got}"])))
        return None


def _fields(kind: Any, path: str) -> list[str]:
    """Names of the fields of the part of ``kind`` at ``path``."""
    for _, name in _STEP.findall(path):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
        of_part = fields.get(name)
        parts = [part for part in (of_part, *getattr(of_part, "__args__", ())) if hasattr(part, "__struct_fields__")]
        if name and parts:
            kind = parts[0]
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _at(entry: Any, path: str) -> Any:
    for index, name in _STEP.findall(path):
        try:
            entry = entry[int(index)] if index else entry[name]
        except (KeyError, IndexError, TypeError):
            return entry
    return entry


def _hint(place: str, value: Any) -> str:
    if isinstance(value, int) and any(re.search(rf"(^|\.){field}\b", place) for field in _CLOCK_FIELDS):
        return ': put the time in quotes, such as "20:00"'
    return ""


def _shown(value: Any) -> str:
    if isinstance(value, str):
        value = presentable(value)
    text = "nothing" if value is None else repr(value)
    if presentable(text) != text:
        return f"a {type(value).__name__} that is not shown, as it may hold a password"
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - a line for people


def _yaml_problem(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the lines themselves, which may hold a URL with a password."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return "it holds characters that YAML does not allow"
    mark = error.problem_mark or error.context_mark
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{' '.join((error.problem or error.context or 'it cannot be read').split())}{place}"


def _name_of(entry: Any) -> str:
    return f" ({entry['name']})" if isinstance(entry, dict) and isinstance(entry.get("name"), str) else ""


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
            yield f"digest: {_no_such('template', digest.template, config.templates)}"
        if channel.collect_minutes:
            yield "collect_minutes has no effect on a digest: leave it out"
    for hours in channel.quiet_hours:
        if hours.start == hours.end:
            yield f"quiet_hours: from {hours.start} to {hours.end} is no time; leave both out for whole days"


def _of_rule(rule: Rule, config: Config) -> Iterator[str]:
    known = [config.channels[name] for name in rule.channels if name in config.channels]
    yield from (_no_such("channel", name, config.channels) for name in rule.channels if name not in config.channels)
    if any(channel.digest is None for channel in known) and rule.template not in config.templates:
        yield _no_such("template", rule.template, config.templates)


def _zones(config: Config) -> Iterator[str]:
    zones = {"": config.time_zone, **{f"channel {n}: ": c.time_zone for n, c in config.channels.items()}}
    for where, zone in zones.items():
        try:
            ZoneInfo(zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield f"{where}time_zone: expected a name such as Europe/Berlin, got {zone!r}"


def _no_such(what: str, name: str, known: Mapping[str, object]) -> str:
    return f"there is no {what} {name!r}{did_you_mean(name, known)}"
