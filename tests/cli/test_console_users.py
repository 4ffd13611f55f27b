"""Who may use the console, and what they did there, on the command line."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from stream.cli import main
from stream.console.passwords import is_password
from stream.directory.desk.accounts import Accounts
from stream.directory.desk.api_tokens import ApiTokens
from stream.directory.desk.audit_trail import AuditTrail, Trace
from stream.directory.desk.desk_store import DeskStore

PASSWORD = "correct horse battery"


def run(path: Path, *arguments: str, given: str = "") -> tuple[int, str]:
    env = {"STREAM_DIRECTORY_URL": f"sqlite:///{path}/directory.sqlite"}
    result = CliRunner().invoke(main, ["console", *arguments], env=env, input=given)
    return result.exit_code, result.output


def test_users_come_and_go(tmp_path: Path) -> None:
    assert run(tmp_path, "user", "list") == (0, "")
    status, output = run(tmp_path, "user", "add", "anna", given=f"{PASSWORD}\n{PASSWORD}\n")
    assert (status, "anna may use the console as operator" in output, PASSWORD in output) == (0, True, False)
    assert run(tmp_path, "user", "add", "ben", "--role", "admin", "--password-stdin", given=f"{PASSWORD}\n")[0] == 0
    assert run(tmp_path, "user", "list") == (0, "anna: operator\nben: admin\n")
    status, output = run(tmp_path, "user", "list", "--json")
    assert [(one["name"], one["role"]) for one in orjson.loads(output)] == [("anna", "operator"), ("ben", "admin")]
    with DeskStore(f"sqlite:///{tmp_path}/console.sqlite") as desk:
        assert is_password(PASSWORD, Accounts(desk.engine).password_hash("anna"))
    for arguments, given, why in (
        (("anna", "--password-stdin"), PASSWORD, "there is a user 'anna' already"),
        (("carl", "--password-stdin"), "short", "at least 12 characters"),
        ((" carl", "--password-stdin"), PASSWORD, "expected a name"),
        (("c" * 61, "--password-stdin"), PASSWORD, "expected a name"),
    ):
        status, output = run(tmp_path, "user", "add", *arguments, given=given)
        assert (status, why in output) == (2, True), output
    assert run(tmp_path, "user", "remove", "anna") == (0, "anna may no longer use the console\n")
    assert run(tmp_path, "user", "remove", "anna")[0] == 2
    status, output = run(tmp_path, "user", "remove", "ben")
    assert (status, "nobody is left" in output) == (0, True)


def test_with_a_provider_of_accounts_there_is_a_login_without_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAM_OIDC_ISSUER", "https://id.example.com")
    monkeypatch.setenv("STREAM_OIDC_CLIENT_ID", "console")
    assert run(tmp_path, "user", "add", "ben", "--password-stdin", given=f"{PASSWORD}\n")[0] == 0
    assert run(tmp_path, "user", "remove", "ben") == (0, "ben may no longer use the console\n")


def test_tokens_are_shown_once_and_taken_back(tmp_path: Path) -> None:
    status, output = run(tmp_path, "token", "add", "crm", "--scope", "act", "--scope", "read")
    token = output.strip()
    assert (status, token.startswith("stream_"), len(token)) == (0, True, 50)
    assert run(tmp_path, "token", "add", "crm")[0] == 2
    assert run(tmp_path, "token", "add", " crm")[0] == 2
    assert run(tmp_path, "token", "add", "sheet")[0] == 0
    assert run(tmp_path, "token", "list") == (0, "crm: act, read\nsheet: read\n")
    status, output = run(tmp_path, "token", "list", "--json")
    scopes = {one["name"]: one["scopes"] for one in orjson.loads(output)}
    assert scopes == {"crm": ["act", "read"], "sheet": ["read"]}
    with DeskStore(f"sqlite:///{tmp_path}/console.sqlite") as desk:
        found = ApiTokens(desk.engine).find(token)
        assert found is not None
        assert found.name == "crm"
    assert token.encode() not in (tmp_path / "console.sqlite").read_bytes()
    assert run(tmp_path, "token", "remove", "crm") == (0, "crm may no longer use the API\n")
    assert run(tmp_path, "token", "remove", "crm")[0] == 2


def test_the_audit_trail_is_shown_newest_first(tmp_path: Path) -> None:
    with DeskStore(f"sqlite:///{tmp_path}/console.sqlite") as desk:
        trail = AuditTrail(desk.engine, 365)
        trail.add(Trace(0, "anna", "logged in"))
        trail.add(Trace(1000, "anna", "recorded an action", "c-1", "kind: contacted"))
    status, output = run(tmp_path, "audit")
    assert (status, output.splitlines()) == (
        0,
        [
            "1970-01-01T00:00:01.000Z  anna  recorded an action  c-1  kind: contacted",
            "1970-01-01T00:00:00.000Z  anna  logged in",
        ],
    )
    status, output = run(tmp_path, "audit", "--customer", "c-1", "--limit", "1", "--json")
    assert orjson.loads(output) == {
        "at": "1970-01-01T00:00:01.000Z",
        "who": "anna",
        "what": "recorded an action",
        "customer_id": "c-1",
        "detail": "kind: contacted",
    }
    assert run(tmp_path, "audit", "--customer", "c-2") == (0, "")
