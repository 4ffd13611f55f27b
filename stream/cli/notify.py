"""``stream notify``: tell people and systems about alerts."""

import os
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from stream.cli.options import SettingsCommand, with_settings
from stream.cli.serving import serving
from stream.errors import PublishError, SettingsError
from stream.settings import Settings

if TYPE_CHECKING:
    from stream.cli.live_recommendations import LiveRecommendations
    from stream.notifications.config import Config
    from stream.notifications.sender import Sender
    from stream.notifications.templates import Templates
    from stream.recommending.recommended import RecommendationLists

__all__ = ["notify"]

#: Items of each list that a template sees.
_OFFERED: Final = 5


@click.command(cls=SettingsCommand)
@click.option("--check", is_flag=True, help="Only check the notification file.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent for the alerts in the topic, and end.")
@click.option("--limit", type=click.IntRange(min=1), help="With --dry-run: only so many of the latest alerts.")
@click.option("--test", "test_channel", metavar="CHANNEL", help="Only send a sample alert to a channel.")
@with_settings("Kafka", "Topics", "Redis", "Labels", "Shop", "Notifications", "Metrics", "Logging")
def notify(settings: Settings, *, check: bool, dry_run: bool, limit: int | None, test_channel: str | None) -> None:
    """Turn alerts into notifications until told to stop (SIGTERM, Ctrl-C).

    Who hears of what is in the notification file (--notify-file); docs/notifications.md describes it. An alert is
    acknowledged only when it is delivered, or deliberately not delivered, on every channel.
    """
    if not settings.notify_file:
        raise SettingsError("notify_file is not set: name a file such as examples/notifications.yaml")
    try:
        from stream.notifications.config_file import load
        from stream.notifications.templates import Templates
    except ImportError as error:
        raise SettingsError(f"{error}: pip install 'customer-stream[notify]'") from error
    from stream.cli.live_recommendations import LiveRecommendations
    from stream.cli.shop_writing import writing_of
    from stream.notifications.sender import AppriseSender
    from stream.privacy.revealing import Revealer

    config = load(settings.notify_file, os.environ)
    writing = writing_of(settings)
    with closing(LiveRecommendations(settings)) as live:
        try:
            templates = Templates(config, writing.money, Revealer.of(settings).json, partial(_offered, live))
            if dry_run:
                from stream.cli.notify_preview import preview

                preview(settings, config, templates, writing, limit)
                return
            senders = {name: AppriseSender(name, channel) for name, channel in config.channels.items()}
        except SettingsError as error:
            raise SettingsError(f"{settings.notify_file}: {error}") from error
        if check:
            click.echo(f"{settings.notify_file}: {len(config.channels)} channels, {len(config.rules)} rules", err=True)
        elif test_channel is not None:
            _test(templates, senders, test_channel)
        else:
            _run(settings, config, templates, senders)


def _offered(live: "LiveRecommendations", customer_id: str) -> "RecommendationLists":
    """What to offer to a customer, for a template that names it."""
    from stream.recommending.recommended import RecommendationLists

    found, _ = live.lists(customer_id, _OFFERED)
    return RecommendationLists() if found is None else found


def _test(templates: "Templates", senders: "Mapping[str, Sender]", channel: str) -> None:
    if channel not in senders:
        raise SettingsError(f"there is no channel {channel!r}: there are {', '.join(senders)}")
    failure = senders[channel].send(templates.sample(channel))
    if failure is not None:
        raise PublishError(f"channel {channel}: not delivered: {failure.detail}")
    click.echo(f"channel {channel}: the sample was delivered", err=True)


def _run(settings: Settings, config: "Config", templates: "Templates", senders: "Mapping[str, Sender]") -> None:
    from stream.notifications.notifier_process import run

    with serving(settings) as (stop, tell):
        run(settings, config, templates, senders, stop, tell=tell)
