"""The present program acting as the previous release: it refuses newer layouts, writes the old ones, and by a script.

It knows layouts of profiles up to 4, the first layout of checkpoints, and only whole records in outboxes.
"""

import sys

import stream.agents.storing
import stream.online_models.learner
import stream.processing.document
import stream.storage.layout
from stream.errors import CodecError, SnapshotError
from stream.features.codec import LAYOUT_BEFORE
from stream.online_models.checkpoint import FIRST_SCHEMA, Container, open_container
from stream.online_models.sealed import schema_of
from stream.processing.state import Outgoing
from stream.storage import step_writes
from stream.storage.outbox_records import StoredDocument, decode_record

__all__ = ["become_release_before"]

_packed_state = stream.processing.document.packed_state


def _known_profile(document: bytes) -> bytes:
    packed = _packed_state(document)
    if packed[0] > LAYOUT_BEFORE:
        raise CodecError(f"a stored profile is of layout {packed[0]}, the release before knows {LAYOUT_BEFORE}")
    return packed


def _known_checkpoint(value: bytes) -> Container:
    if (schema := schema_of(value)) != FIRST_SCHEMA:
        raise SnapshotError(f"the release before knows {FIRST_SCHEMA}, the checkpoint is {schema}")
    return open_container(value)


def _alone(raw: bytes) -> list[Outgoing | StoredDocument]:
    return [decode_record(raw)]


def become_release_before() -> None:
    """Forget the present layouts. The workers then agree on the previous one and write its profiles and checkpoints."""
    stream.storage.layout.LAYOUT = LAYOUT_BEFORE  # type: ignore[attr-defined]
    stream.processing.document.packed_state = _known_profile
    stream.online_models.learner.open_container = _known_checkpoint  # type: ignore[attr-defined]
    step_writes.TRANSACTION_FROM = sys.maxsize  # type: ignore[misc]
    stream.agents.storing.decode_entries = _alone  # type: ignore[attr-defined]
