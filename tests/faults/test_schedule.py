"""What a campaign consists of, on which brokers."""

from functools import partial

from tests.faults.campaign import output_of
from tests.faults.schedule import Choice, scheduled
from tests.faults.trials import FAULTS

BOTH, KAFKA_ONLY = FAULTS["redis-kill"], FAULTS["one-of-three-brokers"]


def _missing(reason: str | None) -> str | None:
    return reason


def _kinds(choice: Choice, reason: str | None = None) -> list[tuple[str, str, int]]:
    tasks = scheduled([BOTH, KAFKA_ONLY], choice, missing=lambda: reason).tasks
    return [(task.fault, task.kind, task.seed) for task in tasks]


def test_a_fault_is_tried_once_on_the_embedded_broker_beside_all_runs_on_real_kafka() -> None:
    assert _kinds(Choice(seed=5)) == [
        ("redis-kill", "kafka", 5),
        ("redis-kill", "kafka", 6),
        ("redis-kill", "embedded", 5),
        ("one-of-three-brokers", "kafka", 5),
        ("one-of-three-brokers", "kafka", 6),
    ]


def test_a_quick_campaign_has_one_run_of_each_fault() -> None:
    assert _kinds(Choice(quick=True)) == [("redis-kill", "kafka", 1), ("one-of-three-brokers", "kafka", 1)]


def test_without_real_kafka_all_runs_are_on_the_embedded_broker_and_the_rest_is_skipped_by_name() -> None:
    choice = Choice()
    assert _kinds(choice, "there is no java") == [("redis-kill", "embedded", 1), ("redis-kill", "embedded", 2)]
    skipped = scheduled([BOTH, KAFKA_ONLY], choice, missing=lambda: "there is no java").skipped
    assert [(one.fault, one.broker) for one in skipped] == [
        ("redis-kill", "kafka x1"),
        ("one-of-three-brokers", "kafka x3"),
    ]
    assert "there is no java" in skipped[1].reason
    assert KAFKA_ONLY.needs_kafka in skipped[1].reason


def test_a_broker_that_cannot_have_a_fault_skips_it() -> None:
    schedule = scheduled([BOTH, KAFKA_ONLY], Choice(broker="embedded"), missing=lambda: None)
    assert [(task.fault, task.kind) for task in schedule.tasks] == [("redis-kill", "embedded")] * BOTH.runs
    assert [(one.fault, one.broker) for one in schedule.skipped] == [("one-of-three-brokers", "embedded")]


def test_a_fault_of_the_whole_machine_is_tried_on_the_broker_that_keeps_its_log_only() -> None:
    machine = FAULTS["machine-kill"]
    with_kafka, without = (partial(_missing, reason) for reason in (None, "there is no java"))
    for missing in (with_kafka, without):
        tasks = scheduled([machine], Choice(), missing).tasks
        assert [task.kind for task in tasks] == ["durable"] * machine.runs
    assert scheduled([machine], Choice(broker="kafka"), missing=lambda: None).skipped[0].reason == machine.needs_durable
    assert scheduled([BOTH], Choice(broker="durable"), missing=lambda: None).tasks[0].kind == "durable"


def test_results_of_a_choice_do_not_replace_those_of_all() -> None:
    names = {output_of(broker, some=some).name for broker in (None, "kafka", "embedded") for some in (False, True)}
    assert len(names) == 6
    assert output_of(None, some=False).name == "faults.json"
