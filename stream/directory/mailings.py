"""Campaigns: whom their mails reached, and what these customers ordered in the days after the first mail. Pure.

An order *follows* a campaign when it was made within `FOLLOWING_DAYS` after the customer's first mail of it. That is no
proof that the mail was the cause: some would have ordered without it. An order may follow several campaigns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from stream.directory.timeline import TimelineEntry
from stream.events.kinds import EventType
from stream.features.registry import DAY_MS
from stream.privacy.ciphertexts import is_ciphertext

__all__ = ["FOLLOWING_DAYS", "Campaign", "Mailing", "MailingKey", "followed", "heard", "summed", "who_ordered_anew"]

#: Another number needs another version of the fold.
FOLLOWING_DAYS: Final = 7
#: Events that tell when a mail was sent.
_SENT: Final = frozenset({"sent", "delivered"})

#: Customer and campaign.
MailingKey = tuple[str, str]


class Mailing(NamedTuple):
    """A campaign of which a customer got mail, at ``at_ms`` for the first time; the fields are columns.

    ``opened``: by a person, as far as known. ``orders`` follow it; ``revenue``: what they brought less their refunds.
    """

    customer_id: str
    campaign: str
    at_ms: int
    opened: bool
    clicked: bool
    orders: int = 0
    revenue: int = 0


class Campaign(NamedTuple):
    """Sums over the mailings of a campaign; the fields are columns. ``opened``, ``clicked``, ``buyers``: customers.

    ``first_ms``: of the first event; ``last_ms``: of the latest mail that was sent, None: nobody told when.
    """

    campaign: str
    first_ms: int
    last_ms: int | None
    customers: int
    opened: int
    clicked: int
    buyers: int
    orders: int
    revenue: int


def heard(
    entries: Iterable[TimelineEntry], stored: Mapping[MailingKey, Mailing]
) -> tuple[dict[MailingKey, Mailing], dict[str, tuple[int, int | None]]]:
    """Mailings as they are with ``entries``, those that changed; and of each campaign first and latest sending (ms)."""
    found: dict[MailingKey, Mailing] = {}
    times: dict[str, tuple[int, int | None]] = {}
    for entry in entries:
        campaign = _campaign_of(entry)
        if campaign is None:
            continue
        key = entry.customer_id, campaign
        now = found.get(key) or stored.get(key) or Mailing(*key, entry.at_ms, opened=False, clicked=False)
        by_machine = bool((entry.detail or {}).get("machine_open"))
        found[key] = now._replace(
            at_ms=min(now.at_ms, entry.at_ms),
            opened=now.opened or (entry.name == "opened" and not by_machine),
            clicked=now.clicked or entry.name == "clicked",
        )
        first_ms, last_ms = times.get(campaign, (entry.at_ms, None))
        times[campaign] = (
            min(first_ms, entry.at_ms),
            _latest(last_ms, entry.at_ms if entry.name in _SENT else None),
        )
    return found, times


def who_ordered_anew(
    changed: Mapping[MailingKey, Mailing], stored: Mapping[MailingKey, Mailing], buyers: Iterable[str]
) -> set[str]:
    """Customers whose orders must be looked at: those with a first mail, or an earlier one, and ``buyers`` with any."""
    begun = {key[0] for key, one in changed.items() if (former := stored.get(key)) is None or former.at_ms != one.at_ms}
    mailed = {customer for customer, _ in (*changed, *stored)}
    return begun | (mailed & {*buyers})


def followed(mailing: Mailing, orders: Iterable[Mapping[str, Any]]) -> Mailing:
    """``mailing`` with what follows it of the customer's ``orders``, rows of the directory."""
    until_ms = mailing.at_ms + FOLLOWING_DAYS * DAY_MS
    after = [
        one
        for one in orders
        if one["completed_ms"] is not None and not one["cancelled"] and mailing.at_ms <= one["completed_ms"] < until_ms
    ]
    return mailing._replace(orders=len(after), revenue=sum((one["amount"] or 0) - one["refunded"] for one in after))


def summed(
    before: Mapping[MailingKey, Mailing],
    after: Mapping[MailingKey, Mailing | None],
    times: Mapping[str, tuple[int, int | None]],
    stored: Mapping[str, Campaign],
) -> list[Campaign]:
    """The campaigns of ``after`` and of ``times`` as they are then.

    ``before``: the mailings that were stored; ``after``: those that changed, None for one that is none of the
    customer's any more; ``stored``: campaigns that are known.
    """
    found = {name: stored[name] for name in times if name in stored}
    for key, mailing in after.items():
        name = key[1]
        if name not in found:
            began_ms = (mailing or before[key]).at_ms
            found[name] = stored.get(name) or Campaign(name, began_ms, None, 0, 0, 0, 0, 0, 0)
        campaign, added, taken = found[name], _share(mailing), _share(before.get(key))
        sums = (now + more - less for now, more, less in zip(campaign[3:], added, taken, strict=True))
        found[name] = Campaign(*campaign[:3], *sums)
    for name, (first_ms, last_ms) in times.items():
        of = found[name]
        found[name] = of._replace(first_ms=min(of.first_ms, first_ms), last_ms=_latest(of.last_ms, last_ms))
    return [*found.values()]


def _share(mailing: Mailing | None) -> tuple[int, ...]:
    """What a mailing adds to the sums of `Campaign`, in their order."""
    if mailing is None:
        return (0,) * 6
    return 1, int(mailing.opened), int(mailing.clicked), int(mailing.orders > 0), mailing.orders, mailing.revenue


def _campaign_of(entry: TimelineEntry) -> str | None:
    """Its campaign; None: it is of none, or its name is under the key of a person, so that no two are the same."""
    if entry.source != EventType.EMAIL or not entry.detail:
        return None
    # as any database keeps it: PostgreSQL has no character 0
    name = str(entry.detail.get("campaign_id") or "").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return name if name and not is_ciphertext(name) else None


def _latest(one: int | None, other: int | None) -> int | None:
    return max((at_ms for at_ms in (one, other) if at_ms is not None), default=None)
