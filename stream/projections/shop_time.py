"""The clock of the shop."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["shop_zone"]


def shop_zone(settings: Settings) -> ZoneInfo:
    """The time zone of the shop's days. Raises `SettingsError` where there is none of this name.

    >>> shop_zone(Settings(shop_timezone="Asia/Tokyo"))
    zoneinfo.ZoneInfo(key='Asia/Tokyo')
    """
    try:
        return ZoneInfo(settings.shop_timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(f"shop_timezone={settings.shop_timezone}: expected a name such as Europe/London") from error
