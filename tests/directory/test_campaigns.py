"""What followed each campaign equals a computation of pandas from the events, to the cent, in every database."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from stream.directory.campaigns import latest_campaigns
from stream.directory.customer_queries import cursor_of
from stream.directory.database import reading
from stream.directory.mailings import FOLLOWING_DAYS, Campaign
from stream.directory.store import DirectoryStore
from stream.directory.timeline import TimelineEntry
from stream.errors import CursorError
from stream.events.columns import MONEY_SCALE
from stream.events.log import read_log
from stream.events.log_event import LogEvent
from stream.privacy.ciphertexts import CIPHERTEXT_MARK
from tests.directory.mailed import CAMPAIGNS, mailed
from tests.directory.told import commit, messages_of

LOG = Path(__file__).parents[2] / "examples" / "uci_online_retail_events.csv.gz"
ROWS = 3_000
DAY_MS = 86_400_000


def expected(mails: Sequence[LogEvent], rows: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    """By campaign: customers, who opened and clicked, buyers, orders, revenue, of the log alone."""
    told = pd.DataFrame([msgspec.json.decode(one.value) | {"at": one.at_ms} for one in mails])
    told = told.dropna(subset=["campaign_id"])
    told["opened"] = (told["name"] == "opened") & (told["machine_open"] != True)  # noqa: E712 - it may be missing
    told["clicked"] = told["name"] == "clicked"
    of = told.groupby(["campaign_id", "customer_id"]).agg(
        at=("at", "min"), opened=("opened", "any"), clicked=("clicked", "any")
    )
    orders = rows[rows["subtype"] == "order"][["customer_id", "ms", "units"]]
    joined = of.reset_index().merge(orders, on="customer_id")
    after = joined[(joined["ms"] >= joined["at"]) & (joined["ms"] < joined["at"] + FOLLOWING_DAYS * DAY_MS)]
    found: dict[str, tuple[int, ...]] = {}
    for campaign, mailings in of.groupby(level=0):
        then = after[after["campaign_id"] == campaign]
        found[str(campaign)] = (
            len(mailings),
            int(mailings["opened"].sum()),
            int(mailings["clicked"].sum()),
            int(then["customer_id"].nunique()),
            len(then),
            int(then["units"].sum()),
        )
    return found


def test_what_followed_each_campaign_is_that_of_the_log(store: DirectoryStore) -> None:
    events = [*islice(read_log(LOG), ROWS)]
    mails = mailed(events)
    rows = pd.read_csv(LOG, nrows=ROWS, dtype={"customer_id": str})
    rows["ms"] = [event.at_ms for event in events]
    rows["units"] = (rows["amount"].abs() * MONEY_SCALE).round().astype("int64")
    wanted = expected(mails, rows)
    messages = messages_of([*events, *mails])
    claim = store.claim()
    for start in range(0, len(messages), 1_000):
        commit(store, claim, messages[start : start + 1_000])
    with reading(store.engine) as connection:
        found = latest_campaigns(connection, 10).campaigns
        pages = [latest_campaigns(connection, 1)]
        while pages[-1].cursor is not None:
            pages.append(latest_campaigns(connection, 1, pages[-1].cursor))
        with pytest.raises(CursorError):
            latest_campaigns(connection, 1, cursor_of("campaigns", "spring", 1))
    assert {one.campaign: tuple(one[3:]) for one in found} == wanted
    assert {*wanted} == {*CAMPAIGNS}
    assert all(min(sums) > 0 for sums in wanted.values())
    assert [one for page in pages for one in page.campaigns] == [*found]
    assert len(pages) == len(found)
    assert [one.last_ms for one in found] == sorted((one.last_ms or 0 for one in found), reverse=True)


def test_campaigns_of_the_same_time_come_once_each(store: DirectoryStore) -> None:
    """A cursor has no name in it, so it counts those of a time."""
    mails = [mail(1000 + number // 5, "sent", f"<{number:02d}>", number) for number in range(12)]
    commit(store, store.claim(), mails)
    for limit in (1, 2, 3, 5, 7, 12):
        found: list[str] = []
        cursor: str | None = None
        with reading(store.engine) as connection:
            while not found or cursor is not None:
                page = latest_campaigns(connection, limit, cursor)
                found += [one.campaign for one in page.campaigns]
                cursor = page.cursor
        assert found == [f"<{number:02d}>" for number in (10, 11, *range(5, 10), *range(5))]


def mail(at_ms: int, name: str, campaign: str = "spring", number: int = 1) -> TimelineEntry:
    return TimelineEntry("c-1", "email", number, at_ms, name, detail={"campaign_id": campaign})


def bought(at_ms: int, name: str, amount: int | None, number: int, order: str = "o-1") -> TimelineEntry:
    return TimelineEntry("c-1", "purchase", number, at_ms, name, None, order, amount)


def test_an_order_follows_until_it_is_cancelled_and_less_what_was_given_back(store: DirectoryStore) -> None:
    claim = store.claim()

    def after(*entries: TimelineEntry) -> Campaign:
        commit(store, claim, entries)
        with reading(store.engine) as connection:
            (found,) = latest_campaigns(connection, 10).campaigns
        return found

    begin, end = 1_000 * DAY_MS, (1_000 + FOLLOWING_DAYS) * DAY_MS
    assert after(mail(begin, "sent")) == Campaign("spring", begin, begin, 1, 0, 0, 0, 0, 0)
    too_late = bought(end, "completed", 900, 1, "late")
    assert after(too_late, bought(begin - 1, "completed", 900, 2, "early"))[6:] == (0, 0, 0)
    assert after(bought(begin, "completed", 500, 3), bought(end - 1, "completed", None, 4, "free"))[6:] == (1, 2, 500)
    assert after(bought(end + DAY_MS, "refunded", 120, 5))[6:] == (1, 2, 380)
    # an earlier mail of the campaign that is told late moves the days that count
    assert after(mail(begin - 1, "opened", number=2)) == Campaign("spring", begin - 1, begin, 1, 1, 0, 1, 2, 1_280)
    # and the last of these days with them, so that the order without an amount follows no longer
    assert after(bought(end, "cancelled", None, 6))[6:] == (1, 1, 900)
    assert after(mail(begin, "sent"))[6:] == (1, 1, 900)


def test_a_name_under_the_key_of_a_person_is_no_campaign(store: DirectoryStore) -> None:
    sealed = f"{CIPHERTEXT_MARK}{'a' * 22}.{'b' * 30}"
    commit(store, store.claim(), [mail(DAY_MS, "sent", sealed), mail(DAY_MS, "sent", "", 2)])
    with reading(store.engine) as connection:
        assert latest_campaigns(connection, 10) == ([], None)


def test_a_campaign_of_which_nobody_else_got_mail_goes_with_the_person(store: DirectoryStore) -> None:
    """Its sums would be those of the person alone."""
    spring = mail(DAY_MS, "sent")
    alone = mail(DAY_MS, "sent", "for one", 2)
    commit(store, store.claim(), [spring, spring._replace(customer_id="another", id=3), alone])
    store.erase(spring.customer_id)
    with reading(store.engine) as connection:
        assert [one.campaign for one in latest_campaigns(connection, 10).campaigns] == ["spring"]
    store.erase("another")
    with reading(store.engine) as connection:
        assert latest_campaigns(connection, 10).campaigns == []
