"""Whether real Kafka can run on a machine."""

import pytest
from _pytest.outcomes import Failed, Skipped

from tests.kafka import required
from tests.kafka.jars import OLDEST_JAVA, java_version


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
        ("command not understood", 0),
    ],
)
def test_the_version_of_java_is_read_from_what_it_says(said: str, version: int) -> None:
    assert java_version(said) == version
    assert (version >= OLDEST_JAVA) == (version in {17, 21})


def test_a_test_that_needs_real_kafka_is_skipped_without_it_but_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(required, "missing_program", lambda: "there is no java")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(Skipped, match="there is no java"):
        required.required_kafka()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(Failed, match="there is no java"):
        required.required_kafka()
