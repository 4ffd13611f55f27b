"""The command line: ``stream COMMAND``.

A command is a function in a module of its own, listed here with the line that ``stream --help`` shows, so
that help needs none of the modules.
"""

import click

from stream import __version__
from stream.cli.lazy import LazyGroup

__all__ = ["main"]

COMMANDS = {
    "actions": ("stream.cli.actions:actions", "Record what was done about customers."),
    "alerts": ("stream.cli.alerts:alerts", "Show alerts as they are published."),
    "console": ("stream.cli.web_console:console", "Show pages for the owner in the browser."),
    "consent": ("stream.cli.consent:consent", "Show what a customer agreed to, and record it."),
    "customer": ("stream.cli.customer:customer", "Show everything about one customer."),
    "demo": ("stream.cli.demo:demo", "Run everything here, over real events, and watch."),
    "directory": ("stream.cli.directory:directory", "Keep customers and figures in a database."),
    "doctor": ("stream.cli.doctor:doctor", "Check everything a worker depends on."),
    "effect": ("stream.cli.effect:effect", "Measure what notifying achieves."),
    "evaluate": ("stream.cli.evaluate:evaluate", "Measure the churn risk over a log."),
    "identity": ("stream.cli.identity:identity", "Show and decide which ids are one person."),
    "move": ("stream.cli.move:move", "Move from one machine to Kafka and Redis."),
    "notify": ("stream.cli.notify:notify", "Notify people and systems of alerts."),
    "ingest": ("stream.cli.ingest:ingest", "Accept events over HTTP."),
    "import": ("stream.cli.import_:import_", "Import a shop's history from its exports."),
    "models": ("stream.cli.models:models", "Show the models, and choose the one that scores."),
    "privacy": ("stream.cli.privacy:privacy", "Show what is kept of people, and erase it."),
    "produce": ("stream.cli.produce:produce", "Publish the events of a log file."),
    "feedback": ("stream.cli.feedback:feedback", "Show what customers say: NPS, CSAT, CES."),
    "projections": ("stream.cli.projections:projections", "Show the projections, and rebuild them."),
    "points": ("stream.cli.points:points", "Show the points of a customer; spend or give some."),
    "offer": ("stream.cli.offers:offer", "Show what to offer to a customer, or what was, and why."),
    "offers": ("stream.cli.offers:offers", "Show what to offer to whom today, and decide it."),
    "recommend": ("stream.cli.recommend:recommend", "Show what to offer to a customer, and why."),
    "rescore": ("stream.cli.rescore:rescore", "Score all customers again."),
    "resident": ("stream.cli.resident:resident", "Keep commands in memory: they answer at once."),
    "quarantine": ("stream.cli.quarantine:quarantine", "Restore customers whose profile could not be read."),
    "replay": ("stream.cli.replay:replay", "Process a log without Kafka and Redis."),
    "report": ("stream.cli.shop_report:report", "Write a page on how the shop is doing."),
    "settings": ("stream.cli.show_settings:show_settings", "Show the settings in effect."),
    "leads": ("stream.cli.leads:leads", "Show who may order for the first time, and why."),
    "today": ("stream.cli.today:today", "Show whom to contact today, and why."),
    "topics": ("stream.cli.topics:topics", "Create or describe the topics."),
    "up": ("stream.cli.up:up", "Run everything on this machine, and keep the data."),
    "upgrade": ("stream.cli.upgrade:upgrade", "Show or finish an upgrade of the stored layout."),
    "whatif": ("stream.cli.whatif:whatif", "Show what another policy would have done."),
    "worker": ("stream.cli.worker:worker", "Process events until stopped."),
}


@click.group(cls=LazyGroup, commands_by_name=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stream")
def main() -> None:
    """Customer events in; rolling features, churn risk, segments and alerts out.

    Every setting can be given as an option or as a STREAM_ variable: see `stream settings`.
    Exit status: 0 success, 1 failure, 2 wrong usage or settings.
    """
