"""A Kafka broker that asks for names: SCRAM with and without TLS, and certificates of both sides."""

from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from tests.kafka.cluster import KafkaCluster
from tests.security.authority import Authority, keystore

__all__ = ["Acl", "add_user", "allow", "secured_cluster"]

PROTOCOLS = ("SASL_PLAINTEXT", "SASL_SSL", "SSL")
_SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="unused" password="unused";'
_ITERATIONS = 4096

#: Type of the resource, its name, how the name is meant, operation.
Acl = tuple[ResourceType, str, ResourcePatternType, AclOperation]


def secured_cluster(directory: Path, authority: Authority) -> KafkaCluster:
    """One broker. Only who comes in by PLAINTEXT, the test, may do everything; all others may do what `allow` says."""
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
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
    upsertion = UserScramCredentialUpsertion(user, credential, password.encode())
    for outcome in admin.alter_user_scram_credentials([upsertion]).values():
        outcome.result(10.0)


def allow(kafka: KafkaCluster, user: str, acls: list[Acl]) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    bindings = [
        AclBinding(kind, name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
        for kind, name, pattern, operation in acls
    ]
    for outcome in admin.create_acls(bindings).values():
        outcome.result(10.0)
