"""A provider of OpenID Connect, a process of its own, made of authlib's parts for providers.

``python -m tests.console.identity_provider PEOPLE.json`` prints its issuer. The file: what each account name is:
``password``, ``claims`` (of the ID token), ``info`` (only of the user info), and ``mischief``: what is wrong with the
tokens of the account.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import Any

from aiohttp import web
from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID, CLIENT_SECRET = "console", "a secret of the console"
KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}, auto_kid=False)
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}, auto_kid=False)


class ConsoleClient:
    """The console."""

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.startswith("http://127.0.0.1:") and redirect_uri.endswith("/login/elsewhere/back")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method, endpoint) == ("client_secret_basic", "token")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class Account(dict[str, Any]):
    """Of the file."""

    def get_user_id(self) -> str:
        return str(self["claims"]["sub"])


class Code:
    """A code that has been given out."""

    def __init__(self, request: Any) -> None:
        data = request.payload.data
        self.user, self.redirect_uri, self.scope = request.user, data["redirect_uri"], data["scope"]
        self.nonce, self.code_challenge = data.get("nonce"), data.get("code_challenge")
        self.code_challenge_method = data.get("code_challenge_method")

    def get_redirect_uri(self) -> str:
        return str(self.redirect_uri)

    def get_scope(self) -> str:
        return str(self.scope)

    def get_nonce(self) -> str | None:
        return "another" if self.user.get("mischief") == "nonce" else self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


CODES: dict[str, Code] = {}
TOKENS: dict[str, Account] = {}


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def save_authorization_code(self, code: str, request: Any) -> None:
        CODES[code] = Code(request)

    def query_authorization_code(self, code: str, client: ConsoleClient) -> Code | None:
        del client
        return CODES.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        for code in [code for code, one in CODES.items() if one is authorization_code]:
            del CODES[code]

    def authenticate_user(self, authorization_code: Code) -> Account:
        return Account(authorization_code.user)


class IdToken(OpenIDCode):  # type: ignore[misc]
    issuer = ""

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        del request
        return any(code.nonce == nonce for code in CODES.values())

    def get_jwt_config(self, grant: Any = None, client: Any = None) -> dict[str, Any]:
        del grant, client
        return {"key": KEY.as_dict(private=True), "alg": "RS256", "iss": self.issuer, "exp": 3600, "kid": "k1"}

    def generate_user_info(self, user: Account, scope: str) -> dict[str, Any]:
        del scope
        return dict(user["claims"])

    def encode_id_token(self, token: dict[str, Any], request: Any) -> Any:
        told = super().encode_id_token(token, request)
        mischief = request.user.get("mischief")
        claims = jwt.decode(told, KEY).claims
        if mischief == "signature":
            return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, OTHER_KEY)
        if mischief == "audience":
            return jwt.encode({"alg": "RS256", "kid": "k1"}, claims | {"aud": "another"}, KEY)
        if mischief == "expired":
            return jwt.encode({"alg": "RS256", "kid": "k1"}, claims | {"exp": 1_000_000}, KEY)
        if mischief == "unsigned":
            return jwt.encode({"alg": "none"}, claims, KEY, algorithms=["none"])
        return told


class Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, request: web.Request, form: dict[str, str]) -> None:
        super().__init__(request.method, f"https://{request.host}{request.path_qs}", headers=request.headers)
        self._args, self._form = dict(request.query), form
        self.payload = BasicOAuth2Payload(self._args | form)

    @property
    def args(self) -> dict[str, str]:
        return self._args

    @property
    def form(self) -> dict[str, str]:
        return self._form


class Server(AuthorizationServer):  # type: ignore[misc]
    def query_client(self, client_id: str) -> ConsoleClient | None:
        return ConsoleClient() if client_id == CLIENT_ID else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        TOKENS[token["access_token"]] = request.user

    def create_oauth2_request(self, request: Request) -> Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> web.Response:
        told = json.dumps(body) if isinstance(body, dict) else body
        return web.Response(status=status, text=told or "", headers=dict(headers))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


PAGE = """<!doctype html><html lang="en"><head><title>Provider</title></head><body><h1>Provider</h1>
<form method="post"><input name="account" aria-label="account"><input name="password" type="password"
aria-label="password"><button name="is" value="in">In</button><button name="is" value="out">No</button></form>%s"""


async def main(people: dict[str, Any]) -> None:
    """Serve until ended."""
    server, id_token = Server(), IdToken(require_nonce=True)
    server.register_token_generator("default", BearerTokenGenerator(lambda **_: f"t-{time.monotonic_ns()}"))
    server.register_grant(CodeGrant, [CodeChallenge(required=True), id_token])
    counts: dict[str, int] = defaultdict(int)

    async def authorize(request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.Response(text=PAGE % "", content_type="text/html")
        form = {name: str(value) for name, value in (await request.post()).items()}
        account = people.get(form.get("account", ""))
        is_in = form.get("is") == "in"
        if is_in and (account is None or account["password"] != form.get("password")):
            return web.Response(text=PAGE % escape("wrong"), content_type="text/html", status=200)
        asked = Request(request, {})
        return _as_response(
            server.create_authorization_response(
                asked, grant_user=Account(account or {}) if is_in else None, grant=server.get_consent_grant(asked)
            )
        )

    async def token(request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        return _as_response(server.create_token_response(Request(request, form)))

    async def info(request: web.Request) -> web.Response:
        account = TOKENS[request.headers["Authorization"].removeprefix("Bearer ")]
        counts["info"] += 1
        subject = "another" if account.get("mischief") == "info" else account["claims"]["sub"]
        return web.json_response({"sub": subject, **account.get("info", {})})

    async def leave(request: web.Request) -> web.Response:
        return web.Response(status=303, headers={"Location": request.query["post_logout_redirect_uri"]})

    async def nothing(request: web.Request) -> web.Response:
        del request
        return web.Response(status=204)

    async def configuration(request: web.Request) -> web.Response:
        del request
        endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        endpoints |= {"userinfo_endpoint": "info", "end_session_endpoint": "leave"}
        return web.json_response(
            {"issuer": id_token.issuer, **{k: f"{id_token.issuer}/{v}" for k, v in endpoints.items()}}
        )

    async def keys(request: web.Request) -> web.Response:
        del request
        return web.json_response(KeySet([KEY]).as_dict(private=False))

    application = web.Application()
    application.add_routes([web.get("/authorize", authorize), web.post("/authorize", authorize)])
    application.add_routes([web.post("/token", token), web.get("/info", info), web.get("/leave", leave)])
    application.add_routes([web.get("/.well-known/openid-configuration", configuration), web.get("/keys", keys)])
    application.add_routes([web.get("/favicon.ico", nothing)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    id_token.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    sys.stdout.write(f"{id_token.issuer}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def _as_response(made: Any) -> web.Response:
    assert isinstance(made, web.Response)
    return made


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
