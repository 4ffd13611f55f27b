"""An import that stops because the servers of this machine have no room says so, and not that they do not run."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from stream.cli import import_run
from stream.errors import PublishError
from stream.imports.import_ledger import LEDGER_FILE, ImportLedger
from stream.imports.import_summary import Summary
from stream.imports.source import Options
from stream.imports.staging import Staging
from stream.settings import Settings


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[ImportLedger]:
    with ImportLedger(tmp_path / LEDGER_FILE, "shop") as opened:
        yield opened


@pytest.mark.parametrize(("room", "told"), [(True, "See that Kafka, or `stream up`, runs"), (False, "Make room; then")])
def test_a_publication_that_fails_names_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: ImportLedger, room: bool, told: str
) -> None:
    def refused(*_: object) -> int:
        raise PublishError("7 events were refused, the first: Local: Message timed out; ids: a b")

    monkeypatch.setattr(import_run, "Producer", lambda *_, **__: nullcontext())
    monkeypatch.setattr(import_run, "publish", refused)
    monkeypatch.setattr(import_run, "has_room", lambda folder: folder == tmp_path and room)
    run = import_run.ImportRun(Options(), report=None, max_rejected=10.0, wait=False)
    with Staging() as staging, pytest.raises(PublishError, match="not everything was imported: 7 events") as raised:
        run._send(Settings(data_dir=str(tmp_path)), staging, ledger, Summary(new_events=7))
    assert told in str(raised.value)
    assert "ids: a b" not in str(raised.value)
