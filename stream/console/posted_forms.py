"""What people fill in, as a condition."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from stream.console.refusals import Name, RefusedError
from stream.directory.customer_queries import Condition, amount_of
from stream.reporting.words import to_say
from stream.reporting.writing import Writing

__all__ = ["FIELDS", "condition_of"]

#: The fields of the form of customers.
FIELDS: Final = (
    *("begins", "stage", "tier", "segment", "risk_from", "at_stake_from", "spend_from", "channel"),
    *("ordered_from", "ordered_before"),
)
#: What the page calls those that can be wrong.
_TITLES: Final = {
    "risk_from": to_say("Risk from (percent)"),
    "at_stake_from": to_say("At stake from"),
    "spend_from": to_say("Spent from"),
    "ordered_from": to_say("Last order from"),
    "ordered_before": to_say("Last order before"),
}
_PER_CENT: Final = 100


def condition_of(form: Mapping[str, str], writing: Writing) -> Condition:
    """The condition of a form; risks are in per cent, money in major units. Raises `SettingsError` for other texts."""

    def number(name: str) -> float | None:
        text = form.get(name, "").strip()
        try:
            return float(text) if text else None
        except ValueError:
            raise RefusedError("%(field)s: expected a number", field=Name(_TITLES[name])) from None

    def money(name: str) -> int | None:
        amount = number(name)
        return None if amount is None else amount_of(amount)

    def day(name: str) -> int | None:
        text = form.get(name, "").strip()
        try:
            return writing.midnight_ms(date.fromisoformat(text)) if text else None
        except (ValueError, OverflowError):
            raise RefusedError("%(field)s: expected a day such as 2026-01-31", field=Name(_TITLES[name])) from None

    def one(name: str) -> tuple[str, ...]:
        return (form[name],) if form.get(name) else ()

    risk = number("risk_from")
    return Condition(
        begins=form.get("begins", "").strip(),
        stages=one("stage"),
        tiers=one("tier"),
        segments=one("segment"),
        risk_from=None if risk is None else risk / _PER_CENT,
        at_stake_from=money("at_stake_from"),
        spend_from=money("spend_from"),
        channel=form.get("channel", "").strip() or None,
        ordered_from_ms=day("ordered_from"),
        ordered_before_ms=day("ordered_before"),
    )
