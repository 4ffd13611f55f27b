"""The notification file: its content, and the messages about mistakes in it."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from stream.alerts.alert_records import AlertKind, Cause
from stream.cli import main
from stream.errors import SettingsError
from stream.notifications.config_file import load, parse
from stream.notifications.notification_records import Suppression
from stream.notifications.routing import Route, route
from stream.notifications.templates import SAMPLE, Templates
from stream.recommending.recommended import RecommendationLists, Recommended
from stream.reporting.writing import Writing
from tests.notifications.rig import alert

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "notifications.yaml"
SECRETS = {"NOTIFY_SMTP_USER": "mailer", "NOTIFY_SMTP_PASSWORD": "p@ss/ö", "NOTIFY_CRM_TOKEN": "t0ken"}

MINIMAL = """
channels:
  hook: {url: "json://h"}
templates:
  alert: {title: t, body: b}
rules:
  - {name: all, channels: [hook]}
"""


def problems(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        Templates(parse(text, {}, source="n.yaml"))
    return str(caught.value)


def test_the_example_is_right_and_its_secrets_come_from_the_environment() -> None:
    config = load(EXAMPLE, SECRETS)
    assert config.channels["account-managers"].url.startswith("mailtos://mailer:p%40ss%2F%C3%B6@mail.example.com")
    title, body = Templates(config).single("alert", "account-managers", SAMPLE)
    assert title == "sample-customer: No order for 38 days; usually every 14. 123.45 at risk"
    in_euros = Templates(config, Writing("en_GB", "EUR", ZoneInfo("UTC")).money)
    assert in_euros.single("alert", "account-managers", SAMPLE).title.endswith(" €123.45 at risk")
    assert ": No order for 38 days; usually every 14.\n" in body
    assert "- A customer for only 3 days.\n" in body


def test_the_example_has_words_and_a_rule_for_every_kind_of_alert() -> None:
    config = load(EXAMPLE, SECRETS)
    templates = Templates(config)
    for kind in AlertKind:
        routes = route(config, alert(1, kind=kind, value_at_risk=500.0, sentence="Looked at the shop again.")).routes
        assert routes, kind
        for to in routes:
            message = templates.single(to.template, to.channel, alert(1, kind=kind, sentence="Looked again."))
            if to.template != "crm":
                assert "Looked again." in message.body
    assert [to.template for to in route(config, alert(1, kind=AlertKind.WINBACK)).routes] == ["winback", "winback"]
    digest = templates.digest("digest", "retention-digest", [alert(1, sentence="No order for 86 days.")], 0)
    assert "No order for 86 days." in digest.body


def test_a_url_that_is_one_variable_is_taken_as_it_is() -> None:
    text = MINIMAL.replace('"json://h"', '"${HOOK}"')
    assert parse(text, {"HOOK": "json://u:p@h/x"}, source="").channels["hook"].url == "json://u:p@h/x"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"json://h"', '"json://${TOKEN}@h"', "n.yaml: channel hook: url: the environment variable TOKEN is not set"),
        ('"json://h"', '"json://h", budget: {perday: 3}', "channel hook: budget: object contains unknown field"),
        ('"json://h"', '"json://h", budget: {perday: 3}', "did you mean per_day?"),
        ('"json://h"', '"json://h", rate: {messages: many}', "rate.messages: expected `int`, got `str`, got 'many'"),
        ('"json://h"', '"json://h", quiet_hours: [{from: 20:00}]', 'put the time in quotes, such as "20:00"'),
        ('"json://h"', '"json://h", quiet_hours: [{from: "8:00"}]', "quiet_hours[0].from: expected `str` matching"),
        ('"json://h"', '"json://h", quiet_hours: [{from: "08:00", to: "08:00"}]', "from 08:00 to 08:00 is no time"),
        ('"json://h"', '"json://h", time_zone: Mars/Crater', "time_zone: expected a name such as Europe/Berlin"),
        ('"json://h"', '"json://h", digest: {template: alert}', "digest: expected every_minutes or at, one of them"),
        ('"json://h"', '"json://h", digest: {template: nope, every_minutes: 5}', "there is no template 'nope'"),
        ("name: all", "name: all, match: {risk_at_least: 3}", "n.yaml: rule 1 (all): match.risk_at_least: expected"),
        ("name: all", "name: all, match: {kind: [raised]}", "rule 1 (all): match.kind[0]: invalid enum value 'raised'"),
        ("[hook]", "[hok]", "rule 1 (all): there is no channel 'hok'; did you mean hook?"),
        ("[hook]", "[hook], template: alrt", "there is no template 'alrt'; did you mean alert?"),
        ("body: b", 'body: "{{ alert.custmer_id }}"', "template alert: UndefinedError"),
        ("body: b", 'body: "{% if %}"', "template alert: line 1:"),
        ("body: b", "body: \"{{ ''.__class__.__mro__ }}\"", "template alert: SecurityError"),
        ("rules:", "holdout: {share: 0.1}\nrules:", "did you mean hold_out?"),
        ("rules:", "hold_out: {share: 0.1}\nrules:", "a share needs a salt"),
        ("rules:", "hold_out: {share: 1.0, salt: s}\nrules:", "hold_out.share: expected `float` < 1.0, got 1.0"),
        ("rules:", "actions: {called: 3}\nrules:", "invalid enum value 'called'"),
        ("  - {name: all, channels: [hook]}", "", "rules: expected a list of at least one, got nothing"),
        ("rules:", "templates: {}\nrules:", "'templates' is given twice"),
        ("channels:\n", "channels: [\n", "n.yaml: not YAML"),
    ],
)
def test_a_mistake_is_reported_with_its_place(old: str, new: str, message: str) -> None:
    assert message in problems(MINIMAL.replace(old, new, 1))


def test_all_mistakes_are_reported_at_once() -> None:
    text = MINIMAL.replace('"json://h"', "3").replace("name: all", "nam: all").replace("title: t", "title: 1")
    assert len(problems(text).splitlines()) == 3


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match=r"no/such\.yaml cannot be read"):
        load("no/such.yaml", {})


RULES = """
  - {name: cleared, match: {kind: [churn_risk.cleared]}, channels: []}
  - {name: rich, match: {value_at_least: 100, risk_at_least: 0.8}, channels: [hook, other], template: alert}
  - {name: silent loyal, match: {cause: [silence], segment: [loyal]}, channels: [hook], template: second}
"""


@pytest.mark.parametrize(
    ("apply", "fields", "routes"),
    [
        ("first", {"value_at_risk": 100.0}, [("hook", "rich", "alert"), ("other", "rich", "alert")]),
        ("first", {"value_at_risk": 99.0}, [("hook", "silent loyal", "second")]),
        ("first", {"value_at_risk": 99.0, "cause": Cause.EVENT}, []),
        ("first", {"value_at_risk": 99.0, "segment": None}, []),
        ("first", {"value_at_risk": 200.0, "risk": 0.79}, [("hook", "silent loyal", "second")]),
        ("all", {"value_at_risk": 100.0}, [("hook", "rich", "alert"), ("other", "rich", "alert")]),
        ("all", {"value_at_risk": 1.0}, [("hook", "silent loyal", "second")]),
    ],
)
def test_rules_decide_by_what_the_alert_is(
    apply: str, fields: dict[str, object], routes: list[tuple[str, str, str]]
) -> None:
    text = f"apply: {apply}\n{MINIMAL}".replace("  - {name: all, channels: [hook]}", RULES)
    text = text.replace('hook: {url: "json://h"}', 'hook: {url: "json://h"}\n  other: {url: "json://h"}')
    text = text.replace("alert: {title: t, body: b}", "alert: {title: t, body: b}\n  second: {title: t, body: b}")
    config = parse(text, {}, source="")
    assert [*route(config, alert(1, **fields)).routes] == [Route(*expected) for expected in routes]


def test_the_reason_for_telling_nobody_is_given() -> None:
    config = parse(
        MINIMAL.replace("  - {name: all, channels: [hook]}", RULES.replace(", other", "").replace("second", "alert")),
        {},
        source="",
    )
    cleared = route(config, alert(1, kind=AlertKind.CLEARED))
    assert (cleared.reason, cleared.rule) == (Suppression.RULE, "cleared")
    unmatched = route(config, alert(1, segment="new"))
    assert (unmatched.reason, unmatched.rule) == (Suppression.NO_RULE, None)


def test_html_is_escaped_and_text_is_not() -> None:
    text = MINIMAL.replace("body: b", 'body: "{{ alert.customer_id }}"')
    for text_format, expected in (("html", "&lt;b&gt;"), ("text", "<b>")):
        config = parse(text.replace('"json://h"', f'"json://h", format: {text_format}'), {}, source="")
        message = Templates(config).single("alert", "hook", alert(1, customer_id="<b>"))
        assert message.body == expected


def check(file: Path, **variables: str) -> Result:
    return CliRunner().invoke(main, ["notify", "--check", "--notify-file", str(file)], env=variables)


def test_the_file_can_be_checked_without_servers(tmp_path: Path) -> None:
    good = check(EXAMPLE, **SECRETS)
    assert good.exit_code == 0, good.output
    assert "3 channels, 6 rules" in good.output
    bad = check(EXAMPLE)
    assert bad.exit_code == 2
    assert "the environment variable NOTIFY_CRM_TOKEN is not set" in bad.output
    unknown = tmp_path / "unknown.yaml"
    unknown.write_text(MINIMAL.replace("json://h", "carrierpigeon://s3cret@h"))
    refused = check(unknown)
    assert refused.exit_code == 2
    assert "channel hook: url: Apprise does not accept this URL, carrierpigeon://***" in refused.output
    assert "s3cret" not in refused.output


OFFERING = """
channels: {hook: {url: "json://localhost/", format: text}}
templates:
  alert:
    title: "{{ alert.customer_id }}"
    body: "{% for one in recommendations.again %}{{ one.item }}: {{ one.reason }};{% endfor %}"
  plain: {title: "{{ alert.customer_id }}", body: "{{ alert.sentence }}"}
rules: [{name: all, channels: [hook]}]
"""


def test_a_template_that_names_recommendations_is_given_those_of_the_customer() -> None:
    asked: list[str] = []

    def offered(customer_id: str) -> RecommendationLists:
        asked.append(customer_id)
        return RecommendationLists(again=(Recommended("tea", "Bought in 3 orders."),))

    config = parse(OFFERING, {}, source="n.yaml")
    templates = Templates(config, offered=offered)
    assert templates.single("alert", "hook", alert(1, customer_id="ann")).body == "tea: Bought in 3 orders.;"
    assert asked == ["ann"]
    # nobody knows what to offer
    assert Templates(config).single("alert", "hook", alert(1)).body == ""
    wrong = OFFERING.replace("recommendations.again", "recommendations.agian")
    assert "agian" in problems(wrong)


def test_a_template_that_names_none_asks_for_none_and_a_digest_has_them_by_customer() -> None:
    asked: list[str] = []

    def offered(customer_id: str) -> RecommendationLists:
        asked.append(customer_id)
        return RecommendationLists(also=(Recommended(f"honey for {customer_id}", "why"),))

    plain = OFFERING.replace("name: all,", "name: all, template: plain,")
    Templates(parse(plain, {}, source="n.yaml"), offered=offered).single("plain", "hook", alert(1))
    assert asked == []
    digest = OFFERING.replace("format: text", "format: text, digest: {every_minutes: 5, template: alert}").replace(
        "{% for one in recommendations.again %}{{ one.item }}: {{ one.reason }};{% endfor %}",
        "{% for alert in alerts %}{{ recommendations[alert.customer_id].also[0].item }};{% endfor %}",
    )
    digest = digest.replace('title: "{{ alert.customer_id }}"\n', 'title: "{{ waiting }}"\n')
    templates = Templates(parse(digest, {}, source="n.yaml"), offered=offered)
    alerts = [alert(1, customer_id="ann"), alert(2, customer_id="bob")]
    assert templates.digest("alert", "hook", alerts, 0).body == "honey for ann;honey for bob;"
    assert asked == ["ann", "bob"]
