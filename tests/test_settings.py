"""Settings: their sources, refused values, and secrets that are never shown."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import SettingsError
from stream.online_models.horizon import HORIZONS
from stream.settings import LONGEST_HORIZON_DAYS, Settings


def test_without_variables_every_setting_has_its_default() -> None:
    assert Settings.from_env({"PATH": "/bin", "HOME": "/root"}) == Settings()


def test_an_option_wins_over_a_variable_and_a_variable_over_the_default() -> None:
    env = {"STREAM_RAISE_AT": "0.8", "STREAM_PARTITIONS": "4"}
    settings = Settings.from_env(env, {"partitions": "16", "raise_at": None})
    assert settings.raise_at == 0.8
    assert settings.partitions == 16


def test_values_have_the_type_of_their_setting() -> None:
    env = {"STREAM_REDIS_CLUSTER": "yes", "STREAM_HORIZON_DAYS": "30", "STREAM_METRICS_PORT": "-1"}
    settings = Settings.from_env(env)
    assert settings.redis_cluster is True
    assert (settings.horizon_days, type(settings.horizon_days)) == (30.0, float)
    assert (settings.metrics_port, type(settings.metrics_port)) == (-1, int)


def test_choices_are_recognised_in_any_case() -> None:
    assert Settings.from_env({"STREAM_LOG_LEVEL": "debug", "STREAM_CLOCK": "EVENT"}).log_level == "DEBUG"


def test_a_variable_set_to_nothing_counts_as_not_set() -> None:
    assert Settings.from_env({"STREAM_PARTITIONS": "", "STREAM_GROUP": ""}) == Settings()


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"STREAM_RAISEAT": "0.8"}, r"STREAM_RAISEAT is no setting; did you mean STREAM_RAISE_AT\?"),
        ({"STREAM_QQQQQQQQ": "1"}, r"STREAM_QQQQQQQQ is no setting$"),
        ({"STREAM_PARTITIONS": "eight"}, "STREAM_PARTITIONS=eight: expected a whole number"),
        ({"STREAM_PARTITIONS": "8.5"}, "expected a whole number"),
        ({"STREAM_SKEW_S": "5 min"}, "expected a number"),
        ({"STREAM_REDIS_CLUSTER": "maybe"}, "expected true or false"),
        ({"STREAM_PARTITIONS": "0"}, "partitions=0: must be at least 1"),
        ({"STREAM_METRICS_PORT": "65536"}, "must be at most 65535"),
        ({"STREAM_HORIZON_DAYS": "-1"}, "must be at least 0"),
        ({"STREAM_HORIZON_DAYS": "inf"}, "must be finite"),
        ({"STREAM_SKEW_S": "nan"}, "must be finite"),
        ({"STREAM_CLOCK": "sundial"}, "clock=sundial: must be one of auto, event, wall"),
        ({"STREAM_KAFKA_BOOTSTRAP": "kafka"}, "kafka_bootstrap=kafka: must be brokers, host:port"),
        ({"STREAM_NAMESPACE": "a{b}"}, r"namespace=a\{b\}"),
        ({"STREAM_TOPIC_PREFIX": "a/b"}, "topic_prefix=a/b"),
        ({"STREAM_RAISE_AT": "0.5", "STREAM_CLEAR_AT": "0.5"}, "0 < clear_at < raise_at < 1"),
        ({"STREAM_RAISE_AT": "1"}, "0 < clear_at < raise_at < 1"),
        ({"STREAM_CLEAR_AT": "nan"}, "0 < clear_at < raise_at < 1"),
        ({"STREAM_HORIZON_DAYS": "28", "STREAM_LANDMARK_DAYS": "1.9"}, "up to 16 labels .* room for 15"),
        ({"STREAM_SESSION_TIMEOUT_S": "8"}, "at least three heartbeats"),
        ({"STREAM_REDIS_URL": "http://h:1"}, "expected redis://host:port/db"),
        ({"STREAM_REDIS_URL": "redis://h:port/0"}, r"redis_url=redis://\*\*\*: this is no address"),
        ({"STREAM_REDIS_URL": "redis://h:1/zero"}, "the number of a database"),
        ({"STREAM_REDIS_URL": "redis://h:1/2", "STREAM_REDIS_CLUSTER": "1"}, "only database 0"),
        ({"STREAM_CURRENCY_RATES": "EUR"}, "'EUR' is not CURRENCY=PRICE"),
        ({"STREAM_CURRENCY_RATES": "eur=1"}, "'eur=1' is not CURRENCY=PRICE"),
        ({"STREAM_CURRENCY_RATES": "EUR=0"}, "must be over 0"),
        ({"STREAM_CURRENCY_RATES": "EUR=nan"}, "must be over 0 and finite"),
        ({"STREAM_CURRENCY_RATES": "EUR=x"}, "not a number"),
        ({"STREAM_CURRENCY_RATES": "EUR=1,EUR=2"}, "EUR is given twice"),
        ({"STREAM_OIDC_ISSUER": "https://id.example"}, "needs oidc_client_id"),
        ({"STREAM_OIDC_ISSUER": "http://id.example", "STREAM_OIDC_CLIENT_ID": "x"}, "expected https://"),
        ({"STREAM_OIDC_ISSUER": "https://id.example/?x=1", "STREAM_OIDC_CLIENT_ID": "x"}, r"without \? and #"),
        ({"STREAM_OIDC_ISSUER": "id.example"}, "oidc_issuer=id.example: must be provider"),
        ({"STREAM_OIDC_ISSUER": "https://id.example", "STREAM_OIDC_SCOPES": "email"}, "expected openid among them"),
        ({"STREAM_OIDC_ROLES": "staff=owner"}, "'staff=owner' is not VALUE=ROLE with one of viewer, operator, admin"),
        ({"STREAM_OIDC_ROLES": "a=admin,a=viewer"}, "a is given twice"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_to_do(env: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.from_env(env)


def test_all_mistakes_are_reported_at_once() -> None:
    env = {"STREAM_RAISEAT": "0.8", "STREAM_PARTITIONS": "x", "STREAM_SKEW_S": "-1"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env)
    assert len(str(caught.value).splitlines()) == 3


def test_an_unknown_override_is_refused() -> None:
    with pytest.raises(SettingsError, match="no setting 'raise_att'; did you mean raise_at"):
        Settings.from_env({}, {"raise_att": "1"})


def test_as_many_pending_landmarks_as_fit_are_accepted() -> None:
    assert Settings(horizon_days=28.0, landmark_days=2.0).landmark_days == 2.0  # 28 / 2 + 1 = 15


def test_a_horizon_that_follows_the_shop_has_room_for_the_longest_one() -> None:
    assert max(HORIZONS) == LONGEST_HORIZON_DAYS
    assert Settings(landmark_days=6.5).horizon_days == 0.0  # 91 / 6.5 + 1 = 15
    with pytest.raises(SettingsError, match="landmark_days"):
        Settings(landmark_days=6.0)


def test_kubernetes_variables_of_services_are_no_settings() -> None:
    address = "10.0.0.1"
    env = {
        "STREAM_SERVICE_HOST": address,
        "STREAM_SERVICE_PORT": "80",
        "STREAM_PORT": f"tcp://{address}:80",
        "STREAM_PORT_80_TCP_ADDR": address,
        "STREAM_REDIS_SERVICE_HOST": address,
        "STREAM_REDIS_PORT_6379_TCP": f"tcp://{address}:6379",
    }
    assert Settings.from_env(env) == Settings()


def test_a_misspelt_port_is_not_taken_for_a_service() -> None:
    with pytest.raises(SettingsError, match="did you mean STREAM_METRICS_PORT"):
        Settings.from_env({"STREAM_METRIC_PORT": "9100"})


SASL = {
    "STREAM_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "STREAM_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "STREAM_KAFKA_SASL_USERNAME": "worker",
    "STREAM_KAFKA_SASL_PASSWORD": "s3cret",
}


def test_sasl_settings_reach_librdkafka() -> None:
    assert Settings.from_env(SASL).librdkafka() == {
        "bootstrap.servers": "127.0.0.1:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "worker",
        "sasl.password": "s3cret",
    }


@pytest.mark.parametrize("missing", [name for name in SASL if name != "STREAM_KAFKA_SECURITY_PROTOCOL"])
def test_half_configured_sasl_is_refused(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"needs {missing.removeprefix('STREAM_').lower()}"):
        Settings.from_env({name: value for name, value in SASL.items() if name != missing})


def test_credentials_that_would_be_ignored_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"kafka_sasl_username has no effect .*=PLAINTEXT"):
        Settings.from_env({"STREAM_KAFKA_SASL_USERNAME": "worker"})
    with pytest.raises(SettingsError, match="kafka_ssl_ca_file has no effect"):
        Settings.from_env({"STREAM_KAFKA_SSL_CA_FILE": __file__})


def test_a_client_certificate_needs_its_key_and_both_must_exist(tmp_path: Path) -> None:
    certificate = tmp_path / "client.pem"
    certificate.touch()
    env = {"STREAM_KAFKA_SECURITY_PROTOCOL": "SSL", "STREAM_KAFKA_SSL_CERT_FILE": str(certificate)}
    with pytest.raises(SettingsError, match="belong together"):
        Settings.from_env(env)
    with pytest.raises(SettingsError, match="there is no such file"):
        Settings.from_env({**env, "STREAM_KAFKA_SSL_KEY_FILE": str(tmp_path / "absent.pem")})


def test_no_password_is_shown() -> None:
    settings = Settings.from_env({**SASL, "STREAM_REDIS_URL": "rediss://app:s3cret@redis.example:6380/0"})
    assert settings.masked()["redis_url"] == "rediss://app:***@redis.example:6380/0"
    assert settings.masked()["kafka_sasl_password"] == "***"
    assert "s3cret" not in repr(settings)
    assert "worker" in repr(settings)


def test_no_password_is_in_an_error() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"STREAM_REDIS_URL": "redis://:s3cret@h:1/zero", "STREAM_KAFKA_SASL_PASSWORD": "pa55"})
    assert "s3cret" not in str(caught.value)
    assert "pa55" not in str(caught.value)


def test_the_prefix_is_before_every_topic_and_the_trainer_has_one_partition() -> None:
    settings = Settings(topic_prefix="eu.", partitions=12)
    assert settings.event_topics == ("eu.events.click", "eu.events.email", "eu.events.purchase")
    assert dict(settings.topics) == {
        "eu.events.click": 12,
        "eu.events.email": 12,
        "eu.events.purchase": 12,
        "eu.events.feedback": 12,
        "eu.events.interaction": 12,
        "eu.events.consent": 12,
        "eu.alerts": 12,
        "eu.segment-changes": 12,
        "eu.stages": 12,
        "eu.customers": 12,
        "eu.dead-letters": 12,
        "eu.identities": 12,
        "eu.arrivals": 12,
        "eu.assignments": 12,
        "eu.feedback-texts": 12,
        "eu.actions": 12,
        "eu.offers": 12,
        "eu.recommendations": 12,
        "eu.points": 12,
        "eu.notifications": 12,
        "eu.notification-dead-letters": 12,
        "eu.training-examples": 1,
        "eu.privacy-requests": 1,
    }


def test_rates_are_prices_by_currency() -> None:
    assert dict(Settings(currency_rates="EUR=1, USD=0.92").rates) == {"EUR": 1.0, "USD": 0.92}
    assert not Settings().rates


@given(
    raise_at=st.floats(0.51, 0.99),
    partitions=st.integers(1, 10_000),
    cluster=st.booleans(),
    horizon_days=st.floats(1.0, 90.0),
    prefix=st.from_regex(r"[a-z0-9._-]{0,20}", fullmatch=True),
)
def test_settings_survive_the_way_through_the_environment(
    raise_at: float, partitions: int, cluster: bool, horizon_days: float, prefix: str
) -> None:
    settings = Settings(
        raise_at=raise_at,
        partitions=partitions,
        redis_cluster=cluster,
        horizon_days=horizon_days,
        topic_prefix=prefix,
    )
    assert Settings.from_env(settings.to_env()) == settings


def test_replacing_a_setting_checks_it_again() -> None:
    with pytest.raises(SettingsError, match="metrics_port"):
        replace(Settings(), metrics_port=70_000)


def test_every_setting_has_a_line_of_help() -> None:
    assert all(declaration.metadata["help"] and declaration.metadata["group"] for declaration in fields(Settings))


def test_roles_of_the_console_go_by_values_of_a_claim() -> None:
    assert Settings().console_roles == {"viewer": "viewer", "operator": "operator", "admin": "admin"}
    assert Settings(oidc_roles="team=a=admin, *=viewer").console_roles == {"team=a": "admin", "*": "viewer"}
