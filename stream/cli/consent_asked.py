"""Who does not agree to be scored, as commands and the console ask before they show lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from stream.cli.saying import say
from stream.clock import SystemClock
from stream.errors import StorageError
from stream.settings import Settings
from stream.storage.consent_desk import ConsentDesk

__all__ = ["refusing_to_be_scored"]


def refusing_to_be_scored(settings: Settings, customer_ids: Sequence[str]) -> Collection[str] | None:
    """Those who do not agree; None while nobody can tell, which is said."""
    try:
        with ConsentDesk(settings) as desk:
            consented = desk.read(customer_ids)
    except StorageError as error:
        say(f"no scores are shown, as what customers agreed to is not known: {error}")
        return None
    now_ms = SystemClock().now_ms()
    return {one for one in customer_ids if not consented.may_score(one, now_ms)}
