"""Two shops, as workers would store them."""

from dataclasses import dataclass

import pytest

from stream.events.decode import Decoder
from stream.online_models.learner import Learner, LearnerSettings
from stream.processing.replay import Replay
from stream.processing.rules import Rules
from stream.processing.scorer import Scorer
from stream.reporting.assess import Basis
from tests.reporting.made_up_shop import END_MS, Shop, make_shop


@dataclass(frozen=True)
class Processed:
    """A shop, the documents of its customers, and the model in effect at the end (`Basis`)."""

    shop: Shop
    documents: list[bytes]
    basis: Basis


def processed(customers: int, min_labels: int = 500) -> Processed:
    shop = make_shop(customers)
    learner = Learner(LearnerSettings(min_labels=min_labels))
    replay = Replay(Rules(), learner, Decoder(), END_MS, run_records=100)
    for _ in replay.run(shop.events):
        pass
    replay.advance_to(END_MS)
    snapshot = learner.snapshot(END_MS)
    return Processed(shop, [*replay.documents.values()], Basis(END_MS, Scorer.of(snapshot), Rules()))


@pytest.fixture(scope="session")
def small() -> Processed:
    """30 customers: too few for a model."""
    return processed(30)


@pytest.fixture(scope="session")
def middling() -> Processed:
    """420 customers."""
    return processed(420)
