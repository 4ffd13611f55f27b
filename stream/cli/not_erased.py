"""Nothing is written down about people who were erased."""

import time

from stream.cli.privacy_erasing import KAFKA_S
from stream.errors import SettingsError
from stream.privacy.erasure_feed import ErasureFeed
from stream.settings import Settings

__all__ = ["check_not_erased"]


def check_not_erased(settings: Settings, customer_id: str) -> None:
    """Raises `SettingsError` for the id of an erased person, and `StorageError` while who is erased cannot be read."""
    with ErasureFeed(settings, wait_s=KAFKA_S) as feed:
        if feed.erasures.refuses(customer_id, time.time_ns() // 1_000_000):
            raise SettingsError("this person was erased, so nothing is written down about them")
