"""``stream notify --dry-run``: what would be sent for the alerts that are in the topic."""

import heapq
import time
from collections.abc import Iterable

import click

from stream.alerts.alert_records import Alert
from stream.alerts.decoding import decode_alert, occurred_ms
from stream.events.rejections import Rejection
from stream.events.times import rfc3339
from stream.notifications.actions import suppressing
from stream.notifications.config import Config
from stream.notifications.hold_out import is_held_out
from stream.notifications.inbound import Inbound
from stream.notifications.read_to_end import read_to_end
from stream.notifications.routing import Route, route
from stream.notifications.templates import Templates
from stream.notifications.wall_time import is_quiet
from stream.reporting.writing import Writing
from stream.settings import Settings
from stream.storage.notification_store import StoredCustomer
from stream.storage.person_ids import PersonNotifications

__all__ = ["preview"]


def preview(settings: Settings, config: Config, templates: Templates, writing: Writing, limit: int | None) -> None:
    """Print for each alert where it would go, in which words, and what stands against it now. Sends nothing."""
    alerts: dict[str, Alert] = {}
    for record in _latest(read_to_end(settings, settings.alerts), limit):
        alert = decode_alert(record)
        if isinstance(alert, Rejection):
            place = f"{record.topic}[{record.partition}]@{record.offset}"
            click.secho(f"{place}: not an alert: {alert.detail}", fg="yellow")
        else:
            alerts[alert.alert_id] = alert
    with PersonNotifications(settings) as store:
        known = dict(zip(alerts, store.known([alert.customer_id for alert in alerts.values()]), strict=True))
        outcomes = dict(zip(alerts, store.outcomes([*alerts]), strict=True))
    for alert in sorted(alerts.values(), key=lambda alert: alert.occurred_at):
        _show(config, templates, writing, alert, known[alert.alert_id], outcomes[alert.alert_id])
    click.echo(f"{len(alerts):,} alerts; nothing was sent", err=True)


def _latest(records: Iterable[Inbound], limit: int | None) -> Iterable[Inbound]:
    return records if limit is None else heapq.nlargest(limit, records, key=lambda record: record.timestamp)


def _show(
    config: Config,
    templates: Templates,
    writing: Writing,
    alert: Alert,
    known: StoredCustomer,
    outcomes: dict[str, str],
) -> None:
    kind = click.style(str(alert.kind), bold=True)
    at_risk = writing.money(alert.value_at_risk)
    told = "" if alert.risk is None else f"  ({at_risk} at risk, risk {alert.risk:.0%})"
    click.echo(f"{kind}  {alert.customer_id}  {alert.sentence}{told}")
    routing = route(config, alert)
    if not routing.routes:
        click.echo(f"  nobody is told: {f'rule {routing.rule}' if routing.rule else 'no rule matches'}")
    for wanted in routing.routes:
        against = "; ".join(_against(config, alert, wanted, known, outcomes)) or "it would be sent"
        click.echo(f"  to {wanted.channel} by rule {wanted.rule}: {against}")
        channel = config.channels[wanted.channel]
        if channel.digest is None:
            message = templates.single(wanted.template, wanted.channel, alert)
        else:
            message = templates.digest(channel.digest.template, wanted.channel, [alert], 0)
        for line in (message.title, *message.body.splitlines()):
            click.echo(f"    {line}")


def _against(
    config: Config, alert: Alert, wanted: Route, known: StoredCustomer, outcomes: dict[str, str]
) -> Iterable[str]:
    channel, now_ms = config.channels[wanted.channel], time.time_ns() // 1_000_000
    if (outcome := outcomes.get(wanted.channel)) is not None:
        yield f"over already: {outcome}"
    if (action := suppressing(alert, occurred_ms(alert), known.actions, config.actions)) is not None:
        yield f"suppressed by an action: {action.action}"
    hold_out = config.hold_out
    if channel.hold_out and (known.held_out or is_held_out(alert.customer_id, hold_out.salt, hold_out.share)):
        yield "held out"
    zone = config.zone(wanted.channel)
    if channel.digest is not None:
        yield f"waits for the digest of {rfc3339(channel.schedule(zone).first(now_ms))}"
    elif is_quiet(channel.quiet, zone, now_ms):
        yield "waits for the end of the quiet hours"
