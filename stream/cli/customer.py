"""``stream customer``: everything about one customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec
import orjson

from stream.catalogue.wording import plain_money
from stream.cli.identity_lookup import id_of
from stream.cli.leads_desk import lead_of, weeks_of
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.reach import Local
from stream.cli.stored_customer import customer_named
from stream.clock import SystemClock
from stream.compiling import interpret_kernels
from stream.errors import CodecError, StorageError
from stream.events.partitioner import partition_of
from stream.events.times import epoch_ms
from stream.leads.lead_contacts import week_of
from stream.privacy.revealing import Revealer
from stream.projections.channels import Channels, Contacts
from stream.projections.complaints import Cases, Complaints
from stream.projections.fold import Fold
from stream.projections.satisfaction import Opinion, Satisfaction
from stream.reporting.consent_lines import refusals_in_words
from stream.settings import Settings
from stream.storage.consent_desk import ConsentDesk
from stream.storage.notification_store import StoredCustomer
from stream.storage.overview import Overview
from stream.storage.person_ids import PersonNotifications, ids_of_one
from stream.storage.projection_desk import ProjectionDesk

if TYPE_CHECKING:
    from stream.cli.feedback_view import Voice
    from stream.points.statement import PointsStatement
    from stream.recommending.recommended import RecommendationLists
    from stream.reporting.assess import Basis
    from stream.reporting.first_orders import LeadEntry

__all__ = ["customer"]

#: Recommended items of each list that are shown.
_OFFERS: Final = 3

S = TypeVar("S", bound=msgspec.Struct)


@click.command(cls=SettingsCommand)
@click.argument("customer_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The document, with its packed state unpacked.")
@with_settings("Redis", "Kafka", "Topics", "Events", "Labels", "Shop", "Privacy", local=Local.SERVERS)
def customer(settings: Settings, *, customer_id: str, as_json: bool) -> None:
    """Show everything about customer ID: history, risk and reasons, features, timers.

    ID may be the name, e-mail address or telephone number of a customer that was imported, or an identifier with its
    kind, as email:ann@example.com (see `stream identity`).

    Money is in the shop's currency, times are those of its time zone. What depends on time is computed as of now; when
    the events end long ago, as of where they end. Exit status 1 if there is no such customer.
    """
    interpret_kernels()
    asked = id_of(settings, customer_id)
    with Overview(settings) as overview, ProjectionDesk(settings) as desk:
        customer_id, partition, document = customer_named(settings, overview, desk, customer_id, asked)
        # Models take a fifth of a second to import: only when there is something to show.
        from stream.cli.points_desk import points_if_any
        from stream.cli.recommendations_desk import recommendations_for
        from stream.cli.shop_day import basis_of, now_of

        fields = _fields_of(customer_id, document)
        # packed profiles of before others joined, with their scores
        fields.pop("edition", None)
        stored_ms = epoch_ms(datetime.fromisoformat(fields["as_of"]))
        stream_time_ms = max(overview.totals().stream_time_ms or stored_ms, stored_ms)
        basis = basis_of(settings, overview, now_of(stream_time_ms, SystemClock().now_ms()))
        voice = _voice(desk, customer_id)
        lead = _lead(desk, customer_id, basis)
        offers = recommendations_for(desk, settings, customer_id, basis.now_ms, _OFFERS)
        points = points_if_any(settings, desk, customer_id, basis.now_ms)
    with ConsentDesk(settings) as consents:
        consented = consents.read([customer_id])
    # what was said after the last event holds as well
    asked_ms = max(basis.now_ms, SystemClock().now_ms())
    refusals = refusals_in_words(consented.of(customer_id), asked_ms, consented.default)
    with PersonNotifications(settings) as notifications:
        known = _revealed(settings, notifications.known([customer_id])[0])
    _warn_of_place(settings, customer_id, partition)
    from stream.cli.console import console_for_people
    from stream.cli.customer_view import customer_view, with_points
    from stream.cli.profile_view import readable_profile
    from stream.cli.shop_writing import writing_of
    from stream.cli.unprocessed import say_unprocessed, unprocessed
    from stream.processing.document import packed_state
    from stream.processing.rules import rules_of
    from stream.reporting.refreshed import refreshed, without_scores

    # whose amounts are shown in the shop's currency reads it from the orders
    writing = None if as_json else writing_of(settings)
    now = refreshed(document, fields, basis, plain_money if writing is None else writing.money)
    is_withheld = not consented.may_score(customer_id, asked_ms)
    if is_withheld:
        now, lead, offers = without_scores(now), None, None
    rules, model = rules_of(settings), basis.scorer.model
    profile = readable_profile(customer_id, packed_state(document), rules.under(model), model)
    if writing is None:
        # the packed state has scores as well
        state = {} if is_withheld else {"state": profile}
        beside = _beside(known, voice, lead, offers, refusals)
        waits = {"unprocessed": count} if (count := unprocessed(settings)) else {}
        told = {**now.fields, **beside, **_counted(points), **waits, **state}
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    say_unprocessed(unprocessed(settings))
    console_for_people().print(
        with_points(customer_view(now, profile, known, voice, lead, offers, refusals, writing), points, writing)
    )


def _fields_of(customer_id: str, document: bytes) -> dict[str, Any]:
    from stream.features.codec import unpack
    from stream.processing.document import packed_state

    try:
        unpack(packed_state(document), customer_id)
        fields: dict[str, Any] = orjson.loads(document)
    except (CodecError, orjson.JSONDecodeError) as error:
        raise StorageError(
            f"what is stored of {customer_id!r} cannot be read ({error}): restore it from a backup, or see "
            "docs/runbook.md, StreamCustomersQuarantined"
        ) from error
    return fields


def _revealed(settings: Settings, known: StoredCustomer) -> StoredCustomer:
    """What people noted, in clear, before a view breaks its lines: of a part of a ciphertext nothing can be read."""
    with Revealer.of(settings) as revealer:
        actions = {kind: revealer.json(record.decode()).encode() for kind, record in known.actions.items()}
    return replace(known, actions=actions)


def _counted(points: PointsStatement | None) -> dict[str, object]:
    """Points are no score: the shop owes them, whatever the customer agrees to."""
    return {} if points is None else {"points": msgspec.to_builtins(points)}


def _beside(
    known: StoredCustomer,
    voice: Voice,
    lead: LeadEntry | None,
    offers: RecommendationLists | None,
    refusals: list[str],
) -> dict[str, object]:
    """What is known beside the document; what is not known is left out."""
    from stream.cli.texts_view import told_of

    told: dict[str, object] = {
        "actions": [orjson.loads(record) for record in known.actions.values()],
        "held_out": known.held_out,
    }
    others = {"lead": lead, "recommendations": offers}
    told |= {name: msgspec.to_builtins(one) for name, one in others.items() if one is not None}
    known_of = {**voice._asdict(), "texts": [told_of(one) for one in voice.texts], "consent_refused": refusals}
    return told | {name: msgspec.to_builtins(one) for name, one in known_of.items() if one}


def _warn_of_place(settings: Settings, customer_id: str, partition: int) -> None:
    expected = partition_of(customer_id, settings.partitions)
    if partition != expected:
        click.echo(
            f"stream: found in partition {partition}, where {settings.partitions} partitions would put it"
            f" in {expected}: set partitions to what the event topics have",
            err=True,
        )


def _lead(desk: ProjectionDesk, customer_id: str, basis: Basis) -> LeadEntry | None:
    """Of who has not ordered: the chance that they do, where the projection `leads` runs."""
    lead = lead_of(desk, customer_id)
    if lead is None:
        return None
    from stream.reporting.first_orders import judged_lead

    return judged_lead(lead, weeks_of(desk, week_of(basis.now_ms)), basis.now_ms, basis.horizon_days)


def _voice(desk: ProjectionDesk, customer_id: str) -> Voice:
    """What a customer said and did beside the site. What is not sent again is under the id under which it came."""
    from stream.cli.feedback_view import Voice
    from stream.cli.texts_desk import judged_of, texts_of

    ids = ids_of_one(desk, customer_id)
    return Voice(
        _state(desk, Satisfaction, customer_id, Opinion),
        _cases(desk, ids),
        _state(desk, Channels, customer_id, Contacts),
        texts_of(desk, ids),
        judged_of(desk, ids),
    )


def _cases(desk: ProjectionDesk, ids: Sequence[str]) -> Cases | None:
    """What waits for an answer under any id of a customer."""
    found: Cases | None = None
    for one in ids:
        cases = _state(desk, Complaints, one, Cases)
        if found is None:
            found = cases
        elif cases is not None:
            found.absorb(cases)
    return found


def _state(desk: ProjectionDesk, projection: type[Fold[S]], customer_id: str, of: type[S]) -> S | None:
    """What a projection has stored of a customer, None where it has nothing or does not run."""
    stored = desk.state(projection.name, projection.version, customer_id, customer_id)
    return None if stored is None else msgspec.json.decode(stored, type=of)
