"""``stream doctor --scan``: every stored profile is read."""

from collections import Counter
from collections.abc import Iterator

from stream.cli.findings import Finding, FindingLevel
from stream.errors import StorageError
from stream.events.rejections import printable
from stream.settings import Settings
from stream.storage.profile_desk import ProfileDesk, Scanned

__all__ = ["profile_findings"]

_SUBJECT = "stored profiles"
#: Damaged documents that are named one by one; more have a common cause.
_MAX_NAMED = 100


def profile_findings(settings: Settings) -> Iterator[Finding]:
    """How many profiles there are in each layout, and the keys of those that cannot be read."""
    layouts: Counter[int] = Counter()
    damaged: list[Scanned] = []
    unreadable = 0
    try:
        with ProfileDesk(settings) as desk:
            for scanned in desk.scan():
                if scanned.layout is not None:
                    layouts[scanned.layout] += 1
                    continue
                unreadable += 1
                if len(damaged) < _MAX_NAMED:
                    damaged.append(scanned)
    except StorageError as error:
        yield Finding(FindingLevel.FAIL, _SUBJECT, "not all can be looked at", str(error))
        return
    found = ", ".join(f"{count:,} of layout {layout}" for layout, count in sorted(layouts.items())) or "none"
    if not unreadable:
        yield Finding(FindingLevel.OK, _SUBJECT, f"{found}; all can be read")
        return
    advice = (
        "restore their keys from a backup; without one a customer is set aside at their next event, and "
        "`stream quarantine release ID --forget` begins them anew"
    )
    yield Finding(FindingLevel.FAIL, _SUBJECT, f"{found}; {unreadable:,} cannot be read", advice)
    for one in damaged:
        yield Finding(FindingLevel.FAIL, printable(one.key), one.why)
