"""Commands read projections while a worker writes: a scan of Redis may find a state twice."""

from collections.abc import Sequence
from typing import Any

import msgspec

from stream.cli.leads_desk import leads_of
from stream.cli.texts_desk import all_texts, newest_texts
from stream.projections.classification import State, customer_key
from stream.projections.judgements import Judged, Judgement
from stream.projections.leads import LeadState, lead_key, week_key
from stream.projections.texts import Text, Written


class TwiceStored:
    """Stored states of which a scan finds each twice; ``beside``: of another projection, asked for by name."""

    def __init__(self, states: dict[str, msgspec.Struct], beside: dict[str, msgspec.Struct] | None = None) -> None:
        self.stored = {key: msgspec.json.encode(state) for key, state in states.items()}
        self.beside = {key: msgspec.json.encode(state) for key, state in (beside or {}).items()}
        self.round_trips = 0

    def states(self, name: str, version: int) -> list[bytes]:
        del name, version
        return [*self.stored.values()] * 2

    def shared(self, name: str, version: int, *keys: str) -> list[bytes]:
        del name, version
        return [self.stored[key] for key in keys if key in self.stored]

    def states_at(self, name: str, version: int, keys: Sequence[str], partition_key: str) -> list[bytes | None]:
        del name, version, partition_key
        self.round_trips += 1
        return [self.beside.get(key) for key in keys]


def test_what_a_scan_finds_twice_counts_once() -> None:
    people = [LeadState(f"c-{k}", {2_930: 1 << 8}) for k in range(3)]
    weeks = [LeadState(week=week, cells={"40000": [8, 1, 2]}) for week in (2_900, 2_901)]
    states = {lead_key(one.customer_id): one for one in people} | {week_key(one.week or 0): one for one in weeks}
    desk: Any = TwiceStored({**states})
    assert sorted(leads_of(desk, 2_930), key=str) == sorted([*people, *weeks], key=str)

    texts = [Written("c-1", period, [Text(period, f"e{period}", period, "asked", "x")]) for period in (1, 2)]
    desk = TwiceStored({f"{one.period}/c-1": one for one in texts})
    assert [one.text.event_id for one in newest_texts(desk, 10)] == ["e2", "e1"]


def test_what_all_writers_texts_were_taken_for_is_asked_once() -> None:
    written = {f"1/c-{k}": Written(f"c-{k}", 1, [Text(k, f"e{k}", k, "asked", "x")]) for k in range(30)}
    mood = Judgement(decided="positive")
    beside = {customer_key("c-7"): State(texts=[Judged("e7", 7, "asked", Judgement(), mood)])}
    desk: Any = TwiceStored({**written}, {**beside})
    told = {one.text.event_id: one.mood for one in all_texts(desk)}
    assert told == {f"e{k}": "positive" if k == 7 else None for k in range(30)}
    assert desk.round_trips == 1
