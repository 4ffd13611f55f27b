"""Reading YAML files that people write: all mistakes at once, each with its place and what came instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from stream.declarations import did_you_mean
from stream.errors import SettingsError
from stream.urls import presentable

__all__ = ["Say", "converted", "listed", "name_of", "named", "no_such", "read_mapping", "read_text", "shown"]

#: Takes a sentence about a mistake.
Say = Callable[[str], None]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.?(?:\[(\d+)\]|([\w-]+)|\[\.\.\.\])")
_UNKNOWN_FIELD = re.compile(r"unknown field `(?P<field>[^`]*)`")
#: Values and keys of a file, when every alias is written out.
_MAX_PARTS: Final = 200_000
_CLOCK_FIELDS: Final = ("from", "to", "at")


def read_text(path: str | Path, what: str) -> str:
    """The text of a file. Raises `SettingsError` if ``what`` cannot be read."""
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{what} {path} cannot be read: {error}") from error


def read_mapping(text: str, *, source: str, expected: str) -> dict[Any, Any]:
    """The keys and values of a YAML text. Raises `SettingsError`, which says where it is wrong."""
    try:
        raw = yaml.load(text, _UniqueKeys)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise SettingsError(f"{source}: not YAML: {_yaml_problem(error)}") from error
    except (ValueError, RecursionError) as error:
        # of what looks like a day or a number and is none, PyYAML tells no place
        why = "its parts are too deep" if isinstance(error, RecursionError) else f"a value cannot be read: {error}"
        raise SettingsError(f"{source}: not YAML: {why}") from error
    if not isinstance(raw, dict):
        raise SettingsError(f"{source}: expected {expected}, got {shown(raw)}")
    return raw


class _UniqueKeys(yaml.SafeLoader):
    """Safe YAML in which a key given twice is an error: the first would be lost without a word.

    So is a text whose aliases (``*name``) make it much longer than it is, or that holds itself: a few lines of them
    would fill the memory.
    """

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            _parts_of(node, {})
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is given twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _parts_of(node: yaml.Node, known: dict[int, int]) -> int:
    """How many parts a node has when every alias is written out. ``known``: of nodes, 0: it is being counted."""
    if (found := known.get(id(node))) is not None:
        if found == 0:
            raise yaml.constructor.ConstructorError(None, None, "an alias stands in what it names", node.start_mark)
        return found
    known[id(node)] = 0
    parts = 1
    if isinstance(node, yaml.SequenceNode):
        parts += sum(_parts_of(one, known) for one in node.value)
    elif isinstance(node, yaml.MappingNode):
        parts += sum(_parts_of(key, known) + _parts_of(value, known) for key, value in node.value)
    if parts > _MAX_PARTS:
        raise yaml.constructor.ConstructorError(None, None, "its aliases make it too long", node.start_mark)
    known[id(node)] = parts
    return parts


def named(raw: dict[Any, Any], field: str, kind: Any, say: Say) -> dict[str, Any]:
    """Entries by name, each as ``kind``; those with mistakes are left out."""
    entries = raw.get(field)
    if not isinstance(entries, dict) or not entries:
        say(f"{field}: expected at least one, by name, got {shown(entries)}")
        return {}
    found = {}
    for name, entry in entries.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            say(f"{field}: {shown(name)} is no name: expected small letters, digits, - and _, at most 50")
        elif (value := converted(entry, kind, f"{field.removesuffix('s')} {name}", say)) is not None:
            found[name] = value
    return found


def listed(raw: dict[Any, Any], field: str, say: Say) -> list[Any]:
    """A list of at least one."""
    entries = raw.get(field)
    if isinstance(entries, list) and entries:
        return entries
    say(f"{field}: expected a list of at least one, got {shown(entries)}")
    return []


def converted(entry: Any, kind: Any, where: str, say: Say) -> Any:
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
            got = f"got {shown(value)}{_hint(place, value)}"
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


def shown(value: Any) -> str:
    """A value for people, unless it may hold a password."""
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


def name_of(entry: Any) -> str:
    """The name of an entry of a list, for a message."""
    return f" ({entry['name']})" if isinstance(entry, dict) and isinstance(entry.get("name"), str) else ""


def no_such(what: str, name: str, known: Mapping[str, object]) -> str:
    """What to say of a name that is none."""
    return f"there is no {what} {name!r}{did_you_mean(name, known)}"
