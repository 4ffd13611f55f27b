"""``stream whatif``: what another policy would have done."""

import gc
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import orjson

from stream.cli.log_options import LogOptions, log_options
from stream.cli.options import SettingsCommand, with_settings
from stream.errors import EventLogError, SettingsError
from stream.settings import Settings

if TYPE_CHECKING:
    from stream.events.log_event import LogEvent

__all__ = ["whatif"]

_POLICY = click.Path(dir_okay=False, path_type=Path)


@click.command(cls=SettingsCommand)
@click.argument("old", type=_POLICY)
@click.argument("new", type=_POLICY)
@click.argument("log", required=False)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="The comparison as one JSON object, and how far it is on standard error.",
)
@click.option("--most", type=click.IntRange(min=0), default=10, show_default=True, help="Changes of each kind to show.")
@log_options
@with_settings("Labels", "Alerts", "Events", "Time", "Shop", "Kafka", "Topics", "Redis")
def whatif(
    settings: Settings, *, old: Path, new: Path, log: str | None, as_json: bool, most: int, options: LogOptions
) -> None:
    """Replay LOG under the policies OLD and NEW, and show what differs: alerts, how often they are right, messages.

    A policy is a YAML file with `alerts` (settings such as alerts_per_week, cooldown_days) and `notify` (a notification
    file); what it leaves out is as set. Without LOG, the events of the topics are replayed, and what people did about
    customers is known. Nothing is sent. The models learn once for a log; further policies take seconds.
    """
    try:
        from stream.cli.whatif_kept import KnownLog
        from stream.cli.whatif_log import until_day, what_happened
        from stream.cli.whatif_progress import shown_stages
        from stream.whatif.policy_files import load_policy
    except ImportError as error:
        raise SettingsError(f"{error}: pip install 'customer-stream[notify]'") from error
    from stream.cli.console import console_for_people
    from stream.cli.log_horizon import fit_to_log
    from stream.cli.log_input import LogInput
    from stream.cli.whatif_view import whatif_view
    from stream.clock import SystemClock
    from stream.reporting.writing import Writing
    from stream.whatif.comparison import compared
    from stream.whatif.deliveries import deliver

    # the events stay to the end: looking through them for garbage takes an eighth of the time
    gc.disable()
    click.get_current_context().call_on_close(gc.enable)
    now_ms = SystemClock().now_ms()
    for path in (old, new):
        load_policy(path, settings)  # told before a log is read for minutes
    contacts: Iterable[tuple[str, int]] = ()
    if log is not None:
        events: Sequence[LogEvent] = LogInput(log, options, settings).all_events()
    else:
        # not for a log from a file: it takes a second to import
        from stream.cli.whatif_topics import contacts_of_topics, events_of_topics

        events, contacts = events_of_topics(settings), contacts_of_topics(settings)
    if not events:
        raise EventLogError("the topics have no events yet: import a history, or name a log")
    writing = Writing.of(settings, lambda: options.form.currency)
    if log is None:
        events = until_day(events, writing.midnight_ms(writing.day_of(now_ms)))
    settings = fit_to_log(settings, events, now_ms)
    before, after = load_policy(old, settings), load_policy(new, settings)
    known = KnownLog(events, before.settings, now_ms, writing, shown_stages(as_json=as_json))
    of_old = known.alerts(before.settings)
    of_new = of_old if after.alerts_as(before) else known.alerts(after.settings)
    loads = [
        None if policy.notifying is None else deliver(policy.notifying, alerts, settings, writing.money)
        for policy, alerts in ((before, of_old), (after, of_new))
    ]
    found = compared(of_old, of_new, what_happened(events, settings, now_ms, contacts), (loads[0], loads[1]))
    if as_json:
        click.echo(orjson.dumps(msgspec.to_builtins(found), option=orjson.OPT_INDENT_2))
    else:
        console_for_people().print(whatif_view(found, writing, most))
