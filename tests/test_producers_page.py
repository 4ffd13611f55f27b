"""The producers in the README and docs/producers.md work, and the tables agree with the code."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.adapters import ADAPTER_NAMES, TABLES
from stream.adapters.segment import NAMES
from stream.cli.topics import create_topics
from stream.events.partitioner import partition_of
from stream.local.stack import LocalStack
from stream.settings import Settings
from tests.agents.topics import at_least, read
from tests.cli.conftest import clean_environment
from tests.ingest.running import TOKEN, Reader, Running

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "producers.md").read_text()
README = (ROOT / "README.md").read_text()


def snippet(text: str, language: str, containing: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (found,) = [block for block in blocks if containing in block]
    return str(found)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A local stack with its topics, under the names that the pages use."""
    with LocalStack(tmp_path_factory.mktemp("stack"), Settings(), partitions=4) as running:
        create_topics(running.settings)
        yield running


def test_any_other_client_reaches_the_customers_partition(stack: LocalStack) -> None:
    subprocess.run(
        [sys.executable, "-c", snippet(PAGE, "python", "murmur2_random")],
        env=clean_environment(**stack.settings.to_env()),
        timeout=30,
        check=True,
    )
    for topic in stack.settings.event_topics:
        (message,) = read(stack.broker.bootstrap, topic, 4, at_least(1))
        assert (message.key(), message.partition()) == (b"c-1", partition_of("c-1", 4))


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's command needs curl")
def test_the_command_of_the_readme_sends_events(stack: LocalStack, tmp_path: Path) -> None:
    settings = dataclasses.replace(stack.settings, ingest_token=TOKEN)
    with Running(settings, tmp_path) as ingest:
        done = subprocess.run(
            ["sh", "-c", snippet(README, "sh", "/v1/events")],  # noqa: S607 - as a reader would
            env=clean_environment(STREAM_INGEST_PORT=str(ingest.port), STREAM_INGEST_TOKEN=TOKEN),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["accepted"] == 2
    for topic, event_id in ((settings.events_click, "k-2"), (settings.events_email, "m-2")):
        reader = Reader(settings, topic)
        reader.until(event_id)
        reader.close()


@pytest.mark.parametrize("provider", TABLES)
def test_the_page_names_every_row_of_every_table(provider: str) -> None:
    folded = PAGE.casefold()
    for provider_name, row in (NAMES if provider == "segment" else TABLES[provider].rows).items():
        assert provider_name.rpartition(": ")[2].casefold() in folded
        assert f"`{row.name}`" in PAGE


@pytest.mark.parametrize("name", ADAPTER_NAMES)
def test_the_page_says_what_every_provider_needs(name: str) -> None:
    assert f"\n| `{name}` |" in PAGE


def test_the_page_names_every_setting_of_the_endpoint() -> None:
    for name in Settings.__dataclass_fields__:
        if name.startswith("ingest_"):
            assert f"`{name}`" in PAGE or f"`STREAM_{name.upper()}`" in PAGE or f"`{name}=" in PAGE, name


def test_every_link_of_the_page_leads_to_a_file() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in link and not link.startswith("#")]
    assert len(links) >= 4
    assert [link for link in links if not (ROOT / "docs" / link.partition("#")[0]).is_file()] == []
