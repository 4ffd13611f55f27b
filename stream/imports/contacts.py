"""Who a customer is, for people who read lists: names and addresses, kept beside the program and nowhere else.

Topics and Redis know customers by pseudonym only. What an export says about the person (`Contact`) goes to one SQLite
file that only its owner can read. Deleting the file, or one person in it, changes no figure.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from stream.errors import ImportFileError
from stream.imports.pseudonyms import pseudonym
from stream.privacy.person_keys import PersonKeys
from stream.privacy.revealing import Revealer

__all__ = ["CONTACTS_FILE", "Contact", "ContactsFile", "called_apart", "called_of"]

#: Name of the file in the data directory.
CONTACTS_FILE: Final = "contacts.sqlite"

_AT_ONCE: Final = 500
#: Fewer digits are no telephone number.
_PHONE_DIGITS: Final = 6
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS contact (
    customer_id TEXT PRIMARY KEY,
    name TEXT NOT NULL, email TEXT NOT NULL, phone TEXT NOT NULL, address TEXT NOT NULL,
    marketing TEXT NOT NULL, seen_ms INTEGER NOT NULL
) WITHOUT ROWID
"""
#: Of two exports the newer one wins, field by field: an order form without a telephone number does not erase one.
_UPSERT: Final = """
INSERT INTO contact VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (customer_id) DO UPDATE SET
    name = CASE WHEN {take}(name) THEN excluded.name ELSE name END,
    email = CASE WHEN {take}(email) THEN excluded.email ELSE email END,
    phone = CASE WHEN {take}(phone) THEN excluded.phone ELSE phone END,
    address = CASE WHEN {take}(address) THEN excluded.address ELSE address END,
    marketing = CASE WHEN {take}(marketing) THEN excluded.marketing ELSE marketing END,
    seen_ms = max(seen_ms, excluded.seen_ms)
"""


class Contact(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What is known about the person behind a customer; an empty text is not known.

    ``marketing``: "yes" or "no" where the export says whether the person agreed to be written to.
    ``seen_ms``: time of the newest row it comes from, ms since the epoch; 0 where the row has no time.
    """

    name: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""
    marketing: str = ""
    seen_ms: int = 0

    @property
    def called(self) -> str:
        """What people call them in a list: the name, else the e-mail address, else the telephone number; or nothing."""
        return self.name or self.email or self.phone

    def __bool__(self) -> bool:
        return bool(self.name or self.email or self.phone or self.address or self.marketing)


def _upsert() -> str:
    statement = _UPSERT
    for column in ("name", "email", "phone", "address", "marketing"):
        newer = f"excluded.{column} <> '' AND (contact.{column} = '' OR excluded.seen_ms >= contact.seen_ms)"
        statement = statement.replace(f"{{take}}({column})", newer)
    return statement


def called_of(contacts: Mapping[str, Contact]) -> dict[str, str]:
    """What customers are called, see `Contact.called`, of those of whom it is known."""
    return {one: called for one, contact in contacts.items() if (called := contact.called)}


def called_apart(contacts: Mapping[str, Contact]) -> dict[str, str]:
    """As `called_of`, with the e-mail address behind a name that several of them have.

    >>> called_apart({"1": Contact(name="Ann", email="a@b.example"), "2": Contact(name="Ann"), "3": Contact(name="Bo")})
    {'1': 'Ann (a@b.example)', '2': 'Ann', '3': 'Bo'}
    """
    called = called_of(contacts)
    times = Counter(called.values())
    return {
        one: f"{name} ({email})" if times[name] > 1 and (email := contacts[one].email) not in ("", name) else name
        for one, name in called.items()
    }


class ContactsFile:
    """The contacts file of a data directory. With ``keys`` it has pseudonyms and ciphertext.

    Raises `ImportFileError` if the file cannot be used. A file that does not exist yet is empty, and is made by
    the first `add`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, ContactsFile(Path(folder) / CONTACTS_FILE) as contacts:
    ...     contacts.add([("c-1", Contact(name="Ann Ode", email="ann@example.com"))])
    ...     contacts.find(["c-1", "c-2"])["c-1"].name, contacts.called("ANN ODE")
    ('Ann Ode', ['c-1'])
    """

    def __init__(self, path: Path, keys: PersonKeys | None = None) -> None:
        self._path = path
        self._keys = keys
        self._revealer = Revealer(keys)
        self._file: sqlite3.Connection | None = None

    def find(self, customer_ids: Iterable[str]) -> dict[str, Contact]:
        """The contacts of those of ``customer_ids`` that are known."""
        if self._file is None and not self._path.exists():
            return {}
        ids = iter(customer_ids)
        found: dict[str, Contact] = {}
        while some := list(islice(ids, _AT_ONCE)):
            marks = ", ".join("?" * len(some))
            with self._explained():
                rows = self._opened().execute(f"SELECT * FROM contact WHERE customer_id IN ({marks})", some)  # noqa: S608
                found.update(map(self._contact, rows))
        return found

    def names(self, customer_ids: Iterable[str]) -> dict[str, str]:
        """What those of ``customer_ids`` are called in a list, of whom it is known; see `called_apart`."""
        return called_apart(self.find(customer_ids))

    def called(self, text: str) -> list[str]:
        """The customers whose name, e-mail address or telephone number is ``text``, whatever its case and spaces.

        If there is none, the customer whose user name it is: of that the id is made where there is no address.
        """
        if self._file is None and not self._path.exists():
            return []
        with self._explained():
            names = "folded(?1) <> '' AND folded(?1) IN (folded(name), folded(email))"
            numbers = "digits(phone) = digits(?1) AND digits(?1) <> ''"
            statement = f"SELECT customer_id FROM contact WHERE {names} OR {numbers} ORDER BY customer_id"  # noqa: S608
            found = [customer_id for (customer_id,) in self._opened().execute(statement, [text])]
        return found or [*self.find({pseudonym("", text)} - {text})]

    def like(self, text: str, limit: int) -> list[tuple[str, Contact]]:
        """Some customers in whose name or e-mail address ``text`` occurs, by name."""
        if self._file is None and not self._path.exists():
            return []
        with self._explained():
            statement = (
                "SELECT * FROM contact WHERE instr(folded(name), folded(?1)) OR instr(folded(email), folded(?1))"
                " ORDER BY name, customer_id LIMIT ?2"
            )
            return [self._contact(row) for row in self._opened().execute(statement, [text, limit])]

    def all(self) -> Iterator[tuple[str, Contact]]:
        """Every customer and contact, by customer id."""
        if self._file is not None or self._path.exists():
            with self._explained():
                yield from map(self._contact, self._opened().execute("SELECT * FROM contact ORDER BY customer_id"))

    def stamp(self) -> tuple[int, int] | None:
        """Another value after each change of the file; None without one."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size

    def add(self, contacts: Iterable[tuple[str, Contact]]) -> None:
        """Add customers, or what is newly known about them; all of ``contacts`` or, after an error, none."""
        remaining = ((customer_id, contact) for customer_id, contact in contacts if contact)
        with self._explained(), self._opened() as file:
            while some := [*islice(remaining, _AT_ONCE)]:
                file.executemany(_upsert(), self._hidden(some))

    def forget(self, customer_id: str) -> bool:
        """Delete a person; whether there was one."""
        if self._file is None and not self._path.exists():
            return False
        with self._explained(), self._opened() as file:
            return file.execute("DELETE FROM contact WHERE customer_id = ?", [customer_id]).rowcount > 0

    def close(self) -> None:
        if self._keys is not None:
            self._keys.close()
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> sqlite3.Connection:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            self._file = sqlite3.connect(self._path, timeout=30.0)
            self._file.execute("PRAGMA secure_delete = ON")
            self._file.execute(_TABLE)
            clear = self._revealer.text
            self._file.create_function("folded", 1, lambda text: _folded(clear(text)), deterministic=True)
            self._file.create_function("digits", 1, lambda text: _digits(clear(text)), deterministic=True)
        return self._file

    def _hidden(self, contacts: Sequence[tuple[str, Contact]]) -> Iterator[tuple[object, ...]]:
        """Rows as they are kept; those of people who were erased are left out."""
        persons = {} if self._keys is None else self._keys.persons(one for one, _ in contacts)
        for customer_id, contact in contacts:
            *texts, seen_ms = msgspec.structs.astuple(contact)
            person = persons.get(customer_id)
            if person is not None:
                yield person.customer_id, *(text and person.encrypt(text) for text in texts), seen_ms
            elif customer_id not in persons:
                yield customer_id, *texts, seen_ms

    def _contact(self, row: tuple[str, str, str, str, str, str, int]) -> tuple[str, Contact]:
        customer_id, *texts, seen_ms = row
        name, email, phone, address, marketing = map(self._revealer.text, texts)
        return customer_id, Contact(
            name=name, email=email, phone=phone, address=address, marketing=marketing, seen_ms=seen_ms
        )

    def _explained(self) -> "_Explained":
        return _Explained(self._path)


class _Explained:
    """Turns what SQLite or the disk say into one line that names the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, sqlite3.Error | OSError):
            raise ImportFileError(
                f"{self._path}: cannot be used: {error}; it should be this program's, and yours to write"
            ) from error


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _digits(text: str) -> str:
    """A telephone number without its signs; none of a text that is no such number."""
    digits = "".join(filter(str.isdecimal, text))
    return digits if len(digits) >= _PHONE_DIGITS and not any(map(str.isalpha, text)) else ""
