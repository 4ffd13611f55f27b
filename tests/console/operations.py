"""Operations of a made-up shop, which note what they are asked to do."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from stream.alerts.alert_records import AlertKind
from stream.alerts.intervals import Interval
from stream.console.offer_pages import OfferedNow, OfferFigures, OffersShown
from stream.console.operations import (
    CheckedPart,
    Contender,
    DeadLetters,
    KnownIds,
    Lag,
    LikelySame,
    LinkedId,
    ModelChoice,
    ModelsShown,
    OrderRhythm,
)
from stream.directory.purchase_queries import KnownPurchases
from stream.errors import SettingsError, StorageError, TopologyError
from stream.identity.records import IdentityDecision
from stream.imports.contacts import Contact
from stream.notifications.effect import EffectReport, report
from stream.offering.offers_file import parse
from stream.projections.judgements import TextTally
from stream.reporting.feedback_groups import FeedbackCounts
from stream.reporting.offer_effect import OfferEffect
from stream.whatif.comparison import AlertChange, Differences, PolicySide, WhatIf
from stream.whatif.deliveries import ChannelLoad
from stream.whatif.trial_progress import StageProgress
from tests.console.personal_data import MadeUpPersonalData
from tests.reporting.made_up_shop import END_MS

__all__ = ["OFFERS_FILE", "MadeUpOffers", "MadeUpOperations"]

OFFERS_FILE = (Path(__file__).parents[2] / "examples" / "offers.yaml").read_text("utf-8")


def _side(raised: int) -> PolicySide:
    return PolicySide(
        kinds={"churn_risk.raised": raised},
        a_week=Interval(raised / 10, 1.0, 3.0),
        customers=raised,
        judged=40,
        right=30,
        touched=3,
        precision=Interval(0.75, 0.6, 0.9),
        value=1000.0,
        value_right=700.0,
        channels={"desk": ChannelLoad(messages=raised, per_day=2, most_a_day=2, days_full=1)},
    )


class MadeUpOffers:
    """``file``: the text that is in effect, None if there is none. ``evil``, ``known``: as of `MadeUpOperations`."""

    def __init__(self, evil: str) -> None:
        self.evil = evil
        self.file: str | None = OFFERS_FILE
        self.is_away = False
        self.known: dict[str, Contact] = {}

    def contacts(self, customer_ids: Sequence[str]) -> Mapping[str, Contact]:
        return {one: self.known[one] for one in customer_ids if one in self.known}

    def shown(self) -> OffersShown:
        if self.is_away:
            raise StorageError("Redis does not answer")
        if self.file is None:
            return OffersShown("offers.yaml")
        if problems := self.problems_of(self.file):
            return OffersShown("offers.yaml", problems=problems)
        config = parse(self.file, source="offers.yaml")
        effect = OfferEffect(
            offer="call", offered=400, held_out=150, gain=Interval(2.0, 0.5, 3.5), sentence="A call: it brought 800."
        )
        figures = {name: OfferFigures(12.5, 7, 40, 4) for name in config.offers}
        figures["call"] = OfferFigures(240.0, 40, 9, 1, effect)
        now = [OfferedNow(self.evil, "sample", 3.5, 4.25, f"Due. {self.evil}")]
        return OffersShown("offers.yaml", config, (), figures, now, 120, 71)

    def problems_of(self, text: str) -> Sequence[str]:
        try:
            parse(text, source="line")
        except SettingsError as error:
            return str(error).splitlines()
        return ()


class MadeUpOperations:
    """``evil``: a text that must not become part of a page. ``is_away``: servers do not answer.

    ``known``: who customers are.
    """

    def __init__(self, evil: str) -> None:
        self.evil = evil
        self.asked: list[tuple[object, ...]] = []
        self.is_away = False
        #: Records of each topic that the directory has not read.
        self.unread = 0
        self.history_days = 0
        self.said = FeedbackCounts(())
        self.wrote: TextTally | None = TextTally(
            categories={"2026-06": {evil: 3, "delivery": 5, "": 2}, "2026-05": {"delivery": 4}},
            moods={"2026-06": {"negative": 4, "positive": 6}, "2026-05": {"negative": 4}},
        )
        self.go_on = asyncio.Event()
        #: How far a comparison is.
        self.progress: StageProgress | None = None
        self.known: dict[str, Contact] = {}
        self.refused: set[str] = set()
        self.personal = MadeUpPersonalData(evil)

    def models(self) -> ModelsShown:
        return ModelsShown(
            contenders=[
                Contender("churn_model", True, 1200, 0.81, 0.03, 1200, 2, 1),
                Contender(self.evil, False, 900, None, None, 900, 0, 0),
            ],
            since_ms=END_MS,
            rhythm=OrderRhythm(91.0, 30.0, 28.0, 0.4),
            can_roll_back=True,
            decisions=[ModelChoice(END_MS, "anna", "promote", "churn_model", 1200)],
        )

    def decide(self, what: str, name: str, by: str) -> None:
        self.asked.append((what, name, by))

    def feedback(self, product: str | None = None, survey: str | None = None) -> FeedbackCounts:
        if self.is_away:
            raise StorageError("Redis does not answer")
        if product is not None:
            return FeedbackCounts(self.said.products.get(product, ()))
        if survey is not None:
            return FeedbackCounts(*self.said.surveys.get(survey, ((), ()))[:1])
        return self.said

    def texts(self) -> TextTally | None:
        if self.is_away:
            raise StorageError("Redis does not answer")
        return self.wrote

    def effect(self, purchases_of: Callable[[Sequence[str]], KnownPurchases]) -> EffectReport:
        known = purchases_of([self.evil])
        assert {*known.purchases} == ({self.evil} if known.as_of_ms else set())
        if self.is_away:
            raise TopologyError("no Kafka broker answers")
        return report((), 0, {}, {}, horizon_days=28.0, as_of_ms=END_MS)

    def checked(self) -> Sequence[CheckedPart]:
        if self.is_away:
            raise StorageError("Redis does not answer")
        return [
            CheckedPart("ok", "kafka", "1 broker", ""),
            CheckedPart("warn", "redis", self.evil, "set appendonly yes"),
        ]

    def lags(self, read: Mapping[tuple[str, int], int]) -> Sequence[Lag]:
        if self.is_away:
            raise TopologyError("no Kafka broker answers")
        topics = dict.fromkeys(topic for topic, _ in read)
        return [Lag("events.click", 5, 0), *(Lag(topic, None, self.unread) for topic in topics)]

    def dead_letters(self) -> Sequence[DeadLetters]:
        return [
            DeadLetters("bad_amount", 3, END_MS, "events.purchase", "amount: expected a number", self.evil, True),
            DeadLetters("too_large", 1, END_MS, "events.click", "too many bytes", "x", False),
        ]

    def replay(self, reason: str) -> int:
        self.asked.append(("replay", reason))
        return 3

    def refusing(self, customer_ids: Sequence[str]) -> Collection[str] | None:
        if self.is_away:
            return None
        return self.refused & {*customer_ids}

    def policy(self) -> Mapping[str, float]:
        return {"alerts_per_week": 20.0, "overdue_at": 2.6, "cooldown_days": 7.0, "min_purchases": 3}

    def identities(self, customer_id: str) -> KnownIds:
        if self.is_away:
            return KnownIds(customer_id, note="Redis does not answer")
        return KnownIds(
            "c-1" if customer_id == "c-2" else customer_id,
            linked=[LinkedId("email:h1_aaaaaaaaaaaaaaaaaaaaaa", "", "first seen together today")],
            apart=[LinkedId("c-9", self.evil, "taken apart today")],
            likely=[LikelySame("c-4", f"Ann {self.evil}", "name 93 %, same email")],
            history_days=self.history_days,
        )

    def contacts(self, customer_ids: Sequence[str]) -> Mapping[str, Contact]:
        return {one: self.known[one] for one in customer_ids if one in self.known}

    def id_of(self, text: str) -> str:
        return {"Ann Ode": "c-4"}.get(text, text)

    def decide_identity(self, what: IdentityDecision, one: str, other: str, by: str) -> str:
        self.asked.append((what, one, other, by))
        return f"{by}-1"

    async def compare(self, policy: Mapping[str, float], tell: Callable[[StageProgress], None]) -> WhatIf:
        self.asked.append(("compare", *policy.values()))
        if self.progress is not None:
            tell(self.progress)
        await self.go_on.wait()
        change = AlertChange(
            customer_id=self.evil,
            kind=AlertKind.RAISED,
            at_ms=END_MS,
            sentence="No order for 30 days; usually every 12.",
            value_at_risk=310.0,
        )
        nothing = Interval(0.0, 0.0, 0.0)
        return WhatIf(
            begin_ms=0,
            end_ms=END_MS,
            old=_side(20),
            new=_side(8),
            difference=Differences(a_week=nothing, precision=nothing, value_right_a_week=nothing),
            added=[change],
            removed=[],
            moved=[],
        )
