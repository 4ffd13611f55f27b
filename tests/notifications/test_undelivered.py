"""Messages that are refused, not answered, or cannot be worded."""

import pytest

from stream.errors import StorageError
from stream.recommending.recommended import RecommendationLists, Recommended
from tests.notifications.alerted import customers
from tests.notifications.desk import NotifierDesk, configuration
from tests.notifications.receivers import Webhook
from tests.notifications.rig import NotifierBench, alert


def test_a_message_that_is_refused_for_good_is_a_dead_letter_at_once(bench: NotifierBench) -> None:
    with Webhook(lambda _, message: 404 if message == "c-2" else 200) as hook:
        with NotifierDesk(bench, configuration(hook.url)) as desk:
            desk.take([alert(number) for number in (1, 2, 3)])
            desk.work()
            assert desk.committable == 3
        assert sorted(hook.messages) == customers(1, 3)
        assert hook.asked == 3
    assert bench.outcomes() == {"c-1": "sent", "c-2": "failed/refused", "c-3": "sent"}
    (letter,) = bench.letters()
    assert letter["dlq.reason"] == "refused"
    assert letter["dlq.detail"] == "HTTP status 404"
    assert (letter["dlq.topic"], letter["dlq.offset"]) == (bench.settings.alerts, "1")
    assert (letter["dlq.channel"], letter["dlq.attempts"]) == ("hook", "1")


@pytest.mark.parametrize("status", [503, 0])
def test_a_server_in_trouble_is_tried_again_after_a_wait(bench: NotifierBench, status: int) -> None:
    # without an answer it is waited for
    with Webhook(lambda number, _: status if number <= 2 else 200, patience_s=20 if status else 3) as hook:
        with NotifierDesk(bench, configuration(hook.url)) as desk:
            desk.take([alert(1)])
            desk.work()
            assert hook.asked == 1
            assert desk.committable == 0
            desk.advance(minutes=0.4)
            assert hook.asked == 1  # no sooner than half of the wait
            desk.advance(minutes=0.6)
            assert hook.asked == 2
            desk.advance(minutes=1)
        assert hook.messages == customers(1)
    assert [(told.outcome, told.attempts) for told in bench.told()] == [("sent", 3)]


def test_after_the_last_attempt_an_alert_is_a_dead_letter(bench: NotifierBench) -> None:
    with Webhook(lambda *_: 503) as hook, NotifierDesk(bench, configuration(hook.url)) as desk:
        desk.take([alert(1)])
        desk.work()
        for _ in range(3):
            desk.advance(minutes=1)
        assert hook.asked == 3
        assert desk.committable == 1
    assert bench.outcomes() == {"c-1": "failed/unreachable"}
    assert [letter["dlq.attempts"] for letter in bench.letters()] == ["3"]


def test_an_undeliverable_message_does_not_block_the_others(bench: NotifierBench) -> None:
    with (
        Webhook(lambda _, message: 500 if message == "c-9" else 200) as hook,
        NotifierDesk(bench, configuration(hook.url)) as desk,
    ):
        desk.take([alert(9), alert(1), alert(2)])
        desk.work()
        desk.advance(minutes=1)
        assert hook.messages == customers(2, 1)


def test_an_address_where_nobody_listens_is_tried_again(bench: NotifierBench) -> None:
    with Webhook() as gone:
        port = gone.port
    with NotifierDesk(bench, configuration(f"json://127.0.0.1:{port}/?cto=1&rto=1")) as desk:
        desk.take([alert(1)])
        desk.work()
        assert desk.committable == 0
        with Webhook(port=port) as hook:
            desk.advance(minutes=1)
            assert hook.messages == customers(1)


def test_a_template_that_fails_on_an_alert_is_a_dead_letter_and_stops_nobody(bench: NotifierBench) -> None:
    text = configuration("URL").replace(
        "{{ alert.customer_id }}", "{{ alert.customer_id }}{{ '' if alert.risk is none else alert.reasons[0].feature }}"
    )
    with Webhook() as hook, NotifierDesk(bench, text.replace("URL", hook.url)) as desk:
        desk.take([alert(1, reasons=()), alert(2)])
        desk.work()
        assert hook.messages == ["c-2tenure"]
        assert desk.committable == 2
    assert bench.outcomes() == {"c-1": "failed/template", "c-2": "sent"}


def test_a_channel_in_trouble_pauses_as_a_whole(bench: NotifierBench) -> None:
    with (
        Webhook(lambda number, _: 503 if number == 1 else 200) as hook,
        NotifierDesk(bench, configuration(hook.url)) as desk,
    ):
        desk.take([alert(1)])
        desk.work()
        desk.take([alert(2)])
        desk.advance(minutes=0.4)
        assert hook.asked == 1
        desk.advance(minutes=0.6)
        assert hook.messages == customers(2, 1)


def test_an_alert_waits_while_what_to_offer_cannot_be_read(bench: NotifierBench) -> None:
    away = [True]

    def offered(customer_id: str) -> RecommendationLists:
        if away[0]:
            raise StorageError("Redis is away")
        return RecommendationLists((Recommended(f"tea for {customer_id}", ""),))

    with Webhook() as hook:
        text = configuration(hook.url).replace("{{ alert.customer_id }}", "{{ recommendations.again[0].item }}")
        assert "recommendations" in text
        with NotifierDesk(bench, text, offered=offered) as desk:
            desk.take([alert(1)])
            with pytest.raises(StorageError, match="away"):
                desk.notifier.step()
            away[0] = False
            desk.work()
            assert desk.committable == 1
        assert hook.messages == ["tea for c-1"]
    assert bench.outcomes() == {"c-1": "sent"}
