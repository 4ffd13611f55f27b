"""The states that the projections of texts must have, by counting the log and by one pass over the published texts."""

from collections import Counter
from typing import Any

import orjson

from stream.events.partitioner import partition_of
from stream.projections.texts import PERIODS
from stream.texts.classifier import TextClassifier
from stream.texts.mood import mood_classifier
from stream.texts.text_records import KEY
from tests.faults.bench import Bench
from tests.faults.feedback_log import FeedbackLog, Said

__all__ = ["classified", "kept_texts", "read_classified", "read_texts"]

Key = tuple[int, str]


def kept_texts(bench: Bench, feedback: FeedbackLog) -> dict[Key, object]:
    """Texts of each customer by period, the newest one where two share a key; and what people said they are about."""
    period_ms = bench.settings.text_keep_days * 86_400_000 // PERIODS
    found: dict[Key, object] = {}
    for partition, customer in feedback.customers():
        written = [one for one in feedback.first_of(customer, partition) if one.text]
        for slot in range(PERIODS):
            periods = [one.at_ms // period_ms for one in written if one.at_ms // period_ms % PERIODS == slot]
            if periods:
                newest = [one for one in written if one.at_ms // period_ms == max(periods)]
                found[partition, f"{slot}/{customer}"] = sorted((one.at_ms, one.id, one.text) for one in newest)
        if labels := {f"event:{one.id}": one.category for one in written if one.category}:
            found[partition, f"labels/{customer}"] = labels
    return found


def read_texts(state: Any) -> object:
    if "labels" in state:
        return state["labels"]
    return sorted((one["at_ms"], one["event_id"], one["text"]) for one in state["texts"])


def classified(bench: Bench, feedback: FeedbackLog) -> dict[Key, object]:
    """The decision for each text, and the number of the models' examples."""
    home = partition_of(KEY, bench.log.partitions)
    category, mood = TextClassifier(), mood_classifier()
    judged: dict[str, list[object]] = {}
    for message in bench.topics.read("feedback-texts"):
        assert message.partition() == home
        text = orjson.loads(message.value() or b"")
        is_new = text["text_id"] not in judged
        of = judged.setdefault(text["text_id"], [])
        if is_new:
            decided = category.decide(text["text"])
            of += [decided.label, [*decided.words], mood.decide(text["text"]).label, text.get("mood"), None]
            if "mood" in text:
                mood.learn_one(text["text"], text["mood"])
        if text.get("category") not in {None, of[-1]}:
            of[-1] = text["category"]
            category.learn_one(text["text"], text["category"])
    wanted: dict[Key, object] = {}
    written = {one.id: one for log in feedback.said for one in log if one.text}
    for one in written.values():
        of_customer = wanted.setdefault((home, f"customer/{one.customer}"), {})
        assert isinstance(of_customer, dict)
        of_customer[one.id] = [*judged.get(one.id, ["never published"])[:-1], one.category or None]
    wanted[home, "shop"] = dict(Counter(_label(one, judged) for one in written.values()))
    labels = Counter(one.category for one in written.values() if one.category)
    wanted[home, "category"] = {"examples": labels.total(), "labels": dict(labels)}
    wanted[home, "mood"] = mood.examples
    return wanted


def _label(one: Said, judged: dict[str, list[object]]) -> str:
    return one.category or str(judged.get(one.id, [None])[0] or "")


def read_classified(state: Any) -> object:
    """All states except the parts of a model other than its head."""
    if head := state.get("head"):
        # the labels of moods do not depend on the order of texts, and their number is compared
        known = {"examples": head["examples"], "labels": head["labels"]}
        return head["examples"] if {*head["labels"]} <= {"negative", "neutral", "positive"} else known
    if tally := state.get("tally"):
        total: Counter[str] = Counter()
        for counts in tally["categories"].values():
            total.update(counts)
        return dict(total)
    if texts := state.get("texts"):
        return {
            one["text_id"]: [
                one["category"].get("decided"),
                one["category"].get("words", []),
                one["mood"].get("decided"),
                one["mood"].get("told"),
                one["category"].get("told"),
            ]
            for one in texts
        }
    return None
