"""Certificate authorities of a test, with certificates for servers on the loopback interface and their clients."""

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

__all__ = ["Authority", "Identity", "keystore"]


@dataclass(frozen=True, slots=True)
class Identity:
    """PEM files of a certificate (chain) and its key."""

    cert: Path
    key: Path


class Authority:
    """Signs for ``localhost`` and 127.0.0.1, and for client names."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._ca = trustme.CA()
        self.ca_file = directory / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca_file))

    def server(self, directory: Path, *names: str) -> Identity:
        """A certificate for ``names``, the loopback interface when there are none."""
        return _write(directory, "server", self._ca.issue_cert(*(names or ("localhost", "127.0.0.1"))))

    def client(self, directory: Path, name: str = "client") -> Identity:
        """A client's certificate with the distinguished name ``CN=name,...``."""
        return _write(directory, name, self._ca.issue_cert(f"{name}.test", common_name=name))


def _write(directory: Path, name: str, issued: trustme.LeafCert) -> Identity:
    directory.mkdir(parents=True, exist_ok=True)
    identity = Identity(directory / f"{name}.pem", directory / f"{name}.key")
    identity.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(identity.key))
    identity.key.chmod(0o600)
    return identity


def keystore(identity: Identity) -> Path:
    """One PEM file with key (PKCS #8) and certificate, as Kafka's brokers take it."""
    key = serialization.load_pem_private_key(identity.key.read_bytes(), None)
    in_pkcs8 = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    store = identity.cert.with_suffix(".store.pem")
    store.write_bytes(in_pkcs8 + identity.cert.read_bytes())
    return store
