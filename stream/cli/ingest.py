"""``stream ingest``: take events over HTTP."""

import click

from stream.cli.logs import configure_logging
from stream.cli.options import SettingsCommand, with_settings
from stream.settings import Settings

__all__ = ["ingest"]


@click.command(cls=SettingsCommand)
@with_settings("Kafka", "Topics", "Ingest", "Time", "Events", "Metrics", "Logging")
@click.pass_context
def ingest(ctx: click.Context, settings: Settings) -> None:
    """Take events over HTTP and publish them; answer when Kafka has them.

    POST /v1/events takes native events: one, an array, or NDJSON. POST /v1/adapters/NAME takes the webhooks of shop
    systems, mail providers and others. SIGTERM or Ctrl-C ends it after the last answer.

    Who may send is said by STREAM_INGEST_TOKEN and by the keys of the providers, which have no options: see
    docs/producers.md.
    """
    configure_logging(settings)
    from stream.ingest.service import run

    ctx.exit(run(settings))
