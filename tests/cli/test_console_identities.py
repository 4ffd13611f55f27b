"""The ids of a person on the page of a customer: some are listed."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from stream.cli import console_identities
from stream.cli.console_identities import ShopIdentities
from stream.identity.links import Link, LinkName
from stream.identity.resolver import Resolver
from stream.settings import Settings


def test_of_many_ids_some_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cookies = [f"anonymous_id:h1_{number:022}" for number in range(60)]
    resolver = Resolver()
    for cookie in cookies:
        resolver.take(Link(LinkName.IDENTIFIED, cookie, "c-1", 1, ""))
    monkeypatch.setattr(console_identities, "resolver_near", lambda *_: resolver)
    monkeypatch.setattr(console_identities, "ProjectionDesk", lambda _: nullcontext())
    people = ShopIdentities(Settings(data_dir=str(tmp_path)))
    of_customer, of_cookie = people.known("c-1"), people.known(cookies[0])
    assert len(of_customer.linked) == 50
    assert of_cookie.customer == "c-1"
