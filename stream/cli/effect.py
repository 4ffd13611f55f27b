"""``stream effect``: what notifying achieves."""

from datetime import datetime

import click
import msgspec
import orjson

from stream.cli.options import SettingsCommand, with_settings
from stream.errors import SettingsError
from stream.events.times import epoch_ms
from stream.settings import Settings

__all__ = ["effect"]

#: An answer within so long is a fast one, where there is no second alert about complaints.
_WITHIN_HOURS = 24.0


@click.command(cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
@click.option("--since", help="Only alerts from then on: a date, or a time with offset. [all]")
@with_settings("Kafka", "Topics", "Time", "Labels", "Alerts", "Events", "Shop", "Redis")
def effect(settings: Settings, *, as_json: bool, since: str | None) -> None:
    """Compare customers who were notified with those who were held out, over one horizon after the delivery.

    And customers whose complaint was answered in time with those who waited longer, and those who got an offer with
    those who would have and were held out (the projection `offers`). Reads the topics of alerts, feedback,
    notifications, actions and purchases to their present ends. A person with several ids counts once. The first
    comparison needs a hold-out share in the notification file; docs/notifications.md says how to read the figures.
    """
    since_ms = 0 if since is None else _epoch_ms(since)
    from stream.alerts.alert_records import AlertKind
    from stream.cli.console import console_for_people
    from stream.cli.effect_view import effect_view
    from stream.cli.offer_effect_desk import effects_of_offers
    from stream.cli.shop_writing import writing_of
    from stream.events.decode import Decoder
    from stream.notifications.complaint_effect import complaint_effect
    from stream.notifications.effect import exposures, report
    from stream.notifications.effect_input import (
        PurchaseLog,
        actions_of,
        answered_complaints,
        complaints_of,
        notifications_of,
        of_persons,
    )
    from stream.notifications.verdict import verdict
    from stream.storage.horizon_desk import horizon_in_force
    from stream.storage.person_ids import persons_of
    from stream.storage.projection_desk import ProjectionDesk

    notifications = [*notifications_of(settings)]
    acted, complained = actions_of(settings), complaints_of(settings, since_ms)
    ids = dict.fromkeys([*acted, *(one.customer_id for one in notifications), *(one.customer_id for one in complained)])
    with ProjectionDesk(settings) as desk:
        persons = persons_of(desk, [*ids])
    first, mixed = exposures(notifications, since_ms, customer_of=persons.customer_of)
    of_complaints, in_both = exposures(notifications, since_ms, AlertKind.COMPLAINT, persons.customer_of)
    actions = of_persons(acted, persons)
    complaints = answered_complaints(settings, complained, actions, persons)
    concerned = [(one.customer_id, one.at_ms) for one in (*first, *of_complaints)]
    concerned += [(one.customer_id, one.at_ms) for one in complaints]
    customers = {own_id: customer for customer, _ in concerned for own_id in persons.ids_of(customer)}
    purchases = PurchaseLog(customers, Decoder.of(settings))
    if concerned:
        purchases.read(settings, min(at_ms for _, at_ms in concerned))
    horizon_days = horizon_in_force(settings)
    found = report(
        first,
        mixed,
        purchases.orders,
        actions,
        horizon_days=horizon_days,
        as_of_ms=purchases.as_of_ms,
    )
    answered = complaint_effect(
        complaints,
        purchases.orders,
        within_hours=settings.complaint_again_h or _WITHIN_HOURS,
        horizon_days=horizon_days,
        as_of_ms=purchases.as_of_ms,
    )
    drawn = report(
        of_complaints, in_both, purchases.orders, actions, horizon_days=horizon_days, as_of_ms=purchases.as_of_ms
    ).everyone
    writing = writing_of(settings)
    sentence = verdict(found, writing.about)
    offered = effects_of_offers(settings, writing, since_ms)
    if as_json:
        told = {"sentence": sentence, **msgspec.to_builtins(found), "complaints": msgspec.to_builtins(answered)}
        told["complaint_alerts"] = msgspec.to_builtins(drawn)
        told["offers"] = msgspec.to_builtins(offered)
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    else:
        console_for_people().print(effect_view(found, sentence, answered, drawn, offered))


def _epoch_ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"--since {text}: expected a date such as 2026-01-31") from error
    if at.tzinfo is None:
        at = datetime.fromisoformat(f"{text}T00:00:00+00:00") if len(text) == len("2026-01-31") else at
    if at.tzinfo is None:
        raise SettingsError(f"--since {text}: a time needs an offset, such as 2026-01-31T12:00:00+01:00")
    return epoch_ms(at)
