"""Master keys from a server that speaks the HTTP API of Vault, version 2 of its key-value engine."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stream.errors import SettingsError, StorageError
from stream.privacy.person_keys import PersonKeys
from stream.settings import Settings

TOKEN = "a-token"
OLD, NEW = "11" * 32, "22" * 32


class Vault(ThreadingHTTPServer):
    """Knows one token, and the secret at secret/data/customer-stream."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.fields: dict[str, str] = {"master_key": OLD}
        self.is_sealed = False
        self.answer: object = None


class _Answers(BaseHTTPRequestHandler):
    server: Vault

    def do_GET(self) -> None:
        if self.server.is_sealed:
            self._answer(503, {"errors": ["Vault is sealed"]})
        elif self.headers.get("X-Vault-Token") != TOKEN:
            self._answer(403, {"errors": ["permission denied"]})
        elif self.path != "/v1/secret/data/customer-stream":
            self._answer(404, {"errors": []})
        else:
            secret = {"data": {"data": self.server.fields, "metadata": {"version": 1}}}
            self._answer(200, secret if self.server.answer is None else self.server.answer)

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def vault() -> Iterator[Vault]:
    with Vault() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def settings_of(
    vault: Vault, tmp_path: Path, token: str = TOKEN, path: str = "secret/data/customer-stream"
) -> Settings:
    return Settings(
        privacy_keys=f"sqlite:///{tmp_path}/keys.sqlite",
        privacy_vault_url=f"http://127.0.0.1:{vault.server_port}",
        privacy_vault_token=token,
        privacy_vault_path=path,
    )


def opened(settings: Settings) -> PersonKeys:
    keys = PersonKeys.of(settings)
    assert keys is not None
    return keys


def test_keys_are_wrapped_with_what_vault_has_and_rotated_there(vault: Vault, tmp_path: Path) -> None:
    settings = settings_of(vault, tmp_path)
    with closing(opened(settings)) as running:
        ann = running.persons(["ann"])["ann"]
        vault.fields["master_key"] = f"{NEW},{OLD}"
        with closing(opened(settings)) as rotating:
            assert rotating.rotate() == (1, 1)
        vault.fields["master_key"] = NEW
        bob = running.persons(["bob"])["bob"]
        assert ann is not None
        assert bob is not None
        with closing(opened(settings)) as again:
            assert [*again.known(["ann", "bob"])] == ["ann", "bob"]


@pytest.mark.parametrize(
    ("token", "path", "told"),
    [
        ("another", "secret/data/customer-stream", "403 permission denied; see privacy_vault_path"),
        (TOKEN, "secret/data/none", "404"),
    ],
)
def test_what_vault_refuses_is_told_in_one_line(vault: Vault, tmp_path: Path, token: str, path: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as refused:
        opened(settings_of(vault, tmp_path, token, path))
    assert "\n" not in str(refused.value)
    assert token not in str(refused.value)


@pytest.mark.parametrize("answer", [{"data": None}, {"data": ["master_key"]}, {"data": {"data": None}}, [], {}])
def test_an_answer_that_is_no_secret_is_told(vault: Vault, tmp_path: Path, answer: object) -> None:
    vault.answer = answer
    with pytest.raises(SettingsError, match="no secret of the key-value engine 2"):
        opened(settings_of(vault, tmp_path))


def test_a_vault_that_is_sealed_or_away_is_told(vault: Vault, tmp_path: Path) -> None:
    vault.is_sealed = True
    with pytest.raises(StorageError, match="503 Vault is sealed"):
        opened(settings_of(vault, tmp_path))
    vault.fields.clear()
    vault.is_sealed = False
    with pytest.raises(SettingsError, match="no field master_key"):
        opened(settings_of(vault, tmp_path))
    away = Settings(
        privacy_keys=f"sqlite:///{tmp_path}/keys.sqlite",
        privacy_vault_url="http://127.0.0.1:1",
        privacy_vault_token=TOKEN,
    )
    with pytest.raises(StorageError, match="does not answer"):
        opened(away)
