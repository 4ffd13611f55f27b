"""Windows, in hops of their tiles."""

from stream.catalogue.declaring import Window

__all__ = ["DAY_1", "DAY_7", "DAY_28", "DAY_90", "DAY_MS", "HOUR_1", "HOUR_MS", "MINUTE_MS", "WINDOWS"]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
#: The hop of the shortest windows.
MINUTE_MS = HOUR_MS // 12

HOUR_1 = Window("1h", MINUTE_MS, 12, "5 min", "in the last hour", "in the last hour")
DAY_1 = Window("1d", HOUR_MS, 24, "1 h", "in the last day", "in the last day")
DAY_7 = Window("7d", DAY_MS, 7, "1 d", "in 7 days", "in the last 7 days", longer="28d")
DAY_28 = Window("28d", DAY_MS, 28, "1 d", "in 28 days", "in the last 28 days", longer="90d")
DAY_90 = Window("90d", DAY_MS, 90, "1 d", "in 90 days", "in the last 90 days")

#: Shortest first. Tiles are kept for as long as the longest window of their hop.
WINDOWS = (HOUR_1, DAY_1, DAY_7, DAY_28, DAY_90)
