"""A seeded log of feedback and actions, and the expected states of projections by counting."""

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from confluent_kafka import Producer

from stream.events.kinds import EventType
from stream.events.partitioner import partition_of
from stream.settings import Settings

__all__ = ["Alerted", "FeedbackLog", "Said", "made_feedback", "read_surveyed"]

_HOUR_MS = 3_600_000
#: 2024-01-01T00:00:00Z
_BEGIN_MS = 1_704_067_200_000
_CUSTOMERS = 40
_EACH = 9
_HALF_LIFE_MS = 180 * 24 * _HOUR_MS
_FEEDBACK = EventType.FEEDBACK
_WRITTEN = {
    "delivery": ["the parcel never arrived although I waited a week", "delivered to the wrong house, nobody asked"],
    "quality": ["the zipper broke on the second day, what a pity", "lovely fabric, I like it very much"],
    "payment": ["my card was declined for no reason at all", "charged twice, please refund one of them"],
}


class Said(NamedTuple):
    """One feedback as it was written; ``value``: of NPS. ``ticket``: of a complaint or its resolution.

    ``category``: the label that people give the ``text`` later, if they do. ``survey``: which asks (``asked``) or is
    answered.
    """

    id: str
    customer: str
    at_ms: int
    name: str
    value: int | None
    ticket: str
    text: str = ""
    category: str = ""
    survey: str = ""

    @property
    def satisfaction(self) -> float | None:
        return self.value / 10 if self.value is not None else {"complained": 0.0}.get(self.name)


class Alerted(NamedTuple):
    """What identifies an alert; ``again``: it is the second about a complaint."""

    kind: str
    customer: str
    feedback_id: str
    again: bool


@dataclass(frozen=True)
class FeedbackLog:
    """``said[partition]`` in offset order, repeats among them; ``acted[partition]``: customer and time of a contact."""

    said: list[list[Said]]
    acted: list[list[tuple[str, int]]]

    def ends(self, settings: Settings) -> dict[str, list[int]]:
        """How long the log of each topic is in each partition."""
        acted = [len(acts) + len(self.labelled(partition)) for partition, acts in enumerate(self.acted)]
        return {settings.topic_of(_FEEDBACK): [*map(len, self.said)], settings.actions: acted}

    def labelled(self, partition: int) -> list[Said]:
        """The labels given by people, each once."""
        return [one for one in {one.id: one for one in self.said[partition]}.values() if one.category]

    def produce(self, settings: Settings) -> None:
        """Write the whole log, before any worker reads it."""
        producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "enable.idempotence": True, "log_level": 0})
        for topic, logs in ((settings.topic_of(_FEEDBACK), self.records()), (settings.actions, self._actions())):
            for partition, customer, body in logs:
                producer.produce(topic, orjson.dumps(body), customer, partition)
        if left := producer.flush(60.0):
            raise AssertionError(f"{left} records of feedback were not delivered")

    def records(self) -> Iterator[tuple[int, str, dict[str, object]]]:
        """Partition, key and body of each record of feedback."""
        for partition, log in enumerate(self.said):
            for one in log:
                score = {} if one.value is None else {"scale": "nps", "value": one.value}
                ticket = {"ticket_id": one.ticket} if one.ticket else {}
                survey = {"survey_id": one.survey} if one.survey else {}
                body = {"event_id": one.id, "customer_id": one.customer, "occurred_at": one.at_ms / 1000}
                text = {"text": one.text} if one.text else {}
                said = {**body, "name": one.name, "channel": "web"}
                yield partition, one.customer, {**said, **score, **ticket, **text, **survey}

    def _actions(self) -> Iterator[tuple[int, str, dict[str, object]]]:
        for partition, log in enumerate(self.acted):
            for number, (customer, at_ms) in enumerate(log):
                body = {"action_id": f"a{partition}-{number}", "customer_id": customer, "action": "contacted"}
                yield partition, customer, {**body, "occurred_at": at_ms / 1000}
            for one in self.labelled(partition):
                body = {"action_id": f"l{one.id}", "customer_id": one.customer, "action": "labelled"}
                label = {"event_id": one.id, "category": one.category, "occurred_at": one.at_ms / 1000}
                yield partition, one.customer, {**body, **label}

    def first_of(self, customer: str, partition: int) -> list[Said]:
        """A customer's feedback, each once, in the order of the log; what the shop asked is none."""
        own = (one for one in self.said[partition] if one.customer == customer and one.name != "asked")
        return [*{one.id: one for one in own}.values()]

    def customers(self) -> Iterator[tuple[int, str]]:
        for partition, log in enumerate(self.said):
            for customer in dict.fromkeys(one.customer for one in log if one.name != "asked"):
                yield partition, customer

    def opinions(self) -> dict[tuple[int, str], tuple[float, float, int]]:
        """Satisfaction, loyalty and complaints of each customer, rounded."""
        found = {}
        for partition, customer in self.customers():
            said = self.first_of(customer, partition)
            if said:
                loyalty = 0.5
                for one in said:
                    if one.satisfaction is not None:
                        loyalty += 0.1 * (one.satisfaction - loyalty)
                complaints = sum(one.name == "complained" for one in said)
                found[partition, customer] = (round(_mean(said) or 0.0, 9), round(loyalty, 9), complaints)
        return found

    def tallies(self) -> dict[tuple[int, str], dict[str, dict[str, int]]]:
        """Kinds of feedback by month, and scores, of each partition's part of the shop and of the surveys."""
        told: dict[tuple[int, str], list[Said]] = {}
        for partition, log in enumerate(self.said):
            for one in log:
                if one.name != "asked":
                    for key in ("shop", *([f"survey:{one.survey}"] if one.survey else [])):
                        told.setdefault((partition, key), []).append(one)
        found: dict[tuple[int, str], dict[str, dict[str, int]]] = {}
        for place, said in told.items():
            kinds: dict[str, Counter[str]] = {}
            for one in said:
                kinds.setdefault(_month(one), Counter())[one.name] += 1
            scores = Counter(str(one.value) for one in said if one.value is not None)
            found[place] = {month: dict(count) for month, count in kinds.items()} | {"nps": dict(scores)}
        return found

    def surveyed(self) -> dict[tuple[int, str], object]:
        """Of each customer which surveys asked them when, and whether they answered; of each partition the counts."""
        found: dict[tuple[int, str], object] = {}
        for partition, log in enumerate(self.said):
            surveys: dict[str, dict[str, tuple[int | None, bool]]] = {}
            named: dict[str, int] = {}
            for one in log:
                if not one.survey:
                    continue
                named[one.survey] = max(one.at_ms, named.get(one.survey, 0))
                asked_ms, is_answered = surveys.setdefault(one.customer, {}).get(one.survey, (None, False))
                if one.name != "asked":
                    is_answered = True
                elif asked_ms is None or one.at_ms < asked_ms:
                    asked_ms = one.at_ms
                surveys[one.customer][one.survey] = asked_ms, is_answered
            found |= {(partition, customer): of for customer, of in surveys.items()}
            counts: dict[str, dict[str, list[int]]] = {"/shop": {}} if named else {}
            for of in surveys.values():
                for survey, (asked_ms, is_answered) in of.items():
                    if asked_ms is None:
                        continue
                    month = datetime.fromtimestamp(asked_ms / 1000, UTC).strftime("%Y-%m")
                    for key in ("/shop", "/channel:web", f"/survey:{survey}"):
                        number = counts.setdefault(key, {}).setdefault(month, [0, 0])
                        number[0] += 1
                        number[1] += is_answered
            found |= {(partition, key): (months, named if key == "/shop" else {}) for key, months in counts.items()}
        return found

    def cases(self) -> dict[tuple[int, str], dict[str, int]]:
        """Open complaints of each customer, by ticket, and when they came."""
        found: dict[tuple[int, str], dict[str, int]] = {}
        for partition, customer in self.customers():
            said = self.first_of(customer, partition)
            solved = {one.ticket for one in said if one.name == "resolved"}
            if any(one.name in {"complained", "resolved"} for one in said):
                found[partition, customer] = {
                    one.ticket: one.at_ms for one in said if one.name == "complained" and one.ticket not in solved
                }
        for partition, acted in enumerate(self.acted):
            for customer, _ in acted:
                found.setdefault((partition, customer), {})
        return found

    def alerts(self, settings: Settings) -> set[Alerted]:
        """The alerts that must have been published: complaints at once and again, and drops of satisfaction."""
        found: set[Alerted] = set()
        again_ms = round(settings.complaint_again_h * _HOUR_MS)
        open_cases = self.cases()
        for partition, customer in self.customers():
            said = self.first_of(customer, partition)
            acted = max((at_ms for who, at_ms in self.acted[partition] if who == customer), default=0)
            times = [one.at_ms for one in self.said[partition]] + [at_ms for _, at_ms in self.acted[partition]]
            for one in said:
                if one.name != "complained":
                    continue
                found.add(Alerted("complaint.open", customer, one.id, again=False))
                is_open = one.ticket in open_cases.get((partition, customer), {})
                if is_open and acted < one.at_ms and one.at_ms + again_ms < max(times):
                    found.add(Alerted("complaint.open", customer, one.id, again=True))
            is_satisfied = False
            for number, one in enumerate(said):
                mean = _mean(said[: number + 1])
                if mean is not None and mean >= settings.satisfied_from:
                    is_satisfied = True
                elif mean is not None and mean < settings.dropped_below and is_satisfied:
                    is_satisfied = False
                    found.add(Alerted("satisfaction.dropped", customer, one.id, again=False))
        return found


def read_surveyed(state: Any) -> object:
    """A stored state of `surveys`, as `FeedbackLog.surveyed` has it."""
    if surveys := state.get("surveys"):
        return {survey: (of.get("asked_ms"), of.get("is_answered", False)) for survey, of in surveys.items()}
    assert state.get("channels", []) in ([], ["web"])
    return state.get("months", {}), state.get("named", {})


def _month(one: Said) -> str:
    return datetime.fromtimestamp(one.at_ms / 1000, UTC).strftime("%Y-%m")


def _mean(said: list[Said]) -> float | None:
    """The mean of satisfactions by age; a complaint counts a half once it is resolved."""
    solved = {one.ticket for one in said if one.name == "resolved"}
    scored = [
        (one.at_ms, 0.5 if one.name == "complained" and one.ticket in solved else one.satisfaction)
        for one in said
        if one.satisfaction is not None
    ]
    if not scored:
        return None
    newest = max(at_ms for at_ms, _ in scored)
    weights = [math.exp2((at_ms - newest) / _HALF_LIFE_MS) for at_ms, _ in scored]
    return sum(w * (s or 0.0) for w, (_, s) in zip(weights, scored, strict=True)) / sum(weights)


def made_feedback(seed: int, partitions: int) -> FeedbackLog:
    """Ratings, complaints, resolutions and contacts of some customers over two months, with repeats.

    Before half of the ratings a survey asked for them; some customers answer without having been asked.
    """
    rng, surveys = random.Random(f"feedback/{seed}"), random.Random(f"surveys/{seed}")
    said: list[list[Said]] = [[] for _ in range(partitions)]
    acted: list[list[tuple[str, int]]] = [[] for _ in range(partitions)]
    for number in range(_CUSTOMERS):
        customer = f"v{number}"
        partition = partition_of(customer, partitions)
        at_ms = _BEGIN_MS
        waits: list[str] = []
        for k in range(_EACH):
            at_ms += int(rng.expovariate(1 / 160) * _HOUR_MS) + 1000
            event_id = f"f{number}-{k}"
            kind = rng.choices(["rated", "complained", "resolved"], [5, 3, 2])[0]
            if kind == "resolved" and waits:
                one = Said(event_id, customer, at_ms, kind, None, waits.pop())
            elif kind == "complained":
                one = Said(event_id, customer, at_ms, kind, None, f"t{number}-{k}")
                waits.append(one.ticket)
                if rng.random() < 0.4:
                    acted[partition].append((customer, at_ms + int(rng.uniform(0, 40) * _HOUR_MS)))
            else:
                one = Said(event_id, customer, at_ms, "rated", rng.choice([0, 3, 7, 9, 10, 10]), "")
            if one.name != "resolved" and (about := rng.choice(["", *_WRITTEN])):
                # people label half of what customers wrote
                one = one._replace(text=f"{rng.choice(_WRITTEN[about])}, order {k}", category=rng.choice(["", about]))
            survey = f"s{surveys.randrange(3)}"
            if one.name == "rated" and surveys.random() < 0.5:
                asked = Said(
                    f"q{number}-{k}", customer, at_ms - surveys.randrange(1, 900), "asked", None, "", survey=survey
                )
                said[partition] += [asked] * surveys.choice([1, 1, 2])
            if one.name == "rated" and surveys.random() < 0.4:
                one = one._replace(survey=survey)
            said[partition] += [one] * (1 + (rng.random() < 0.1))
    # customers are interleaved; the records of each stay in order
    return FeedbackLog([sorted(log, key=lambda one: one.at_ms) for log in said], acted)
