"""How satisfied a customer is, on their page."""

import re

from stream.console.labelling import CustomerTexts
from stream.projections.satisfaction import Opinion, Said
from stream.reporting.mood_satisfaction import means_then
from tests.console.conftest import Office, Visit


def _opinion() -> Opinion:
    """NPS of 8, 9 and 7: the figures of the formula of loyalty."""
    found = Opinion(loyalty=0.5803, scores=3)
    for k, (value, loyalty) in enumerate([(8, 0.53), (9, 0.567), (7, 0.5803)]):
        found.said.append(Said(k, k, "rated", "nps", float(value), value / 10, "score", loyalty))
        found.add(value / 10, k)
    return found


def test_satisfaction_has_its_interval_and_loyalty_its_history(office: Office) -> None:
    office.texts = CustomerTexts(opinion=_opinion(), means=means_then(_opinion(), ()))

    async def steps(visit: Visit) -> None:
        _, _, text = await visit("/customer", {"customer_id": "c-3"})
        low, high = (round(100 * (limit or 0.0)) for limit in (_opinion().interval.low, _opinion().interval.high))
        assert f"<dd>80%, between {low}% and {high}% with 95 of 100 chances; 3 answers</dd>" in text
        assert "<dd>58%, by a formula" in text
        shown = text[text.index("How satisfied they are") :]
        # the newest first
        share = r"<td class=.right.>(\d+%)</td>"
        assert re.findall(rf"(\d NPS)</td>\s*{share}{share}{share}", shown) == [
            ("7 NPS", "70%", "80%", "58%"),
            ("9 NPS", "90%", "85%", "57%"),
            ("8 NPS", "80%", "80%", "53%"),
        ]
        _, _, german = await visit("/customer", {"customer_id": "c-3"}, Accept_Language="de")
        assert "Wie zufrieden sie sind" in german

    office.visited(steps)


def test_what_is_estimated_is_said_to_be(office: Office) -> None:
    mood = Opinion()
    mood.add(1.0, 0)
    office.texts = CustomerTexts(opinion=mood, moods=1)

    async def steps(visit: Visit) -> None:
        _, _, text = await visit("/customer", {"customer_id": "c-3"})
        assert "1 answer, 1 of them estimated from the mood of a text" in text
        office.texts = CustomerTexts()
        assert "How satisfied they are" not in (await visit("/customer", {"customer_id": "c-3"}))[2]

    office.visited(steps)
