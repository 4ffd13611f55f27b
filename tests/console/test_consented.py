"""Pages name nobody by scores who does not agree to them."""

import asyncio
import csv

from tests.console.conftest import EVIL, Office, Visit, fields_of
from tests.console.test_operator_pages import POLICY


def test_no_list_goes_by_scores_of_who_does_not_agree_to_them(office: Office) -> None:
    office.operations.refused = {f"c-{number}" for number in range(119)}

    async def steps(visit: Visit) -> None:
        form = {"sort": "risk", "begins": "c-11"}
        shown = (await visit("/customers", form))[2]
        assert ("c-119" in shown, "c-118" in shown) == (True, False)
        shown = (await visit("/customers", {"sort": "id", "begins": "c-11"}))[2]
        assert ("c-119" in shown, "c-118" in shown, shown.count("50%")) == (True, True, 1)
        of_file = fields_of(shown, "/customers/file") | {"begins": "c-11"}
        rows = csv.DictReader((await visit("/customers/file", of_file))[2].removeprefix("\ufeff").splitlines())
        assert [row["risk"] for row in rows if row["customer_id"] in {"c-118", "c-119"}] == ["", "0.5000"]

    office.visited(steps)


def test_who_does_not_agree_to_scores_is_not_named_by_a_trial(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        office.operations.go_on = asyncio.Event()
        office.operations.go_on.set()
        form = fields_of((await visit("/whatif"))[2], "/whatif/try") | POLICY
        await visit("/whatif/try", form)
        async with asyncio.timeout(30):
            while "Alerts a week" not in (text := (await visit("/whatif"))[2]).partition("<tbody>")[2]:
                continue
        assert "Alerts that would be added: 1" in text
        office.operations.refused = {EVIL}
        assert "Alerts that would be added" not in (await visit("/whatif"))[2]

    office.visited(steps)
