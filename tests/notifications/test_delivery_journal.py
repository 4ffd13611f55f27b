"""What became of alerts is recorded, also when the broker gives up the client that publishes it."""

from stream.notifications.delivery_journal import DeliveryJournal, JournalEntry
from stream.notifications.published_records import PublishedRecord
from stream.storage.notification_store import NotificationStore
from tests.agents.topics import at_least, read
from tests.notifications.rig import NotifierBench, until


def test_a_client_that_the_broker_has_given_up_has_a_successor(bench: NotifierBench) -> None:
    topic, partitions = bench.settings.notifications, bench.settings.partitions
    values = [f"outcome-{number}".encode() for number in range(12)]
    done: list[bytes] = []

    def is_recorded(count: int) -> bool:
        journal.work()
        return len(done) >= count

    with NotificationStore(bench.settings) as store:
        journal = DeliveryJournal(bench.settings, store, lambda: 3600.0)
        first = journal._producer

        def enter(value: bytes) -> None:
            record = PublishedRecord(topic, value, value, [])
            journal.enter(JournalEntry([record], lambda: done.append(value)))

        enter(values[0])
        until(lambda: is_recorded(1), "the first is recorded")
        for value in values[1:]:
            enter(value)
            journal.work()
            # the embedded broker refuses what the client sends with its next epoch, for ever
            journal._producer.purge()
        until(lambda: is_recorded(len(values)), "all are recorded")
        assert journal._producer is not first
    assert sorted(done) == sorted(values)
    found = read(bench.settings.kafka_bootstrap, topic, partitions, at_least(len(values)))
    assert {message.value() for message in found} == set(values)
