"""What `stream effect` says below its table counts as people do."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from stream.cli.effect_desk import EffectFound
from stream.cli.effect_view import effect_view
from stream.notifications.complaint_effect import complaint_effect
from stream.notifications.effect import EffectReport, report

NOTHING = report((), 0, {}, {}, horizon_days=28.0, as_of_ms=None)
SHOWN = (
    (replace(NOTHING, failed=0), "no order of a customer who was notified or held out"),
    (replace(NOTHING, as_of_ms=0, pending=1), "newest order: 1970-01-01T00:00:00.000Z; 1 customer waits for the end"),
    (replace(NOTHING, as_of_ms=0, pending=1200), "; 1,200 customers wait for the end of their horizon"),
    (replace(NOTHING, failed=1), "1 customer of the notified group was not reached, and counts in it"),
    (replace(NOTHING, failed=2), "2 customers of the notified group were not reached, and count in it"),
    (replace(NOTHING, mixed=1), "1 customer was in both groups and is left out"),
    (replace(NOTHING, mixed=2), "2 customers were in both groups and are left out"),
)


@pytest.mark.parametrize(("found", "said"), SHOWN)
def test_what_is_said_below_counts_as_people_do(found: EffectReport, said: str) -> None:
    answered = complaint_effect((), {}, within_hours=24.0, horizon_days=28.0, as_of_ms=None)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(effect_view(EffectFound(found, "Nobody to compare yet.", answered, NOTHING.everyone, [])))
    assert said in console.export_text()
