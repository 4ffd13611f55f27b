"""``stream alerts``: follow the alerts topic."""

import secrets
from collections.abc import Iterator

import click
import msgspec
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, Message, TopicPartition

from stream.alerts.alert_records import Alert, AlertKind
from stream.catalogue.declaring import Money
from stream.catalogue.wording import plain_money
from stream.cli.kafka import client_config, cluster_metadata, silent
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.shop_writing import writing_of
from stream.errors import TopologyError
from stream.settings import Settings

__all__ = ["alerts", "describe_alert"]

#: Word and colour of each kind.
_KINDS = {
    AlertKind.RAISED: ("RAISED ", "red"),
    AlertKind.CLEARED: ("cleared", "green"),
    AlertKind.WINBACK: ("WINBACK", "cyan"),
    AlertKind.COMPLAINT: ("COMPLAINT", "red"),
    AlertKind.DROPPED: ("DROPPED", "yellow"),
}

POLL_TIMEOUT_S = 0.5

_DECODER = msgspec.json.Decoder(Alert)


@click.command(cls=SettingsCommand)
@click.option("--json", "as_json", is_flag=True, help="The records as they are, one a line.")
@click.option("--from-beginning", is_flag=True, help="Also the alerts that are in the topic already.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many alerts.")
@with_settings("Kafka", "Topics", "Shop")
def alerts(settings: Settings, *, as_json: bool, from_beginning: bool, limit: int | None) -> None:
    """Show alerts as they are published, until Ctrl-C."""
    money = plain_money if as_json else writing_of(settings).money
    shown = 0
    try:
        for message in _follow(settings, from_beginning=from_beginning):
            value = message.value() or b""
            click.echo(value if as_json else _line(message, value, money))
            shown += 1
            if shown == limit:
                break
    except KeyboardInterrupt:
        click.echo(f"{shown} alerts shown", err=True)


def _follow(settings: Settings, *, from_beginning: bool) -> Iterator[Message]:
    topic = cluster_metadata(settings).topics.get(settings.alerts)
    if topic is None:
        raise TopologyError(f"no topic {settings.alerts} at {settings.kafka_bootstrap}: stream topics create")
    # Partitions are assigned by hand: the group is never joined, nothing is committed.
    consumer = Consumer(
        client_config(settings, group_id=f"stream-alerts-{secrets.token_hex(6)}", enable_auto_commit=False),
        logger=silent,
    )
    start = OFFSET_BEGINNING if from_beginning else OFFSET_END
    consumer.assign([TopicPartition(settings.alerts, partition, start) for partition in topic.partitions])
    try:
        while True:
            message = consumer.poll(POLL_TIMEOUT_S)
            if message is None:
                continue
            if (error := message.error()) is not None:
                raise TopologyError(f"cannot read topic {settings.alerts}: {error.str()}")
            yield message
    finally:
        consumer.close()


def _line(message: Message, value: bytes, money: Money) -> str:
    try:
        return describe_alert(_DECODER.decode(value), money)
    except msgspec.DecodeError as error:
        where = f"{message.topic()}[{message.partition()}]@{message.offset()}"
        return click.style(f"{where}: not an alert: {error}", fg="yellow")


def describe_alert(alert: Alert, money: Money = plain_money) -> str:
    """A line for people, and one for each reason; ``money`` writes amounts."""
    kind = click.style(*_KINDS[alert.kind][:1], fg=_KINDS[alert.kind][1])
    level = "" if alert.threshold is None else f", level {alert.threshold:.0%}"
    segment = f", segment {alert.segment}" if alert.segment else ""
    at_risk = f"{money(alert.value_at_risk)} at risk, " if alert.kind is AlertKind.RAISED else ""
    risk = "" if alert.risk is None else f"risk {alert.risk:.0%}{level}, "
    told = f"{at_risk}{risk}by {alert.cause}{segment}"
    head = f"{alert.occurred_at}  {kind}  {alert.customer_id}  {alert.sentence}  ({told})"
    reasons = (reason.sentence for reason in alert.reasons if reason.sentence != alert.sentence)
    return "\n".join([head, *(f"    {reason}" for reason in reasons)])
