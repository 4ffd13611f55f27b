"""The campaigns of a shop: the rows that a step changes, and the latest ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from stream.directory import schema
from stream.directory.customer_queries import cursor_of, position_of
from stream.directory.customer_rows import chunks, rows_of_customers
from stream.directory.database import as_dict
from stream.directory.mailings import Campaign, Mailing, MailingKey, followed, heard, summed, who_ordered_anew
from stream.directory.row_changes import of_purchases
from stream.directory.timeline import TimelineEntry
from stream.errors import CursorError

__all__ = ["CampaignChanges", "CampaignPage", "campaign_changes", "latest_campaigns", "resummed"]


class CampaignChanges(NamedTuple):
    """Rows to write, as they are now."""

    mailings: Sequence[Mailing]
    campaigns: Sequence[Campaign]


class CampaignPage(NamedTuple):
    """``cursor``: where the next page begins, None after the last."""

    campaigns: Sequence[Campaign]
    cursor: str | None


def campaign_changes(
    connection: Connection, new: Sequence[TimelineEntry], changed_orders: Iterable[Mapping[str, Any]]
) -> CampaignChanges:
    """What entries that were not known before change; ``changed_orders``: rows that are not written yet."""
    told, times = heard(new, {})
    buyers = of_purchases(new)
    touched = [*dict.fromkeys([*(customer for customer, _ in told), *buyers])]
    rows = rows_of_customers(connection, schema.mailings, touched)
    stored: dict[MailingKey, Mailing] = {(row.customer_id, row.campaign): Mailing._make(row) for row in rows}
    after, _ = heard(new, stored)
    anew = who_ordered_anew(after, stored, buyers)
    orders: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for row in rows_of_customers(connection, schema.orders, [*anew]):
        orders[row.customer_id][row.order_id] = as_dict(row)
    for order in changed_orders:
        orders[order["customer_id"]][order["order_id"]] = order
    for key, mailing in {**stored, **after}.items():
        if key[0] in anew:
            after[key] = followed(mailing, orders[key[0]].values())
    changed = {key: mailing for key, mailing in after.items() if stored.get(key) != mailing}
    known = _campaigns(connection, [*{campaign for _, campaign in (*changed, *told)}])
    sums = summed(stored, changed, times, known)
    return CampaignChanges([*changed.values()], [one for one in sums if known.get(one.campaign) != one])


def resummed(connection: Connection, before: Iterable[Mailing], after: Iterable[Mailing]) -> CampaignChanges:
    """What changes when the mailings ``before`` are gone, and those ``after`` are there instead."""
    gone = {one[:2]: one for one in before}
    there = {one[:2]: one for one in after}
    known = _campaigns(connection, [*{campaign for _, campaign in (*gone, *there)}])
    changed = {key: there.get(key) for key in (*gone, *there) if gone.get(key) != there.get(key)}
    sums = summed(gone, changed, {}, known)
    return CampaignChanges([*there.values()], [one for one in sums if known.get(one.campaign) != one])


def latest_campaigns(connection: Connection, limit: int, cursor: str | None = None) -> CampaignPage:
    """At most ``limit`` campaigns from ``cursor`` on, those first of which a mail was sent last.

    A cursor stands in an address, so it names no campaign: it has a time, and how many campaigns of that very time come
    before. Raises `CursorError` for a text that is no cursor of this list.
    """
    of = schema.campaigns.c
    newest = func.coalesce(of.last_ms, of.first_ms)
    query = select(schema.campaigns).order_by(newest.desc(), of.campaign).limit(limit + 1)
    begin: tuple[int, int] | None = None
    if cursor is not None:
        match position_of(cursor, 3):
            case ["campaigns", int() as newest_ms, int() as before] if before > 0:
                begin = newest_ms, before
                query = query.where(newest <= newest_ms).offset(before)
            case _:
                raise CursorError
    found = [Campaign._make(row) for row in connection.execute(query)]
    if len(found) <= limit:
        return CampaignPage(found, None)
    newest_ms = _newest_ms(found[limit - 1])
    before = sum(_newest_ms(one) == newest_ms for one in found[:limit])
    if begin is not None and begin[0] == newest_ms:
        before += begin[1]
    return CampaignPage(found[:limit], cursor_of("campaigns", newest_ms, before))


def _newest_ms(campaign: Campaign) -> int:
    return campaign.first_ms if campaign.last_ms is None else campaign.last_ms


def _campaigns(connection: Connection, names: Sequence[str]) -> dict[str, Campaign]:
    found: dict[str, Campaign] = {}
    of = schema.campaigns
    for chunk in chunks(names):
        rows = connection.execute(select(of).where(of.c.campaign.in_(chunk)))
        found |= {row.campaign: Campaign._make(row) for row in rows}
    return found
