"""What is kept under pseudonyms and keys, as people may read it."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from html import escape
from types import TracebackType
from typing import Final, Self

import msgspec

from stream.catalogue.identifiers import CUSTOMER
from stream.privacy.ciphertexts import CIPHERTEXT, PSEUDONYM, may_conceal
from stream.privacy.concealing import PACKED
from stream.privacy.person_keys import KeyedPerson, PersonKeys
from stream.settings import Settings

__all__ = ["UNREADABLE", "Revealer"]

#: Stands for what nobody can read any more.
UNREADABLE: Final = "(erased)"
_MARKS: Final = re.compile(f"{PSEUDONYM.pattern}|{CIPHERTEXT.pattern}")
_JSON: Final = msgspec.json.Encoder().encode

#: How what is found in the place of a match is written there.
Writing = Callable[[str, re.Match[str]], str]


class Revealer:
    """Puts ids and texts back for people who read. A pseudonym without a key stays as it is."""

    def __init__(self, keys: PersonKeys | None) -> None:
        self._keys = keys

    @classmethod
    def of(cls, settings: Settings) -> Revealer:
        """That of an installation; without `privacy_keys` it changes nothing."""
        return cls(PersonKeys.of(settings))

    @property
    def is_needed(self) -> bool:
        """Whether anything is concealed."""
        return self._keys is not None

    def text(self, text: str) -> str:
        """``text`` with ids and clear texts in it. Raises `StorageError` while the key store is away."""
        return self._written(text, lambda clear, _: clear)

    def json(self, value: str) -> str:
        """A document in JSON, or several, in which strings are revealed."""
        return self._written(value, lambda clear, _: _JSON(clear).decode()[1:-1])

    def html(self, page: str) -> str:
        """A page with ids and clear texts in it, but with what stands for them in its addresses and forms."""
        return self._written(page, lambda clear, match: match[0] if _in_address(match) else escape(clear))

    def table(self, text: str) -> str:
        """Lines for people: an id that is shorter than its pseudonym is filled up, so that columns stay."""
        return self._written(text, lambda clear, match: clear.ljust(len(match[0])) if _is_cell(match) else clear)

    def pseudonyms(self, ids: Iterable[str]) -> dict[str, str]:
        """What stands for each id; the id itself where there is no key for it."""
        wanted = [*ids]
        found = {} if self._keys is None else self._keys.known(wanted)
        return {one: found[one].customer_id if one in found else one for one in wanted}

    def close(self) -> None:
        """Let go of the key store."""
        if self._keys is not None:
            self._keys.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _written(self, text: str, writing: Writing) -> str:
        if self._keys is None or not may_conceal(text):
            return text
        persons = self._keys.by_body(match[1] or match[2] for match in _MARKS.finditer(text))
        return _MARKS.sub(lambda match: _revealed(persons, writing, match), text)


def _revealed(persons: Mapping[str, KeyedPerson], writing: Writing, match: re.Match[str]) -> str:
    person = persons.get(match[1] or match[2])
    if person is None:
        return match[0] if match[1] else UNREADABLE
    if match[1]:
        return writing(person.clear.removeprefix(f"{CUSTOMER}:"), match)
    try:
        text = person.decrypt(match[3])
    except ValueError:
        return match[0]
    if text.startswith(PACKED):
        text = zlib.decompress(b64decode(text.removeprefix(PACKED))).decode()
    return writing(text, match)


def _in_address(match: re.Match[str]) -> bool:
    """Whether it is a part of an address, or what a form sends: pages ask by what is stored."""
    return match.start() > 0 and match.string[match.start() - 1] in "/=\"'"


def _is_cell(match: re.Match[str]) -> bool:
    """Whether a pseudonym fills a place of a table: more than one blank, or a rule, follows."""
    return match[1] is not None and match.string[match.end() : match.end() + 2] in {"  ", " │", " |"}
