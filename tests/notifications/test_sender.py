"""The judgement of failed deliveries, and the secrets of an address."""

import logging

import pytest

from stream.errors import SettingsError
from stream.notifications.config import DeliveryChannel
from stream.notifications.sender import AppriseSender, failure_of
from stream.notifications.templates import Message
from tests.notifications.receivers import Webhook


@pytest.mark.parametrize(
    ("line", "is_permanent"),
    [
        *((f"Failed to send JSON POST notification: error={status}.", True) for status in (400, 401, 404, 410, 422)),
        *((f"Failed to send JSON POST notification: error={status}.", False) for status in (408, 409, 425, 429)),
        *((f"Failed to send JSON POST notification: error={status}.", False) for status in (500, 502, 503)),
        ("Socket Exception: {'a@example.org': (550, b'no such user')}", True),
        ("Socket Exception: (552, b'too large')", True),
        ("Socket Exception: (451, b'later')", False),
        ("Socket Exception: (535, b'authentication failed')", False),
        ("A Connection error occurred sending JSON notification to 127.0.0.1.", False),
    ],
)
def test_only_final_refusals_are_permanent(line: str, is_permanent: bool) -> None:
    assert failure_of(["Loaded", line]).is_permanent is is_permanent


def test_no_secret_of_an_address_is_logged_or_told(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = logging.StreamHandler()
    shown.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(shown)
    try:
        with Webhook(lambda *_: 500) as hook:
            url = f"json://user:s3cret@127.0.0.1:{hook.port}/t0ken?+X-Key=k3y"
            failure = AppriseSender("hook", DeliveryChannel(url=url)).send(Message("title", "body"))
    finally:
        logging.getLogger().removeHandler(shown)
    assert failure is not None
    told = f"{failure} {capfd.readouterr().err}"
    assert not [secret for secret in ("s3cret", "t0ken", "k3y") if secret in told]


def test_an_address_that_apprise_does_not_know_is_refused_without_showing_it() -> None:
    with pytest.raises(SettingsError, match="carrierpigeon://") as caught:
        AppriseSender("hook", DeliveryChannel(url="carrierpigeon://s3cret@roof"))
    assert "s3cret" not in str(caught.value)


def test_headers_of_a_url_reach_the_web_server() -> None:
    with Webhook() as hook:
        sender = AppriseSender("hook", DeliveryChannel(url=f"{hook.url}&+X-Token=t0ken"))
        assert sender.send(Message("a title", "a body")) is None
        assert hook.accepted == [("a title", "a body")]
        assert hook.headers[0]["X-Token"] == "t0ken"
