"""The mapping of an export as a small TOML file that people can change."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from stream.errors import ImportFileError
from stream.imports.import_fields import MEANINGS
from stream.imports.mapping import Mapping
from stream.imports.names import compared

__all__ = ["read_mapping", "write_mapping"]

_HEAD: Final = """\
# What the columns of the export are. Change what is wrong and run the same command again.
"""
_WORDS: Final = (
    ("system", "shop system, or generic: order numbers are told apart by it"),
    ("title", "for you"),
    ("content", "orders or customers"),
    (
        "amounts",
        "order: the amount is that of the whole order; line: of a line of it; price: quantity times price; auto",
    ),
    ("dates", "dmy or mdy, where the dates do not tell"),
    ("decimal", ". or , where the amounts do not tell"),
    ("currency", "of amounts that name none, such as EUR"),
    ("timezone", "of times that name none, such as Europe/Berlin"),
    ("sales", "words of the event of rows that are orders, if others are not; refunds are found without"),
    ("items", "events of rows that say what is in an order whose total is in another row"),
)


def write_mapping(path: Path, mapping: Mapping, header: Sequence[str]) -> None:
    """Write `mapping`, with a comment to each line and what other columns and fields there are."""
    lines = [_HEAD]
    lines += [f"{_pair(name, getattr(mapping, name))}  # {text}" for name, text in _WORDS]
    lines += ["", "[columns]"]
    lines += [f"{_pair(field, column)}  # {MEANINGS[field]}" for field, column in mapping.columns.items()]
    lines += [f'# {field} = ""  # {meaning}' for field, meaning in MEANINGS.items() if field not in mapping.columns]
    used = {*mapping.columns.values()}
    lines += ["", "# Columns without a use so far:"]
    lines += [f"# {json.dumps(name, ensure_ascii=False)}" for name in header if name and name not in used]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise ImportFileError(f"{path}: cannot be written: {error.strerror}") from error


def _pair(name: str, value: str | Sequence[str]) -> str:
    # a JSON string without escapes of characters outside of Unicode's first plane is a basic string of TOML
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"


def read_mapping(path: Path, header: Sequence[str], source: str) -> Mapping:
    """Read a mapping for a table with `header`. Raises `ImportFileError` that says what in it is wrong."""
    try:
        mapping = msgspec.toml.decode(path.read_bytes(), type=Mapping)
    except OSError as error:
        raise ImportFileError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ImportFileError(f"{path}: {error}") from error
    columns: dict[Any, str] = {}
    by_name = {compared(name): name for name in reversed(header) if name}
    for field, column in mapping.columns.items():
        if not column:
            continue
        found = column if column in header else by_name.get(compared(column))
        if found is None:
            raise ImportFileError(
                f"{path}: {field} = {column!r}: {source} has no such column; it has"
                f" {', '.join(repr(name) for name in header if name)}"
            )
        columns[field] = found
    return msgspec.structs.replace(mapping, columns=columns)
