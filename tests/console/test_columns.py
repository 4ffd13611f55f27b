"""The list of customers has no column of which nothing is known yet, as in a shop whose models have learned nothing."""

import re

from tests.console.conftest import Office, Visit


def test_value_and_segment_are_columns_only_where_somebody_has_one(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        shown = {}
        for begins in ("c-", ""):
            text = (await visit("/customers", {"sort": "id", "begins": begins}))[2]
            shown[begins] = re.findall(r'<th scope="col"[^>]*>([^<]+)', text)
            cells = re.findall(r"<tr>\n(.*?)</tr>", text.partition("<tbody>")[2], re.DOTALL)
            assert {row.count("<td") for row in cells} == {len(shown[begins])}
        rest = ["Orders", "Spent", "Last order", "Risk", "At stake"]
        assert shown == {"c-": ["Customer", "Stage", *rest], "": ["Customer", "Stage", "Segment", *rest]}

    office.visited(steps)
