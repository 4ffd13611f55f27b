"""Reading a secret from HashiCorp Vault: its HTTP API, version 2 of the key-value engine."""

from __future__ import annotations

import http.client
import json
from typing import Any, Final
from urllib.parse import urlsplit

from stream.errors import SettingsError, StorageError

__all__ = ["read_secret"]

_TIMEOUT_S: Final = 10.0
_MAX_BYTES: Final = 1_000_000


def read_secret(url: str, token: str) -> dict[str, Any]:
    """The fields of the secret at ``url`` (``https://host:8200/v1/MOUNT/data/PATH``), in its newest version.

    Raises `SettingsError` where Vault refuses, and `StorageError` where it does not answer or is sealed.
    """
    parts = urlsplit(url)
    connection_type = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connection_type(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", parts.path, headers={"X-Vault-Token": token, "X-Vault-Request": "true"})
        response = connection.getresponse()
        body = response.read(_MAX_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise StorageError(f"Vault at {parts.netloc} does not answer: {error}") from error
    finally:
        connection.close()
    try:
        answer = json.loads(body or b"{}")
    except ValueError:
        answer = {}
    errors = "; ".join(map(str, answer.get("errors") or ())) if isinstance(answer, dict) else ""
    if response.status >= http.client.INTERNAL_SERVER_ERROR:
        raise StorageError(f"Vault at {parts.netloc} cannot answer: {response.status} {errors or response.reason}")
    if response.status != http.client.OK:
        raise SettingsError(
            f"Vault at {parts.netloc} refuses {parts.path}: {response.status} {errors or response.reason}; see"
            " privacy_vault_path and STREAM_PRIVACY_VAULT_TOKEN"
        )
    data = answer.get("data") if isinstance(answer, dict) else None
    secret = data.get("data") if isinstance(data, dict) else None
    if not isinstance(secret, dict):
        raise SettingsError(f"Vault at {parts.netloc} has no secret of the key-value engine 2 at {parts.path}")
    return secret
