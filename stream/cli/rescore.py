"""``stream rescore``: every customer gets a risk as of now, whether or not an event or a timer is due."""

import time

import click

from stream.cli.options import SettingsCommand, with_settings
from stream.errors import StorageError
from stream.events.times import rfc3339
from stream.settings import Settings
from stream.storage.rescore_desk import Answer, RescoreDesk

__all__ = ["rescore", "wait_for_answers"]

_POLL_S = 0.2


@click.command(cls=SettingsCommand)
@click.option("--wait", is_flag=True, help="Wait until it is done, and show what was done.")
@click.option("--timeout-s", default=600.0, show_default=True, help="With --wait: for how long at most.")
@with_settings("Redis", "Topics")
def rescore(settings: Settings, *, wait: bool, timeout_s: float) -> None:
    """Score all customers again, those too who have been retired from scoring, as of the time that events tell.

    Workers do it by themselves with the first model, after an import and once a week, unless the setting `rescore` says
    otherwise. They begin when all events that are there have been processed. Exit status 1 if it is not done in time.
    """
    with RescoreDesk(settings) as desk:
        request = desk.ask()
        if not wait:
            click.echo(f"asked for (request {request}); workers score all customers when they have caught up")
            return
        for answer in wait_for_answers(desk, request, timeout_s):
            as_of = rfc3339(answer.stream_time_ms)
            click.echo(f"partition {answer.partition}: {answer.customers:,} customers scored as of {as_of}")


def wait_for_answers(desk: RescoreDesk, request: int, timeout_s: float) -> list[Answer]:
    """Wait until all partitions have answered a request. Raises `StorageError` when they have not within that time."""
    deadline = time.monotonic() + timeout_s
    while True:
        answers = desk.answers(request)
        if answers and all(answer.is_done for answer in answers):
            return answers
        if time.monotonic() >= deadline:
            done = sum(answer.is_done for answer in answers)
            raise StorageError(
                f"{done} of {len(answers)} partitions have scored their customers within {timeout_s:g} s: is a worker "
                "running, has it caught up, and is a model ready (`stream models`)? The wish is noted"
            )
        time.sleep(_POLL_S)
