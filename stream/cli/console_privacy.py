"""What is kept of a person, for the console's page of privacy, by what `stream privacy` does."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

from stream.cli.data_files import contacts_file
from stream.cli.identity_lookup import id_of
from stream.cli.privacy_erasing import (
    KAFKA_S,
    ask_for_erasure,
    carry_out,
    ids_of_person,
    receipts_in,
    signing_key_file,
)
from stream.cli.privacy_exporting import exported
from stream.cli.privacy_stores import counted, inventory
from stream.console.personal_data import ExportForm, KeptOfPerson, OpenErasure, ReceiptShown, ReceiptsShown
from stream.events.times import epoch_ms
from stream.privacy.erasure_feed import ErasureFeed
from stream.privacy.erasure_receipt import ErasureReceipt, ReceiptSigner, faults
from stream.privacy.what_remains import remains
from stream.settings import Settings

__all__ = ["ShopPersonalData"]

#: For so long a page waits for workers; then somebody has to say "go on".
_TIMEOUT_S: Final = 60.0


class ShopPersonalData:
    """See `stream.console.personal_data.PersonalData`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def kept(self, text: str) -> KeptOfPerson:
        ids = ids_of_person(self._settings, text)
        with contacts_file(self._settings) as people:
            names = people.names(ids)
        return KeptOfPerson(ids[0], ids, counted(inventory(self._settings, ids)), remains(self._settings), names)

    def export(self, person: str, form: ExportForm) -> bytes | None:
        files = exported(self._settings, ids_of_person(self._settings, person))
        if files is None:
            return None
        return {"json": files.document, "html": files.page, "events": files.events}[form].encode()

    def ask(self, person: str) -> str:
        return ask_for_erasure(self._settings, id_of(self._settings, person)).request_id

    def carry_out(self, request_id: str, tell: Callable[[str], None], stop: threading.Event) -> None:
        carry_out(self._settings, request_id, _TIMEOUT_S, tell, stop=stop)

    def receipts(self) -> ReceiptsShown:
        if not self._settings.identity_key:
            return ReceiptsShown((), (), (), is_signed_here=False, has_key=False)
        file = signing_key_file(self._settings)
        keys = frozenset([ReceiptSigner(file).public_key] if file.exists() else [])
        with ErasureFeed(self._settings, wait_s=KAFKA_S) as feed:
            receipts = receipts_in(feed.erasures)
            waiting = [one for one in feed.erasures.requests if one.is_open]
        return ReceiptsShown(
            receipts=[_shown(one) for one in reversed(receipts)],
            waiting=[OpenErasure(one.request_id, round(one.asked_at * 1000), one.ids[0]) for one in waiting],
            faults=faults(receipts, keys),
            is_signed_here=bool(keys),
        )


def _shown(receipt: ErasureReceipt) -> ReceiptShown:
    asked_ms, erased_ms = (epoch_ms(datetime.fromisoformat(at)) for at in (receipt.asked_at, receipt.erased_at))
    return ReceiptShown(receipt.number, receipt.request_id, asked_ms, erased_ms, receipt.found)
