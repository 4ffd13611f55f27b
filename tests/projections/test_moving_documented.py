"""Of every projection the documentation says what becomes of a person who is another one, as the program does it."""

import dataclasses
import re
from pathlib import Path

from stream.projections.all_projections import PROJECTIONS, projections_of
from tests.projections.test_moving import SETTINGS

_DOCS = Path(__file__).parents[2] / "docs" / "projections.md"


def told_rows() -> dict[str, str]:
    """Projection -> what moves with a person, from the table under "Persons who are others"."""
    section = _DOCS.read_text("utf-8").partition("## Persons who are others")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (.+) \|$", section, re.MULTILINE)
    return {name: said for names, said in rows for name in re.findall(r"`(\w+)`", names)}


def test_every_projection_is_in_the_table_and_does_what_it_says() -> None:
    told = told_rows()
    assert told.keys() == PROJECTIONS.keys()
    names = ",".join(PROJECTIONS)
    for projection in projections_of(dataclasses.replace(SETTINGS, projections=names)):
        moves = projection.release("c-1") is not None
        assert told[projection.name].startswith("all of it" if moves else "nothing"), projection.name
        # whoever does not follow has a reason
        assert moves or len(told[projection.name].partition(":")[2] + told[projection.name].partition(".")[2]) > 20
