"""``stream move``: from one machine to a Kafka and a Redis of your own."""

import time

import click

from stream.cli.data_files import data_directory
from stream.cli.move_log import copy_groups, copy_keyed, copy_records, ends_of
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.reach import Local
from stream.cli.saying import say
from stream.cli.shop import Shop
from stream.cli.topics import create_topics
from stream.errors import StorageError, TopologyError
from stream.settings import Settings
from stream.storage.transfer import copy_state, count_keys

__all__ = ["facts_of", "move"]

_TELL_EVERY_S = 2.0


class _Progress:
    """A line every other second."""

    def __init__(self) -> None:
        self._told_at = 0.0

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if now >= self._told_at + _TELL_EVERY_S:
            say(f"{done:,} of {of:,} records")
            self._told_at = now


@click.command(cls=SettingsCommand)
@with_settings("Kafka", "Topics", "Redis", "Time", local=Local.NEVER)
def move(settings: Settings) -> None:
    """Copy what `stream up` keeps in --data-dir into the Kafka and Redis of the settings.

    The target must be empty. With as many partitions there (--partitions), and topics of the same names, everything
    goes along: log, models, profiles, and how far each reader has read. Otherwise the events go along, with links of
    ids, what people did and decided, points and erasures, and workers rebuild the rest. The directory stays as it is.
    Stop `stream up` first.
    """
    directory = data_directory(settings)
    layout = directory.layout()
    if layout is None:
        raise StorageError(f"{directory.path} holds nothing: name the directory of `stream up` with --data-dir")
    with Shop(directory, Settings(), workers=0, command="move") as shop:
        source = shop.settings
        _require_empty(settings)
        create_topics(settings)
        # profiles are stored with the offsets of topics, by their names
        if settings.topics == source.topics:
            _move_everything(source, settings)
        else:
            say(
                f"{layout.partitions} partitions here, {settings.partitions} there: workers will rebuild the rest from"
                f" the events; with --partitions {layout.partitions} and no topic_prefix all is taken along as it is"
            )
            _move_events(source, settings)
    say(
        f"done; from now on set STREAM_PARTITIONS={settings.partitions} for everything there, and start workers."
        f" {directory.path} was not changed: do not start `stream up` on it again"
    )


def _require_empty(target: Settings) -> None:
    """Raises `TopologyError` or `StorageError` when there is something at the target already."""
    filled = {topic for (topic, _), end in ends_of(target, target.topics).items() if end}
    if filled:
        raise TopologyError(
            f"the target has records in {', '.join(sorted(filled))}: delete these topics, or set topic_prefix"
        )
    if keys := count_keys(target):
        raise StorageError(
            f"the target has {keys:,} keys under {target.namespace!r}: delete them, or set another namespace"
        )


def _move_everything(source: Settings, target: Settings) -> None:
    names = [*zip(source.topics, target.topics, strict=True)]
    records = copy_records(source, target, names, _Progress())
    say(f"{records:,} records of {len(names)} topics, with the same offsets")
    groups = copy_groups(source, target, dict(names))
    say(f"how far these have read: {', '.join(groups)}" if groups else "nobody has read anything yet")
    say(f"{copy_state(source, target):,} keys of Redis")


def _move_events(source: Settings, target: Settings) -> None:
    kept = [(own, theirs) for own, theirs in zip(source.topics, target.topics, strict=True) if own in facts_of(source)]
    records = copy_keyed(source, target, kept, _Progress())
    say(f"{records:,} records of {len(kept)} topics: events, and what people did and decided")


def facts_of(settings: Settings) -> set[str]:
    """Topics that follow from no other. Without its requests an erasure would end with the move."""
    events, decided = settings.all_event_topics, (settings.identities, settings.privacy_requests)
    return {*events, *decided, settings.actions, settings.notifications, settings.offers, settings.points}
