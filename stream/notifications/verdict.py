"""What notifying achieves, in one sentence in money, or why that cannot be said."""

from collections.abc import Callable

from stream.notifications.effect import MIN_CUSTOMERS, EffectReport

__all__ = ["verdict"]


def verdict(report: EffectReport, money: Callable[[float], str]) -> str:
    """The sentence with which `stream effect` begins. ``money`` writes an amount.

    The difference in spend per customer times the customers notified, with its 95 % interval. Groups of fewer than
    `MIN_CUSTOMERS` are too small to say anything: then it tells how many there are.
    """
    everyone, days = report.everyone, f"{report.horizon_days:.0f} days"
    notified, held_out = everyone.notified.customers, everyone.held_out.customers
    if not notified and not held_out:
        waiting = f": {report.pending:,} wait for the end of their {days}" if report.pending else ""
        return f"Nobody to compare yet{waiting}."
    if not held_out:
        return (
            f"Nobody was held out, so it cannot be known what notifying {notified:,} customers brought: set a hold_out"
            " share in the notification file."
        )
    if min(notified, held_out) < MIN_CUSTOMERS:
        return (
            f"Too few customers to know: {notified:,} notified and {held_out:,} held out have had their {days};"
            f" at least {MIN_CUSTOMERS} of each are needed before the figures mean anything."
        )
    spend = everyone.spend
    if spend.estimate is None or spend.low is None or spend.high is None:
        return "The spend of the groups cannot be compared."
    total, low, high = (notified * figure for figure in (spend.estimate, spend.low, spend.high))
    direction = "more" if total >= 0 else "less"
    found = f"Notifying {notified:,} customers brought {money(abs(total))} {direction} in {days}"
    span = f"between {money(low)} and {money(high)} with 95 % certainty"
    return f"{found} ({span})." if spend.excludes_zero else f"{found}, which may be chance ({span})."
