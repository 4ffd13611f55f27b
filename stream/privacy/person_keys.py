"""Persons and their keys, as those see them who write and read data of customers."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from stream.catalogue.identifiers import CUSTOMER, IDENTIFIERS
from stream.identity.sealing import is_token
from stream.privacy.ciphertexts import CIPHERTEXT, CIPHERTEXT_MARK, PSEUDONYM, PSEUDONYM_MARK
from stream.privacy.key_store import KeyGeneration, KeyRow, KeyStore
from stream.privacy.key_store_note import KeyStoreNote
from stream.privacy.master_keys import KEY_BYTES, MasterKeys
from stream.privacy.sql_key_store import SqlKeyStore
from stream.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

__all__ = ["DIGEST_MARK", "STALE_S", "KeyedPerson", "PersonKeys", "body_of", "is_digest"]

#: Before a keyed hash that stands for an id.
DIGEST_MARK: Final = "d1_"
_DIGEST: Final = re.compile(rf"{DIGEST_MARK}[A-Za-z0-9_-]{{22}}")
#: An address, as adapters and imports without a key write it.
_HASHED: Final = re.compile(r"email:[0-9a-f]{64}")
_BODY_BYTES: Final = 16
#: The cipher resists one nonce for all (RFC 8452): equal texts of a person become equal, so ids can be compared.
_NONCE: Final = bytes(12)
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_LOOKUP: Final = "lookup"
_REMEMBERED: Final = 200_000
_AT_ONCE: Final = 500
#: For so long a process may go by keys that were erased meanwhile.
STALE_S: Final = 1.0


class KeyedPerson:
    """Someone of whom there is a key. ``customer_id``: what stands for their id everywhere; ``clear``: that id."""

    __slots__ = ("_cipher", "_data_key", "_mark", "body", "clear", "customer_id")

    def __init__(self, body: str, data_key: bytes, clear: str, cipher: AESGCMSIV) -> None:
        self.body = body
        self.clear = clear
        kind, _, _ = clear.partition(":")
        self.customer_id = f"{PSEUDONYM_MARK}{body}" if kind == CUSTOMER else f"{kind}:h1_{body}"
        self._data_key = data_key
        self._cipher = cipher
        self._mark = f"{CIPHERTEXT_MARK}{body}."

    def encrypt(self, text: str) -> str:
        """The text as `CIPHERTEXT`; equal texts of a person are equal. What is such already stays."""
        if text.startswith(self._mark) and CIPHERTEXT.fullmatch(text):
            return text
        return self._mark + _base64(self._cipher.encrypt(_NONCE, text.encode(), None))

    def digest(self, text: str) -> str:
        """A keyed hash of a text, for ids that are too long to be encrypted. What is such already stays."""
        if is_digest(text):
            return text
        digest = hashlib.blake2b(text.encode(), key=self._data_key, digest_size=_BODY_BYTES, person=b"long-id")
        return f"{DIGEST_MARK}{_base64(digest.digest())}"

    def decrypt(self, packed: str) -> str:
        """What `encrypt` was given, from the second group of `CIPHERTEXT`. Raises ValueError for anything else."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - only installations with keys have it

        try:
            raw = urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
            return self._cipher.decrypt(_NONCE, raw, None).decode()
        except InvalidTag:
            raise ValueError("this is not encrypted under the key of the person") from None


class PersonKeys:
    """Finds persons by their ids, and by their pseudonyms; whoever is new gets a key.

    An id is a customer id, or a kind of identifier and its token (``email:h1_...``). Some ``remembered`` persons are
    kept in memory; who was erased is forgotten within `STALE_S`. Raises `StorageError` while the key store is away and
    `SettingsError` without the right master key.
    """

    def __init__(self, store: KeyStore, masters: MasterKeys, remembered: int = _REMEMBERED) -> None:
        self._store = store
        self._masters = masters
        self._remembered = remembered
        self._by_id: dict[str, KeyedPerson] = {}
        self._by_body: dict[str, KeyedPerson] = {}
        self._generation: KeyGeneration | None = None
        self._looked_at = float("-inf")
        self._lock = threading.RLock()
        try:
            wrapped = store.secret(_LOOKUP, masters.wrap(os.urandom(KEY_BYTES), _LOOKUP.encode()))
            self._lookup_key = masters.open(wrapped, _LOOKUP.encode())
        except BaseException:
            store.close()
            raise

    @classmethod
    def of(cls, settings: Settings) -> PersonKeys | None:
        """The keys that ``settings`` name; None where nothing is encrypted. Raises as well what `KeyStoreNote` does."""
        note = KeyStoreNote(settings)
        note.check_settings()
        if not settings.privacy_keys:
            return None
        keys = cls(SqlKeyStore(settings.privacy_keys), MasterKeys.of(settings))
        try:
            note.check(keys.store_id)
        except BaseException:
            keys.close()
            raise
        return keys

    def persons(self, ids: Iterable[str]) -> dict[str, KeyedPerson | None]:
        """Id -> the person, made if need be; None for an id that was erased and is refused.

        A pseudonym is the id of its person, too. One that nobody has any more is None.
        """
        with self._lock:
            self._forget_the_erased()
            wanted = dict.fromkeys(ids)
            found: dict[str, KeyedPerson | None] = {one: self._by_id.get(one) for one in wanted}
            unknown = [one for one, person in found.items() if person is None]
            if not unknown:
                return found
            found |= self._known(unknown)
            missing = [one for one in unknown if found[one] is None]
            if new := [one for one in missing if not PSEUDONYM.fullmatch(one)]:
                self._store.add([self._made(one) for one in new])
                found |= self._known(new)
            return found

    def known(self, ids: Iterable[str]) -> dict[str, KeyedPerson]:
        """Those of ``ids`` who have a key, in their order. Nobody is made."""
        with self._lock:
            self._forget_the_erased()
            wanted = [*dict.fromkeys(ids)]
            found = {one: self._by_id[one] for one in wanted if one in self._by_id}
            found |= self._known([one for one in wanted if one not in found])
            return {one: found[one] for one in wanted if one in found}

    def by_body(self, bodies: Iterable[str]) -> Mapping[str, KeyedPerson]:
        """The persons of rows that are there still."""
        with self._lock:
            self._forget_the_erased()
            wanted = dict.fromkeys(bodies)
            found = {one: self._by_body[one] for one in wanted if one in self._by_body}
            if missing := [one for one in wanted if one not in found]:
                for row in self._store.by_body(missing).values():
                    # what is remembered may be cleared meanwhile, to make room
                    found[row.body] = self._remember(self._person(row))
            return found

    def erase(self, ids: Iterable[str], *, refuse: bool) -> int:
        """Destroy the keys of ids or pseudonyms; returns how many there were.

        ``refuse``: the ids stay refused, also those that nobody has had yet.
        """
        wanted = [*dict.fromkeys(ids)]
        persons = self.known(wanted)
        clear = {persons[one].clear if one in persons else _named(one) for one in wanted if refuse}
        bodies = {one.body for one in persons.values()}
        count = self._store.erase([*bodies], refused=[*map(self._lookup_of, clear)])
        self._looked_at = float("-inf")
        return count

    def rotate(self, settle_s: float = 2 * STALE_S) -> tuple[int, int]:
        """Wrap all keys with the newest master key; returns how many were, and how many there are.

        ``settle_s``: until then processes that run have read the master keys again, and wrap with the newest as well.
        """
        self._masters.again()
        self._store.erase([])
        time.sleep(settle_s)
        wrapped = self._store.secret(_LOOKUP, b"")
        if not self._masters.is_newest(wrapped):
            again = self._masters.wrap(self._masters.open(wrapped, _LOOKUP.encode()), _LOOKUP.encode())
            self._store.replace_secret(_LOOKUP, wrapped, again)
        changed = total = 0
        some: list[tuple[KeyRow, bytes]] = []
        for row in self._store.all():
            total += 1
            if not self._masters.is_newest(row.sealed):
                of = row.body.encode()
                some.append((row, self._masters.wrap(self._masters.open(row.sealed, of), of)))
            if len(some) >= _AT_ONCE:
                changed += self._store.rewrap(some)
                some = []
        return changed + self._store.rewrap(some), total

    @property
    def store_id(self) -> str:
        """Tells this store from others, also after a change of master keys; a hash."""
        return hashlib.blake2b(self._lookup_key, digest_size=8, person=b"key-store").hexdigest()

    @property
    def master(self) -> str:
        """The id of the newest master key."""
        return self._masters.newest

    def close(self) -> None:
        """Let go of the key store."""
        self._store.close()

    def _known(self, ids: Sequence[str]) -> dict[str, KeyedPerson]:
        found: dict[str, KeyedPerson] = {}
        by_lookup = {self._lookup(one): one for one in ids}
        for lookup, row in self._store.by_lookup([*by_lookup]).items():
            found[by_lookup[lookup]] = self._remember(self._person(row), by_lookup[lookup])
        # what is a pseudonym already: of an event that was published before, or exported
        bodies = {body: one for one in ids if one not in found and (body := body_of(one))}
        for body, row in self._store.by_body([*bodies]).items() if bodies else ():
            person = self._person(row)
            if person.customer_id == bodies[body]:
                found[bodies[body]] = self._remember(person, bodies[body])
        return found

    def _remember(self, person: KeyedPerson, one_id: str = "") -> KeyedPerson:
        if len(self._by_body) >= self._remembered:
            self._by_id.clear()
            self._by_body.clear()
        self._by_body[person.body] = person
        if one_id:
            self._by_id[one_id] = person
        return person

    def _forget_the_erased(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < STALE_S:
            return
        generation = self._store.generation()
        former = self._generation
        if generation != former:
            self._by_id.clear()
            self._by_body.clear()
            if former is not None and generation.erasures != former.erasures:
                # an erasure, or a change of master keys
                self._masters.again()
            self._generation = generation
        self._looked_at = now

    def _lookup(self, one_id: str) -> bytes:
        return self._lookup_of(_named(one_id))

    def _lookup_of(self, named: str) -> bytes:
        """The keyed hash of an id with its kind."""
        return hashlib.blake2b(named.encode(), key=self._lookup_key, digest_size=KEY_BYTES).digest()

    def _made(self, one_id: str) -> KeyRow:
        body = _base64(os.urandom(_BODY_BYTES))
        secret = os.urandom(KEY_BYTES) + _named(one_id).encode()
        return KeyRow(body, self._lookup(one_id), self._masters.wrap(secret, body.encode()))

    def _person(self, row: KeyRow) -> KeyedPerson:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV  # noqa: PLC0415 - see above

        opened = self._masters.open(row.sealed, row.body.encode())
        data_key = opened[:KEY_BYTES]
        return KeyedPerson(row.body, data_key, opened[KEY_BYTES:].decode(), AESGCMSIV(data_key))


def body_of(text: str) -> str:
    """The name of the row that a pseudonym of any kind has; empty for what has not the form of one."""
    if match := PSEUDONYM.fullmatch(text):
        return match[1]
    kind, _, token = text.partition(":")
    return token.removeprefix("h1_") if kind in IDENTIFIERS and is_token(token) else ""


def is_digest(text: str) -> bool:
    """Whether a text is what `KeyedPerson.digest` gives."""
    return text.startswith(DIGEST_MARK) and _DIGEST.fullmatch(text) is not None


def _named(one_id: str) -> str:
    """The id with its kind."""
    kind, _, token = one_id.partition(":")
    is_identifier = kind in IDENTIFIERS and (is_token(token) or _HASHED.fullmatch(one_id))
    return one_id if is_identifier else f"{CUSTOMER}:{one_id}"


def _base64(data: bytes) -> str:
    # as `base64.urlsafe_b64encode`, without its steps and its padding: an event takes some of these
    return b2a_base64(data, newline=False).translate(_URL_SAFE, b"=").decode()
