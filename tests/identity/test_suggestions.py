"""Likely duplicates among made-up people (`benchmarks.suggestions` judges them on FEBRL)."""

import random

import pytest

from stream.identity.suggestions import Blocks, Person, suggestions

ANN = Person(
    "c-1", name="Ann Ode", email="ann@example.com", phone="+44 1225 123456", address="3 Mill Lane, Bath BA1 1AA"
)


_GIVEN = ["amelia", "benjamin", "charlotte", "dylan", "ella", "finn", "georgia", "harrison", "isabella", "jack"]
_FAMILY = ["abbott", "brennan", "clarke", "donovan", "ellis", "fitzgerald", "graham", "hopkins", "ingram", "jefferson"]
_STREETS = ["mill lane", "castle street", "station road", "king square", "harbour terrace", "orchard crescent"]
_TOWNS = ["bath", "bristol", "cardiff", "dundee", "exeter", "falmouth"]


def mistyped(rng: random.Random, text: str) -> str:
    """A letter is left out, doubled, changed, or swapped with the next."""
    at = rng.randrange(len(text) - 1)
    return rng.choice(
        [
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + rng.choice("abcdefgh") + text[at + 1 :],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        ]
    )


def households(rng: random.Random, count: int) -> tuple[list[Person], set[tuple[str, str]]]:
    """Two people at each address, a third of them twice with errors; and the pairs that are one person."""
    people, twice = [], set()
    for number in range(count):
        address = f"{rng.randrange(1, 200)} {rng.choice(_STREETS)} {rng.choice(_TOWNS)} {rng.randrange(1000, 9999)}"
        family = rng.choice(_FAMILY)
        for member, given in enumerate(rng.sample(_GIVEN, 2)):
            people.append(Person(f"c-{number}-{member}", f"{given} {family}", address=address))
            if rng.random() < 1 / 3:
                other = Person(f"c-{number}-{member}x", mistyped(rng, f"{family} {given}"), address=address)
                people.append(other._replace(address=mistyped(rng, mistyped(rng, address))))
                twice.add((f"c-{number}-{member}", f"c-{number}-{member}x"))
    return people, twice


@pytest.mark.parametrize("seed", range(3))
def test_of_a_hundred_suggestions_at_most_one_is_wrong(seed: int) -> None:
    people, twice = households(random.Random(seed), 600)
    found = {(one.one, one.other) for one in suggestions(people)}
    assert len(found & twice) >= 0.99 * len(found)
    assert len(found & twice) >= 0.75 * len(twice)


@pytest.mark.parametrize(
    ("other", "is_suggested"),
    [
        (Person("c-2", name="ODE, Ánn", address="3 Mill Ln, Bath BA1 1AA"), True),
        (Person("c-2", name="Ann Ode", email=" Ann@Example.com "), True),
        (Person("c-2", name="Anne Ode", phone="01225 123456"), True),
        # of a household, and of the same name elsewhere
        (Person("c-2", name="Bob Ode", phone="01225 123456", address="3 Mill Lane, Bath BA1 1AA"), False),
        (Person("c-2", name="Ann Ode", address="3 Castle Street, Edinburgh EH2 3AH"), False),
        # of whom nothing else is known
        (Person("c-2", name="Ann Ode"), False),
        (Person("c-2", email="ann@example.com"), False),
    ],
)
def test_names_must_agree_and_an_address_or_a_number(other: Person, is_suggested: bool) -> None:
    assert bool(suggestions([ANN, other])) is is_suggested
    assert suggestions([other, ANN]) == suggestions([ANN, other])


def test_a_number_shared_by_very_many_is_no_evidence() -> None:
    people = [Person(f"c-{number}", name=f"Ann Ode {number}", phone="00000000") for number in range(300)]
    assert suggestions(people) == []


@pytest.mark.parametrize("seed", range(2))
def test_of_one_customer_the_blocks_lead_to_the_same_suggestions(seed: int) -> None:
    people, _ = households(random.Random(seed), 150)
    people += [Person(f"n-{number}", name=f"Ann Ode {number}", phone="00000000") for number in range(300)]
    by_id, blocks, found = {one.customer_id: one for one in people}, Blocks(people), suggestions(people)
    for person in people:
        own = person.customer_id
        compared = [person, *(by_id[other] for other in blocks.near(person))]
        assert [one for one in suggestions(compared) if own in one[:2]] == [one for one in found if own in one[:2]]
