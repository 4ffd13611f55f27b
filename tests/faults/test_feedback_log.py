"""The states that a trial expects of projections of feedback are those that they have where nothing fails."""

from random import Random
from typing import Any, cast

import orjson
import pytest

from stream.projections.all_projections import projections_of
from stream.settings import Settings
from tests.faults.bench import Bench
from tests.faults.feedback_log import made_feedback
from tests.faults.projection_faults import EXPECTED
from tests.projections.store import Store

_PARTITIONS = 3
#: After the newest event of the log.
_AT_MS = 1_735_689_600_000


@pytest.mark.parametrize("name", ["satisfaction", "ratings", "surveys"])
@pytest.mark.parametrize("seed", [1, 2])
def test_states_are_the_count_over_the_log(name: str, seed: int) -> None:
    feedback = made_feedback(seed, _PARTITIONS)
    (projection,) = projections_of(Settings(projections=name))
    wanted, read = EXPECTED[name]
    random, found = Random(seed), dict[tuple[int, str], Any]()
    for partition in range(_PARTITIONS):
        store = Store(projection, partition, cache=3, at_ms=_AT_MS)
        for of, customer, body in feedback.records():
            if of == partition:
                store.append(0, customer, orjson.dumps(body))
        while not store.is_done:
            store.step(random.randint(1, 40), lost=random.random() < 0.2)
        found |= {(partition, key): read(orjson.loads(state)) for key, state in store.stored.items()}
    # what is counted over the log needs no servers
    expected = wanted(cast("Bench", None), feedback)
    assert expected
    assert found == expected
