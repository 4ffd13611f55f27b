"""Nothing is written down about people who were erased."""

import time

from stream.cli.privacy_erasing import KAFKA_S
from stream.errors import SettingsError
from stream.privacy.erasure_feed import ErasureFeed
from stream.settings import Settings

__all__ = ["check_not_erased"]


def check_not_erased(settings: Settings, *customer_ids: str) -> None:
    """Raises `SettingsError` for an id of an erased person, and `StorageError` while who is erased cannot be read."""
    now_ms = time.time_ns() // 1_000_000
    with ErasureFeed(settings, wait_s=KAFKA_S) as feed:
        if any(feed.erasures.refuses(one, now_ms) for one in customer_ids):
            raise SettingsError("this person was erased, so nothing is written down about them")
