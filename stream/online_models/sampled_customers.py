"""The sample of customers in a checkpoint, without the models: who erases a person looks whether it has them."""

import msgspec
from msgspec import Raw, Struct, field

from stream.errors import SnapshotError
from stream.online_models.customer_sample import CustomerSample, SampleState
from stream.online_models.purchases_snapshot import PURCHASES

__all__ = ["sample_in"]


class _Component(Struct):
    content: Raw


class _Content(Struct):
    #: A checkpoint of the first layout has none.
    components: dict[str, _Component] = field(default_factory=dict)


class _Checkpoint(Struct):
    content: _Content


class _Purchases(Struct):
    sample: SampleState = field(default_factory=SampleState)


def sample_in(checkpoint: bytes) -> CustomerSample:
    """The sample that the trainer has stored, empty where there is none. Raises `SnapshotError` if it is damaged."""
    try:
        purchases = msgspec.json.decode(checkpoint, type=_Checkpoint).content.components.get(PURCHASES)
        if purchases is None:
            return CustomerSample()
        return CustomerSample.from_state(msgspec.json.decode(purchases.content, type=_Purchases).sample)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise SnapshotError(f"the checkpoint of the models is damaged: {error}") from error
