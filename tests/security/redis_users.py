"""The Redis users of the example, as a server of tests knows them."""

import re
from typing import Any

from stream.settings import Settings
from tests.field import ROOT
from tests.security.authority import Authority
from tests.security.redis_tls import SecureRedis

__all__ = ["EXAMPLE", "PASSWORD", "settings_of", "users"]

EXAMPLE = (ROOT / "deploy" / "redis" / "users.acl.example").read_text(encoding="utf-8")
PASSWORD = "a-password-that-must-not-be-shown"


def users(namespace: str) -> str:
    """The users of the example, on this namespace and with a password."""
    lines = [line for line in EXAMPLE.splitlines() if not line.startswith("user default")]
    text = re.sub(r">CHANGE-ME-\w+", f">{PASSWORD}", "\n".join(lines))
    return text.replace("~stream:", f"~{namespace}:") + "\n"


def settings_of(server: SecureRedis, authority: Authority, user: str = "worker", **changed: Any) -> Settings:
    return Settings(
        **{
            "redis_url": server.url(user, PASSWORD),
            "redis_ca_file": str(authority.ca_file),
            "metrics_port": -1,
            **changed,
        }
    )
