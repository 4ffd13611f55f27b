"""A Kafka broker that authenticates clients: SCRAM with and without TLS, and certificates of both sides."""

import time
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from tests.kafka.cluster import KafkaCluster
from tests.security.authority import Authority, keystore

__all__ = ["Acl", "add_user", "allow", "secured_cluster"]

PROTOCOLS = ("SASL_PLAINTEXT", "SASL_SSL", "SSL")
_SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="unused" password="unused";'
_ITERATIONS = 4096
VISIBLE_WITHIN_S = 20.0

#: Type of the resource, its name, type of pattern, operation.
Acl = tuple[ResourceType, str, ResourcePatternType, AclOperation]


def secured_cluster(directory: Path, authority: Authority) -> KafkaCluster:
    """One broker. Only the test, by PLAINTEXT, may do everything; all others may do what `allow` grants."""
    server = authority.server(directory / "broker", "localhost")
    overrides = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "allow.everyone.if.no.acl.found": "false",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore(server)),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.ca_file),
        "listener.name.ssl.ssl.client.auth": "required",
        # a certificate's user is its common name
        "ssl.principal.mapping.rules": r"RULE:^.*CN=([a-z]+).*$/$1/,DEFAULT",
    }
    for protocol in ("sasl_plaintext", "sasl_ssl"):
        overrides[f"listener.name.{protocol}.scram-sha-512.sasl.jaas.config"] = _SCRAM
    return KafkaCluster(directory / "kafka", overrides=overrides, secured=PROTOCOLS)


def add_user(kafka: KafkaCluster, user: str, password: str) -> None:
    """Make a user of SCRAM; returns when the broker knows it, which is a while after it has confirmed it."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
    upsertion = UserScramCredentialUpsertion(user, credential, password.encode())
    for outcome in admin.alter_user_scram_credentials([upsertion]).values():
        outcome.result(10.0)
    _wait(f"user {user}", lambda: _is_known(admin, user))


def allow(kafka: KafkaCluster, user: str, acls: list[Acl]) -> None:
    """Give rights to a user; returns when the broker grants them, which is a while after it has confirmed them."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    bindings = [
        AclBinding(kind, name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
        for kind, name, pattern, operation in acls
    ]
    for outcome in admin.create_acls(bindings).values():
        outcome.result(10.0)
    of_user = AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type]  # any
        ResourcePatternType.ANY,
        f"User:{user}",
        None,  # type: ignore[arg-type]  # any
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    wanted = {_identity(binding) for binding in bindings}
    _wait(f"{wanted}", lambda: {_identity(found) for found in admin.describe_acls(of_user).result(10.0)} >= wanted)


def _identity(binding: AclBinding) -> tuple[object, ...]:
    return binding.restype, binding.name, binding.resource_pattern_type, binding.operation


def _is_known(admin: AdminClient, user: str) -> bool:
    asked = admin.describe_user_scram_credentials([user])
    assert isinstance(asked, dict)  # of a list of users
    try:
        described = asked[user].result(10.0)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.RESOURCE_NOT_FOUND:
            return False
        raise
    return bool(described.scram_credential_infos)


def _wait(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + VISIBLE_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"the broker does not know {what} within {VISIBLE_WITHIN_S:g} s"
        time.sleep(0.05)
