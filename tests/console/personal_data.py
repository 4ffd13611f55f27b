"""Personal data of a made-up shop, and erasures that end when a test says so."""

import threading
from collections.abc import Callable

from stream.console.personal_data import ExportForm, KeptOfPerson, OpenErasure, ReceiptShown, ReceiptsShown
from stream.errors import StorageError
from stream.privacy.what_remains import REMAINS
from tests.reporting.made_up_shop import END_MS

__all__ = ["MadeUpPersonalData"]


class MadeUpPersonalData:
    """``go_on``: lets erasures end; ``problem``: how they end instead. ``faults``: what is wrong with receipts.

    ``has_key``: as of `ReceiptsShown`.
    """

    def __init__(self, evil: str) -> None:
        self.evil = evil
        self.asked: list[tuple[str, str]] = []
        self.erased: list[str] = []
        self.go_on = threading.Event()
        self.problem = ""
        self.faults: list[str] = []
        self.has_key = True
        self._open: dict[str, str] = {}

    def kept(self, text: str) -> KeptOfPerson:
        self.asked.append(("kept", text))
        person = {"Ann Ode": "c-4"}.get(text, text)
        found = {"profiles": 1, "projection activity": 2, "projection texts": 1, "outboxes": 0, "directory": 17}
        nothing = dict.fromkeys(found, 0)
        return KeptOfPerson(
            person,
            [person, f"{self.evil}-2"],
            nothing if text == "nobody" else found,
            {**REMAINS, "x": self.evil},
            {} if text == "nobody" else {person: f"Ann Ode {self.evil}"},
        )

    def export(self, person: str, form: ExportForm) -> bytes | None:
        self.asked.append((form, person))
        return None if person == "nobody" else f"{form} of {person}".encode()

    def ask(self, person: str) -> str:
        self.asked.append(("erase", person))
        known = [request for request, of in self._open.items() if of == person]
        request = known[0] if known else f"request-{len(self.asked)}"
        self._open[request] = person
        return request

    def carry_out(self, request_id: str, tell: Callable[[str], None], stop: threading.Event) -> None:
        tell(f"waiting for {self.evil}")
        while not self.go_on.wait(0.01):
            if stop.is_set():
                raise StorageError("stopped before all was erased")
        if self.problem:
            raise StorageError(self.problem)
        del self._open[request_id]
        self.erased.append(request_id)

    def receipts(self) -> ReceiptsShown:
        receipts = [
            ReceiptShown(number, request, END_MS, END_MS + 5000, {"profiles": 1, "keys": 1, "timers": 0})
            for number, request in enumerate(self.erased, 1)
        ]
        waiting = [OpenErasure(request, END_MS, person) for request, person in self._open.items()]
        return ReceiptsShown(receipts[::-1], waiting, self.faults, is_signed_here=True, has_key=self.has_key)
