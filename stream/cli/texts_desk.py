"""Reads what customers wrote, and what it was taken for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nlargest
from itertools import islice

import msgspec

from stream.clock import SystemClock
from stream.projections.classification import SHOP, Classification, State, customer_key, product_key
from stream.projections.judgements import Judged, TextTally
from stream.projections.texts import Texts, Written, keys_of
from stream.reporting.themes import SaidText
from stream.settings import Settings
from stream.storage.consent_desk import ConsentDesk
from stream.storage.desk import LOOK_AT_ONCE
from stream.storage.projection_desk import ProjectionDesk
from stream.texts.text_records import KEY

__all__ = ["agreed_texts", "all_texts", "customer_of_text", "judged_of", "newest_texts", "tally_of", "texts_of"]


def tally_of(desk: ProjectionDesk, product: str | None) -> TextTally | None:
    """Counts of the texts of the shop, or about a product."""
    state = _state(desk, product_key(product) if product else SHOP)
    return None if state is None else state.tally


def judged_of(desk: ProjectionDesk, ids: Sequence[str]) -> list[Judged]:
    """What the newest texts under the ids of a customer were taken for, oldest first."""
    judged = {text_id: one for of_id in _judged_of_all(desk, ids).values() for text_id, one in of_id.items()}
    return sorted(judged.values(), key=lambda one: (one.at_ms, one.text_id))


def texts_of(desk: ProjectionDesk, ids: Sequence[str]) -> list[SaidText]:
    """The texts that are kept under the ids of a customer, oldest first."""
    places = [(key, one) for one in ids for key in keys_of(one)]
    stored = zip(places, desk.states_of(Texts.name, Texts.version, places), strict=True)
    written = [(of, msgspec.json.decode(state, type=Written)) for (_, of), state in stored if state]
    judged = {one.text_id: one for one in judged_of(desk, ids)}
    said = {text.event_id: SaidText(of, text, judged.get(text.event_id)) for of, one in written for text in one.texts}
    return sorted(said.values(), key=lambda one: (one.text.at_ms, one.text.event_id))


def all_texts(desk: ProjectionDesk) -> Iterator[SaidText]:
    """All texts that are kept, each once, in no order; what they were taken for is read for many writers at once."""
    seen: set[tuple[str, int]] = set()
    written = _written(desk)
    while batch := [*islice(written, LOOK_AT_ONCE)]:
        judged = _judged_of_all(desk, [*dict.fromkeys(one.customer_id for one in batch)])
        for one in batch:
            of = one.customer_id
            if (of, one.period) in seen:
                continue
            seen.add((of, one.period))
            for text in one.texts:
                yield SaidText(of, text, judged[of].get(text.event_id))


def agreed_texts(settings: Settings) -> Iterator[SaidText]:
    """As `all_texts`, of customers who agree to be scored: what texts are about, programs have found out."""
    with ConsentDesk(settings) as desk:
        consented, now_ms = desk.everybody(), SystemClock().now_ms()
        for one in all_texts(desk):
            if consented.may_score(one.customer_id, now_ms):
                yield one


def newest_texts(desk: ProjectionDesk, limit: int, *, undecided: bool = False) -> list[SaidText]:
    """The newest texts, newest first; with ``undecided`` those without a category."""
    said = all_texts(desk)
    wanted = (one for one in said if one.category is None) if undecided else said
    return nlargest(limit, wanted, key=lambda one: (one.text.at_ms, one.text.event_id))


def customer_of_text(desk: ProjectionDesk, event_id: str) -> str | None:
    """Who wrote the text of an event, if it is kept."""
    written = (one for one in _written(desk) if any(text.event_id == event_id for text in one.texts))
    found = next(written, None)
    return None if found is None else found.customer_id


def _written(desk: ProjectionDesk) -> Iterator[Written]:
    return (msgspec.json.decode(state, type=Written) for state in desk.states(Texts.name, Texts.version))


def _judged_of_all(desk: ProjectionDesk, customers: Sequence[str]) -> dict[str, dict[str, Judged]]:
    """By customer and event, what their newest texts were taken for; one round trip."""
    keys = [*map(customer_key, customers)]
    stored = desk.states_at(Classification.name, Classification.version, keys, KEY)
    states = (State() if one is None else msgspec.json.decode(one, type=State) for one in stored)
    return {of: {one.text_id: one for one in state.texts} for of, state in zip(customers, states, strict=True)}


def _state(desk: ProjectionDesk, key: str) -> State | None:
    stored = desk.state(Classification.name, Classification.version, key, KEY)
    return None if stored is None else msgspec.json.decode(stored, type=State)
