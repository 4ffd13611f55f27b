"""Customers who may be one person, by names and addresses that nearly agree: for people to decide, never applied.

Only customers of one block are compared: those with the same e-mail address or phone number, or with the same number in
the postal address, such as the postcode, and the same first letters of a word of the name. Two of them are suggested if
their names nearly agree, in any order of the words, and the e-mail address, phone number or postal address as well.
"""

import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final, Literal, NamedTuple

import numpy as np
from rapidfuzz import fuzz

__all__ = ["MIN_ADDRESS", "MIN_NAME", "MIN_WORD", "Blocks", "Person", "Suggestion", "suggestions"]

#: How much names and addresses must agree (0 to 100, `rapidfuzz.fuzz.ratio` of sorted words). On the four data sets of
#: FEBRL nothing that is suggested is wrong, and 61 to 76 % of the duplicates are found (`benchmarks.suggestions`).
MIN_NAME: Final = 80.0
MIN_ADDRESS: Final = 70.0
#: How much each word of a name must agree with one of the other name.
MIN_WORD: Final = 70.0
#: A block of more customers tells nothing, such as a phone number that a form fills in.
_MAX_BLOCK: Final = 200
_FIRST_LETTERS: Final = 2
#: The last digits of a phone number, which are the same with and without the code of the country.
_PHONE_DIGITS: Final = 8
_SIDES: Final[tuple[Literal["left"], Literal["right"]]] = ("left", "right")


class Person(NamedTuple):
    """What a shop knows of a customer; an empty text is not known."""

    customer_id: str
    name: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""


class Suggestion(NamedTuple):
    """Two customers in order, and how much their names and postal addresses agree (0 to 100).

    ``same``: what else is the same, email or phone.
    """

    one: str
    other: str
    name: float
    address: float
    same: tuple[str, ...] = ()


class _Read(NamedTuple):
    """A person in the form that is compared: words in order, without accents and case."""

    customer_id: str
    name: str
    address: str
    numbers: frozenset[str]
    email: str
    phone: str


def suggestions(people: Iterable[Person]) -> list[Suggestion]:
    """Pairs that may be one person, those that agree most first.

    >>> ann = Person("c-1", name="Ann Ode", email="ann@example.com", address="3 Mill Lane, Bath BA1 1AA")
    >>> suggestions([ann, Person("c-2", name="Ode, Anne", email="ann@example.com", address="3 Mill Ln Bath BA1 1AA")])
    [Suggestion(one='c-1', other='c-2', name=93.3, address=95.7, same=('email',))]
    """
    read: dict[str, _Read] = {}
    blocks: dict[tuple[str, str], list[str]] = defaultdict(list)
    for person in people:
        found = read[person.customer_id] = _read(person)
        for block in _blocks(found):
            blocks[block].append(person.customer_id)
    pairs = {pair for ids in blocks.values() if len(ids) <= _MAX_BLOCK for pair in combinations(sorted(set(ids)), 2)}
    return sorted(_agreeing(pairs, read), key=lambda found: (-found.name - found.address, found.one, found.other))


class Blocks:
    """Who is in a block with one customer, of very many: takes 12 bytes for each block of each customer, and the ids.

    >>> ann = Person("c-1", name="Ann Ode", email="ann@example.com", address="3 Mill Lane, Bath BA1 1AA")
    >>> Blocks([ann, Person("c-2", name="Ode, Anne", email="ann@example.com"), Person("c-3", name="Bo")]).near(ann)
    ['c-2']
    """

    def __init__(self, people: Iterable[Person]) -> None:
        self._ids: list[str] = []
        blocks, owners = array("q"), array("i")
        for row, person in enumerate(people):
            self._ids.append(person.customer_id)
            for block in {*map(hash, _blocks(_read(person)))}:
                blocks.append(block)
                owners.append(row)
        found = np.frombuffer(blocks, np.int64)
        order = np.argsort(found)
        self._blocks, self._owners = found[order], np.frombuffer(owners, np.int32)[order]

    def near(self, person: Person) -> list[str]:
        """The other customers with whom `suggestions` compares a person, in order; few others by chance."""
        rows: set[int] = set()
        for block in {*map(hash, _blocks(_read(person)))}:
            first, end = (int(np.searchsorted(self._blocks, block, side)) for side in _SIDES)
            if end - first <= _MAX_BLOCK:
                rows.update(self._owners[first:end].tolist())
        return sorted({self._ids[row] for row in rows} - {person.customer_id})


def _agreeing(pairs: Iterable[tuple[str, str]], read: Mapping[str, _Read]) -> Iterator[Suggestion]:
    for one, other in pairs:
        first, second = read[one], read[other]
        name = fuzz.ratio(first.name, second.name, score_cutoff=MIN_NAME)
        if not name or not _have_each_word(first.name.split(), second.name.split()):
            continue
        # two unknown addresses agree in nothing
        address = fuzz.ratio(first.address, second.address) if first.address and second.address else 0.0
        same = tuple(what for what in ("email", "phone") if getattr(first, what) == getattr(second, what) != "")
        if address >= MIN_ADDRESS or same:
            yield Suggestion(one, other, round(name, 1), round(address, 1), same)


def _have_each_word(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether each word of the shorter name nearly agrees with one of the longer: people of a family share only one."""
    few, many = sorted((some, others), key=len)
    return all(any(fuzz.ratio(word, other) >= MIN_WORD for other in many) for word in few)


def _read(person: Person) -> _Read:
    address = _words(person.address)
    numbers = frozenset(word for word in address if any(map(str.isdigit, word)))
    digits = "".join(filter(str.isdigit, person.phone))
    return _Read(
        person.customer_id,
        " ".join(_words(person.name)),
        " ".join(address),
        numbers,
        person.email.strip().casefold(),
        digits[-_PHONE_DIGITS:] if len(digits) >= _PHONE_DIGITS else "",
    )


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(char if char.isalnum() else " " for char in plain if not unicodedata.combining(char))
    return sorted(kept.split())


def _blocks(read: _Read) -> Iterator[tuple[str, str]]:
    if read.email:
        yield "email", read.email
    if read.phone:
        yield "phone", read.phone
    for word in read.name.split():
        for number in read.numbers:
            yield f"name {word[:_FIRST_LETTERS]}", number
