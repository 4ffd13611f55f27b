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
    from stream.cli.effect_desk import effect_of

    found = effect_of(settings, since_ms)
    if as_json:
        told = {"sentence": found.sentence, **msgspec.to_builtins(found.report)}
        told["complaints"] = msgspec.to_builtins(found.complaints)
        told["complaint_alerts"] = msgspec.to_builtins(found.complaint_alerts)
        told["offers"] = msgspec.to_builtins(found.offers)
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    else:
        from stream.cli.console import console_for_people
        from stream.cli.effect_view import effect_view

        console_for_people().print(effect_view(found))


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
