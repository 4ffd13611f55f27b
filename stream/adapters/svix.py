"""Signatures of Svix, which sends the webhooks of Resend and others (https://www.standardwebhooks.com)."""

import base64
import binascii
from collections.abc import Callable
from typing import Final

from stream.adapters.adapter import Call, Proof
from stream.adapters.provider import max_age_s
from stream.adapters.signatures import Signature, by_signature
from stream.errors import SettingsError
from stream.settings import Settings

__all__ = ["signed_by_svix"]

_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"


def _given(call: Call) -> list[str]:
    """Several while a secret is replaced."""
    signatures = call.headers.get("svix-signature", "").split(" ")
    return [one.removeprefix(_VERSION) for one in signatures if one.startswith(_VERSION)]


def _signed(call: Call) -> list[bytes]:
    names = ("svix-id", "svix-timestamp")
    head = ".".join(call.headers.get(name, "") for name in names)
    return [f"{head}.".encode("utf-8", "surrogateescape") + call.body]


#: HMAC-SHA256 of id, time and body.
_SIGNATURE: Final = Signature(
    "svix-signature", _given, _signed, made_at=lambda call: call.headers.get("svix-timestamp")
)


def signed_by_svix(setting: str) -> Callable[[Settings], Proof | None]:
    """Signed by Svix under the secret in ``setting``, which begins with ``whsec_``."""

    def proof(settings: Settings) -> Proof | None:
        secret: str = getattr(settings, setting)
        if not secret:
            return None
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error as error:
            raise SettingsError(f"{setting}: expected the signing secret, {_PREFIX} and base64") from error
        return by_signature(key, _SIGNATURE, max_age_s=max_age_s(settings))

    return proof
