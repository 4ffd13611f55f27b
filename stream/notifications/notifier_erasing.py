"""What the notifier does about people who are erased."""

from collections.abc import Mapping, Sequence

from stream.notifications.inbound import Inbound
from stream.notifications.lane import Lane
from stream.notifications.offset_ledger import OffsetLedger
from stream.notifications.under_way import UnderWay
from stream.privacy.erasures import Erasures
from stream.storage.notification_store import NotificationStore

__all__ = ["NotifierErasing"]


class NotifierErasing:
    """Passes their records over, and drops what waits and what is stored of them."""

    def __init__(
        self,
        erasures: Erasures,
        store: NotificationStore,
        ledger: OffsetLedger,
        under_way: UnderWay,
        lanes: Mapping[str, Lane],
    ) -> None:
        self._erasures = erasures
        self._store = store
        self._ledger = ledger
        self._under_way = under_way
        self._lanes = lanes
        self._done_up_to = 0

    def others(self, records: Sequence[Inbound]) -> list[Inbound]:
        """The records that are of nobody who is erased; the rest is done."""
        kept = []
        for record in records:
            if self._erasures.refuses((record.key or b"").decode(errors="replace"), record.timestamp):
                self._ledger.enter(*record.position, parts=0)
            else:
                kept.append(record)
        return kept

    def step(self) -> None:
        """Carry out requests that came since. Raises `StorageError`; then it is to be called again."""
        up_to = self._erasures.position
        if up_to == self._done_up_to:
            return
        for delivery in self._under_way.all():
            if delivery.is_waiting and self._erasures.refuses(delivery.alert.customer_id, delivery.since_ms):
                self._lanes[delivery.route.channel].line.remove(delivery)
                self._under_way.remove(delivery)
                for position in delivery.positions:
                    self._ledger.done(*position)
        self._store.forget(sorted(self._erasures.wanted(self._done_up_to).ids))
        self._done_up_to = up_to
