"""A Redis with TLS only and with users, on the loopback interface."""

import shutil
import socket
import ssl
from pathlib import Path

from stream.errors import LocalServerError
from stream.local.server_process import HOST, LocalServer
from tests.security.authority import Authority

__all__ = ["OPERATOR", "OPERATOR_PASSWORD", "SecureRedis"]

OPERATOR = "operator"
OPERATOR_PASSWORD = "correct-horse"


class SecureRedis(LocalServer):
    """``acl`` is a file of users, one a line; `OPERATOR` may do everything, the default user nothing.

    With ``mutual`` a client without a certificate of the authority is refused.
    """

    name = "secure-redis"

    def __init__(self, directory: Path, authority: Authority, acl: str, *, mutual: bool = False) -> None:
        super().__init__(directory)
        self._authority = authority
        self._acl = acl
        self._mutual = mutual

    def url(self, user: str, password: str, host: str = "localhost") -> str:
        return f"rediss://{user}:{password}@{host}:{self.port}/0"

    def command(self) -> list[str]:
        users = self.directory / "users.acl"
        operator = f"user {OPERATOR} on >{OPERATOR_PASSWORD} ~* &* +@all"
        users.write_text(f"user default off\n{operator}\n{self._acl}", encoding="utf-8")
        program = shutil.which("redis-server")
        if program is None:
            raise LocalServerError("there is no redis-server on PATH; the one in Python packages is built without TLS")
        server = self._authority.server(self.directory, "localhost")
        return [
            program,
            *("--bind", HOST),
            *("--port", "0"),
            *("--tls-port", str(self.port)),
            *("--tls-cert-file", str(server.cert)),
            *("--tls-key-file", str(server.key)),
            *("--tls-ca-cert-file", str(self._authority.ca_file)),
            *("--tls-auth-clients", "yes" if self._mutual else "no"),
            *("--aclfile", str(users)),
            *("--dir", str(self.directory)),
            *("--save", ""),
            *("--appendonly", "yes"),
            *("--maxmemory-policy", "noeviction"),
        ]

    def answers(self, timeout_s: float) -> bool:
        context = ssl.create_default_context(cafile=str(self._authority.ca_file))
        client = self._authority.client(self.directory)
        context.load_cert_chain(client.cert, client.key)
        try:
            with (
                socket.create_connection((HOST, self.port), timeout_s) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as connection,
            ):
                connection.sendall(f"AUTH {OPERATOR} {OPERATOR_PASSWORD}\r\nINFO server\r\nPING\r\nQUIT\r\n".encode())
                reply = bytearray()
                while chunk := connection.recv(65536):
                    reply += chunk
        except OSError:
            return False
        return f"process_id:{self.pid}\r\n".encode() in reply and b"\r\n+PONG\r\n" in reply
