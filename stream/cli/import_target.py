"""Where an import goes to: the topics, and whether the ledger of earlier imports still speaks of them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from stream.cli.kafka import client_config, cluster_metadata, silent
from stream.errors import StorageError, TopologyError
from stream.imports.import_ledger import LEDGER_FILE, ImportLedger, Witness
from stream.privacy.revealing import Revealer
from stream.settings import Settings
from stream.storage.overview import Overview

__all__ = ["newest_events", "open_ledger"]

_LOG = logging.getLogger(__name__)
_TIMEOUT_S: Final = 10.0
_ONE_RECORD: Final = {"enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "error"}
_OUT_OF_RANGE: Final = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)  # noqa: SLF001 - librdkafka's name


def open_ledger(settings: Settings, folder: Path, tell: Callable[[str], None]) -> ImportLedger:
    """The ledger of what went into the event topics of ``settings``, empty if they are not those of then.

    Raises `TopologyError` if Kafka does not answer or has no such topics.
    """
    metadata = cluster_metadata(settings)
    if missing := [name for name in settings.entry_topics if name not in metadata.topics]:
        raise TopologyError(f"no topic {', '.join(missing)} at {settings.kafka_bootstrap}: stream topics create")
    cluster = getattr(metadata, "cluster_id", None) or settings.kafka_bootstrap
    ledger = ImportLedger(folder / LEDGER_FILE, f"{cluster}/{settings.events_purchase}")
    witness = ledger.witness()
    if witness is not None and not _is_there(settings, witness):
        tell("The topics are not those into which was imported before: everything is imported anew.")
        ledger.clear()
    return ledger


def _is_there(settings: Settings, witness: Witness) -> bool:
    """Whether the record that the last import wrote is in its place, or was deleted because of its age."""
    place = TopicPartition(witness.topic, witness.partition, witness.offset)
    options = {**client_config(settings, group_id=f"{settings.group}.import"), **_ONE_RECORD}
    consumer = Consumer(options, logger=silent)
    try:
        consumer.assign([place])
        found: Message | None = consumer.poll(_TIMEOUT_S)
        error = None if found is None else found.error()
        if error is not None and error.code() in _OUT_OF_RANGE:
            return bool(witness.offset < consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)[0])
    except KafkaException as failure:
        raise TopologyError(f"{witness.topic} cannot be read: {failure.args[0].str()}") from failure
    finally:
        consumer.close()
    if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's name
        return False  # it ends before
    if found is None or error is not None:
        why = "no answer" if error is None else error.str()
        raise TopologyError(f"{witness.topic}, partition {witness.partition}, cannot be read: {why}")
    return (found.key() or b"").decode(errors="replace") == witness.customer_id


def newest_events(settings: Settings, tell: Callable[[str], None]) -> Callable[[Sequence[str]], Mapping[str, int]]:
    """Asks Redis for the newest events of customers; without an answer, once said, it knows of none."""
    overview: Overview | None = None
    revealer = Revealer.of(settings)
    with suppress(StorageError):
        overview = Overview(settings)
    is_asked = overview is not None

    def ask(customer_ids: Sequence[str]) -> Mapping[str, int]:
        nonlocal is_asked
        if overview is None or not is_asked:
            return {}
        try:
            stands_for = revealer.pseudonyms(customer_ids)
            found = overview.last_events([*stands_for.values()])
            return {one: found[other] for one, other in stands_for.items() if other in found}
        except StorageError as error:
            is_asked = False
            tell(
                f"What the workers know cannot be asked ({error}): orders that are too old for them are not sorted out."
            )
            return {}

    return ask
