"""``stream report``: how the shop does, as a page."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stream.catalogue.wording import number_of
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.parameters import CalendarDay
from stream.cli.reach import Local
from stream.errors import StorageError
from stream.settings import Settings

if TYPE_CHECKING:
    from stream.cli.shop_day import ShopDay
    from stream.reporting.feedback_groups import FeedbackCounts
    from stream.reporting.order_log import OrderLog
    from stream.reporting.page import ShopReport
    from stream.reporting.themes import Themes

__all__ = ["report"]

_AT_ONCE = 2000


@click.command(cls=SettingsCommand)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Write the page to this file."
)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Length of today's list.")
@click.option(
    "--as-of",
    type=CalendarDay(),
    metavar="DAY",
    help="Another day than today, such as 2026-01-31; not before the newest event.",
)
@with_settings("Redis", "Kafka", "Topics", "Time", "Labels", "Events", "Shop", local=Local.SERVERS)
def report(settings: Settings, *, html: Path, limit: int, as_of: datetime | None) -> None:
    """Write how the shop does to one page that needs nothing else: to read, to print, to send.

    Revenue, orders, new and returning customers, how many come back, who is active, at risk and lost, value by segment,
    how good the alerts were, and today's list. Sales are counted from all of the purchase topic. Orders under
    several ids of a person are those of one customer.
    """
    # Compiled code, models and the plotting library take seconds to import: only when a page is made.
    from stream.cli.page_files import page_writer, write_page
    from stream.cli.shop_day import shop_day

    writer = page_writer()
    with shop_day(settings, as_of) as day:
        made = _report(day, limit)
        write_page(html, writer.report_page(made, day.writing, day.note(made.today)))
        revenue, orders = made.sales.whole.revenue, made.sales.whole.orders
        click.echo(
            f"{html}: {number_of(orders, 'order', 'orders')}, {day.writing.money(revenue)} of revenue,"
            f" {number_of(made.today.customers, 'customer', 'customers')}"
        )


def _report(day: "ShopDay", limit: int) -> "ShopReport":
    from stream.reporting.cohorts import cohorts
    from stream.reporting.life import standing_at
    from stream.reporting.page import ShopReport
    from stream.reporting.periods import period_ends, sales
    from stream.reporting.track_record import track_record
    from stream.storage.person_ids import customers_of
    from stream.storage.projection_desk import ProjectionDesk

    now_ms, basis = day.basis.now_ms, day.basis
    book = _orders(day.settings)
    with ProjectionDesk(day.settings) as desk:
        customers = customers_of(desk, book.ids)
    orders = book.orders(customers).until(now_ms)
    sold = sales(orders, now_ms, day.writing)
    if sold is None:
        raise StorageError(f"no order is in {day.settings.events_purchase}: there is nothing to report")
    return ShopReport(
        today=day.today(limit),
        sales=sold,
        cohorts=cohorts(orders, now_ms, day.writing),
        life=standing_at(
            orders,
            period_ends(sold, now_ms, day.writing),
            shop_gap_days=basis.shop_gap_days,
            horizon_days=basis.horizon_days,
            overdue=basis.overdue_habits,
        ),
        track_record=track_record(
            ((customers.get(one, one), at_ms) for one, at_ms in _raised(day.settings)), orders, now_ms
        ),
        themes=_themes(day.settings),
        feedback=_feedback(day.settings),
    )


def _themes(settings: Settings) -> "Themes | None":
    from stream.cli.texts_desk import agreed_texts
    from stream.reporting.themes import themes_of

    return themes_of(agreed_texts(settings))


def _feedback(settings: Settings) -> "FeedbackCounts":
    from stream.cli.feedback_desk import feedback_of
    from stream.storage.projection_desk import ProjectionDesk

    with ProjectionDesk(settings) as desk:
        return feedback_of(desk)


def _orders(settings: Settings) -> "OrderLog":
    from stream.events.decode import Decoder
    from stream.notifications.read_to_end import events_to_end
    from stream.reporting.order_log import OrderLog

    book = OrderLog(Decoder.of(settings))
    records = events_to_end(settings, settings.events_purchase)
    while batch := [*islice(records, _AT_ONCE)]:
        book.add(batch)
    return book


def _raised(settings: Settings) -> Iterator[tuple[str, int]]:
    """Customer and time (ms) of every alert that was raised; one that was published twice comes twice."""
    import msgspec

    from stream.alerts.alert_records import Alert, AlertKind
    from stream.events.times import epoch_ms
    from stream.notifications.read_to_end import read_to_end

    decoder = msgspec.json.Decoder(Alert)
    for record in read_to_end(settings, settings.alerts):
        alert = decoder.decode(record.value or b"")
        if alert.kind is AlertKind.RAISED:
            yield alert.customer_id, epoch_ms(datetime.fromisoformat(alert.occurred_at))
