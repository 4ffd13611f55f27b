"""The register of processing: what is kept of people, why, how long, and who may see it. From the catalogue alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from stream.catalogue.declaring import Personal, Retention
from stream.catalogue.events import PURPOSES
from stream.catalogue.personal import PERSONAL
from stream.catalogue.register import KEY_STORE, OPERATOR, STORES, TOPIC_STORES, Store
from stream.catalogue.tables import COLUMNS, TABLE_STORES
from stream.catalogue.traces import TRACES
from stream.events.kinds import EventType
from stream.privacy.concealed_fields import CONCEALED, PSEUDONYMS
from stream.projections.all_projections import PROJECTIONS
from stream.settings import Settings

__all__ = ["RegisterEntry", "markdown", "register_of"]

_EVENTS: Final[Mapping[str, EventType]] = {f"{event_type}-event": event_type for event_type in EventType}

#: Where no setting says it.
_KEPT: Final = {
    Retention.NEWEST: "the newest of each customer, until erased",
    Retention.DECISIONS: "until erased: it shows what was decided",
    Retention.ERASED: "until erased",
    Retention.RECORDED: "90 days after it was published, or until erased",
    Retention.ACCOUNTS: "until an admin removes the user",
    Retention.SESSIONS: "12 hours after the browser was last seen, 7 days at most; deleted when somebody logs in",
    Retention.REMOVED: "until a user of the console removes it",
}


class RegisterEntry(NamedTuple):
    """A place where data of people is. ``identifies``, ``describes``: the fields of its records that do so.

    ``under_keys``: those that have pseudonyms or ciphertext, with `privacy_keys`.
    """

    where: str
    what: str
    why: str
    identifies: tuple[str, ...]
    describes: tuple[str, ...]
    how_long: str
    who: str
    under_keys: tuple[str, ...] = ()


def register_of(settings: Settings) -> list[RegisterEntry]:
    """The register of an installation: its topics, its projections, and all else."""
    prefix = settings.topic_prefix
    topics = (replace(store, where=f"Kafka {prefix}{name}") for name, store in TOPIC_STORES.items())
    described = (make(settings).describe() for make in PROJECTIONS.values())
    projections = (Store(f"Redis, projection {of.name}", of.what, of.why, OPERATOR, of.kept) for of in described)
    keys = [KEY_STORE] if settings.privacy_keys else []
    tables = (_entry(store, settings, COLUMNS[table]) for table, store in TABLE_STORES.items())
    return [
        *(_entry(store, settings, PERSONAL.get(store.contract, {})) for store in (*topics, *projections, *STORES)),
        *tables,
        *(_entry(store, settings, {}) for store in keys),
    ]


def _entry(store: Store, settings: Settings, said: Mapping[str, Personal]) -> RegisterEntry:

    def fields(personal: Personal) -> tuple[str, ...]:
        return tuple(name for name, is_so in said.items() if is_so is personal)

    what = store.what if store.what.endswith(".") else f"{store.what}."
    return RegisterEntry(
        where=store.where,
        what=what,
        why=store.why,
        identifies=fields(Personal.IDENTIFIES),
        describes=fields(Personal.DESCRIBES),
        how_long=_how_long(store, settings),
        who=store.who,
        under_keys=_under_keys(said, store.contract) if settings.privacy_keys and store.contract else (),
    )


def _under_keys(said: Iterable[str], contract: str) -> tuple[str, ...]:
    """The fields of a contract that never have in clear what tells who somebody is, or what they wrote."""
    event_type = _EVENTS.get(contract)
    hidden = {"one", "other", "note", "actor"} if event_type is None else {*CONCEALED[event_type]}
    return tuple(name for name in said if name in PSEUDONYMS | hidden)


def _how_long(store: Store, settings: Settings) -> str:
    days = settings.keep_days(store.kept)
    if days is not None:
        return f"{days} days"
    if (said := _KEPT.get(store.kept)) is not None:
        return said
    return "as the brokers say" if store.where.startswith("Kafka") else "until erased"


def markdown(entries: Iterable[RegisterEntry], settings: Settings) -> str:
    """The register as a page."""
    return "\n".join(_lines(entries, settings)) + "\n"


def _lines(entries: Iterable[RegisterEntry], settings: Settings) -> Iterator[str]:
    yield "# Register of processing\n"
    yield f"Who has said nothing: `{settings.consent_default}`. What customers agree to, or take back:\n"
    for purpose, meaning in PURPOSES.items():
        yield f"* **{purpose}**: {meaning}"
    if settings.privacy_keys:
        yield "\nWhat identifies people, and what they wrote, is under keys of persons (`privacy_keys`): pseudonyms in"
        yield "place of ids, and ciphertext. An erasure destroys the key of the person."
    else:
        yield "\nThere are no keys of persons (`privacy_keys`): topics have ids and texts in clear until their"
        yield "retention."
    for entry in entries:
        yield f"\n## {entry.where}\n"
        yield f"{entry.what}\n"
        yield f"* why: {entry.why}"
        yield f"* how long: {entry.how_long}"
        yield f"* who may see it: {entry.who}"
        if entry.identifies:
            yield f"* identifies: {', '.join(entry.identifies)}"
        if entry.describes:
            yield f"* describes: {', '.join(entry.describes)}"
        if entry.under_keys:
            yield f"* under keys of persons: {', '.join(entry.under_keys)}"
    yield "\n## What models keep of one person\n"
    yield "No erasure reaches what was learned from many people. Of one person that is:\n"
    for learner, trace in TRACES.items():
        yield f"* **{learner}**: {trace.keeps}. How much: {trace.at_most}."
