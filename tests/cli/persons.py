"""A shop whose customers are known by several ids, on servers of its own, and what commands say of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from click.testing import CliRunner, Result

from stream.cli import main
from stream.cli.topics import create_topics
from stream.client import ClickEvent, Identifiers, Producer, PurchaseEvent
from stream.events.model import Event
from stream.identity.sealing import Sealer
from stream.local.stack import LocalStack
from stream.settings import Settings

__all__ = ["NOW_S", "counted", "joining_stack", "ordered", "publish", "run", "shown", "token_of", "viewed"]

NOW_S: Final = time.time()


@contextmanager
def joining_stack(directory: Path, **more: Any) -> Iterator[Settings]:
    """Servers in ``directory``, with topics of two partitions, and their settings; ``more``: settings beside."""
    settings = Settings(
        join_identities=True,
        identity_key="k" * 32,
        session_timeout_s=6.0,
        heartbeat_s=1.0,
        **more,
    )
    with LocalStack(directory, settings, partitions=2) as running:
        create_topics(running.settings)
        yield running.settings


def run(settings: Settings, *arguments: str) -> Result:
    """``stream`` with these arguments."""
    return CliRunner().invoke(main, [*arguments], env={**settings.to_env()})


def shown(settings: Settings, *arguments: str) -> Any:
    """The output of a command as JSON, None where it fails or says nothing."""
    result = run(settings, *arguments)
    return orjson.loads(result.stdout) if result.exit_code == 0 and result.stdout else None


def counted(settings: Settings, customer: str) -> tuple[str, int]:
    """Who a customer is, and how many of their events count."""
    found = shown(settings, "customer", customer, "--json")
    return ("", 0) if found is None else (found["customer_id"], found["events"])


def publish(settings: Settings, *events: Event) -> None:
    """Publish as a program of the shop does."""
    with Producer(settings) as producer:
        for event in events:
            producer.publish(event)


def token_of(settings: Settings, kind: str, clear: str) -> str:
    """The id that an identifier is."""
    return f"{kind}:{Sealer.of(settings).token(kind, clear)}"


def viewed(number: int, cookie: str = "a-1") -> ClickEvent:
    """The event ``e-NUMBER``: a page was viewed in a browser, ten minutes ago."""
    return ClickEvent(
        event_id=f"e-{number}",
        customer_id="",
        occurred_at=NOW_S - 600 + number,
        name="page_viewed",
        identifiers=Identifiers(anonymous_id=cookie),
    )


def ordered(number: int, **identifiers: str) -> PurchaseEvent:
    """The event ``e-NUMBER``: customer ``c-1`` ordered, five minutes ago."""
    return PurchaseEvent(
        event_id=f"e-{number}",
        customer_id="c-1",
        occurred_at=NOW_S - 300,
        name="completed",
        order_id="o-1",
        amount=10.0,
        currency="EUR",
        identifiers=Identifiers(**identifiers),
    )
