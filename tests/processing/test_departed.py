"""What is sent again for what a customer agreed to alone is none of the core's business."""

import numpy as np

from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.identity.departures import AGAIN, AGREED
from stream.processing.align import Aligner
from stream.processing.departed import Departed
from tests.oracle.record import Record

AT_MS = 1_700_000_000_000
UNSUBSCRIBED = b'{"event_id":"e-%d","customer_id":"c-1","occurred_at":1600000000,"name":"unsubscribed"}'


def test_the_core_passes_over_what_is_sent_again_for_consent_alone() -> None:
    headers = [(), ((AGAIN, b"1"),), (AGREED,), (AGREED, ("edition", b"4"))]
    records = [Record(b"c-1", UNSUBSCRIBED % at, AT_MS, at, of) for at, of in enumerate(headers)]
    aligner = Aligner(1)
    aligner.push(0, None, np.arange(len(records)), records, Decoder().decode(EventType.EMAIL, records))
    taken = aligner.take([True], 10)
    assert taken is not None
    kept = Departed({"c-1": None}).follow(taken, {}, AT_MS)
    assert [record.offset for record in kept.records] == [0, 1]
    assert kept.passed_over == taken.passed_over + 2
