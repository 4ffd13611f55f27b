"""The words of a message: Jinja2 in a sandbox, so that a template can read an alert and nothing else."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import jinja2
import jinja2.meta
import msgspec
from jinja2.sandbox import ImmutableSandboxedEnvironment

from stream.alerts.alert_records import OF_FEEDBACK, Alert, AlertKind, Calm, Cause, Change, Heard, Reason, Remedy
from stream.alerts.feedback_alerts import complaint
from stream.alerts.severity import Severity
from stream.catalogue.declaring import Money
from stream.catalogue.wording import plain_money
from stream.errors import SettingsError
from stream.events.times import epoch_ms
from stream.notifications.config import Config, Rule, Template
from stream.notifications.escaping import escape_of
from stream.recommending.recommended import RecommendationLists, Recommended

__all__ = ["COMPLAINT_SAMPLE", "LISTS_SAMPLE", "SAMPLE", "Message", "Templates"]

#: What to offer to a customer; lists without items where nothing is known.
Offered = Callable[[str], RecommendationLists]

_BREAKS = re.compile(r"[\s\x00-\x1f\x7f]+")
_MAX_TITLE_CHARS: Final = 250

#: An alert with everything in it, to try templates and channels on.
SAMPLE: Final = Alert(
    alert_id="0" * 64,
    kind=AlertKind.RAISED,
    severity=Severity.WARNING,
    customer_id="sample-customer",
    sentence="No order for 38 days; usually every 14.",
    days_since_order=38.0,
    usual_gap_days=14.0,
    risk=0.83,
    threshold=None,
    previous_risk=0.41,
    cause=Cause.SILENCE,
    cleared_by=None,
    segment="loyal",
    value_at_risk=123.45,
    reasons=(Reason(feature="tenure", value=3.0, contribution=0.4, sentence="A customer for only 3 days."),),
    logit=1.6,
    baseline=0.5,
    rest=0.7,
    calm=Calm(
        at="2025-12-26T03:04:05.000Z",
        risk=0.41,
        changes=(Change(feature="days_since_purchase", contribution=1.2, sentence="No order for 19 days."),),
    ),
    remedy=Remedy(
        risk_after_order=0.22,
        clears=True,
        sentence="An order today clears the alert, and lowers the risk from 83 % to 22 %.",
    ),
    model_version=1,
    occurred_at="2026-01-02T03:04:05.000Z",
    emitted_at="2026-01-02T03:04:06.000Z",
)

#: One about what a customer said.
COMPLAINT_SAMPLE: Final = msgspec.structs.replace(
    complaint(
        "sample-customer",
        Heard(
            feedback_id="sample-feedback",
            said_at="2026-01-02T03:04:05.000Z",
            ticket_id="sample-ticket",
            order_id="sample-order",
            channel="email",
        ),
        epoch_ms(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ),
    emitted_at="2026-01-02T03:04:06.000Z",
)


#: What to offer to a customer, to try templates on.
LISTS_SAMPLE: Final = RecommendationLists(
    again=(Recommended("tea", "Bought in 3 orders, about every 10 days, the last 10 days ago."),),
    also=(Recommended("honey", "Bought with tea, or after it, by 7 of 12 customers lately."),),
    goes_with=(Recommended("cups", "Bought with tea, or after it, by 5 of 12 customers lately."),),
)
#: The name under which a template finds it.
_OFFERED: Final = "recommendations"


class Message(NamedTuple):
    """What is sent. The title is one line."""

    title: str
    body: str


class Templates:
    """The compiled templates of a configuration.

    Names that a template uses and an alert does not have are errors. Raises `SettingsError` when a template does not
    compile or cannot be filled with an alert, one line for each. ``money``: the filter of that name.
    ``reveal``: puts ids and texts in clear into an alert in JSON. ``offered``: what to offer to a customer; it is read
    for templates only that name it, and what it raises is raised.
    """

    def __init__(
        self,
        config: Config,
        money: Money = plain_money,
        reveal: Callable[[str], str] = str,
        offered: Offered = lambda _: RecommendationLists(),
    ) -> None:
        self._config = config
        self._reveal = reveal
        self._money = money
        self._offered = offered
        self._offering = {name for name, template in config.templates.items() if self._names_offers(template)}
        #: By template and channel: each channel has its own way to write a value that is only a value.
        self._compiled: dict[tuple[str, str], tuple[jinja2.Template, jinja2.Template]] = {}
        problems = [
            problem
            for template, channel, names in sorted(_uses(config), key=lambda use: use[:2])
            for problem in self._tried(config.templates[template], template, channel, names)
        ]
        if problems:
            raise SettingsError("\n".join(dict.fromkeys(problems)))

    def single(self, template: str, channel: str, alert: Alert) -> Message:
        """The message for one alert. Raises `jinja2.TemplateError` or what an expression in it raises."""
        offered = {_OFFERED: self._offered(alert.customer_id)} if template in self._offering else {}
        return self._filled(template, channel, {"alert": self._revealed(alert), **offered})

    def digest(self, template: str, channel: str, alerts: Sequence[Alert], waiting: int) -> Message:
        """The message for many; ``waiting``: alerts for which there was no room."""
        revealed = [*map(self._revealed, alerts)]
        offered = {}
        if template in self._offering:
            # by the ids that the template sees
            ids = {one.customer_id: alert.customer_id for one, alert in zip(revealed, alerts, strict=True)}
            offered = {_OFFERED: {shown: self._offered(customer) for shown, customer in ids.items()}}
        return self._filled(template, channel, {"alerts": revealed, "waiting": waiting, **offered})

    def _revealed(self, alert: Alert) -> Alert:
        told = msgspec.json.encode(alert).decode()
        revealed = self._reveal(told)
        return alert if revealed == told else msgspec.json.decode(revealed, type=Alert)

    def sample(self, channel: str) -> Message:
        """What `channel` would be sent for a sample alert."""
        wanted = self._config.channels[channel]
        if wanted.digest is not None:
            return self.digest(wanted.digest.template, channel, [SAMPLE], 0)
        for rule in self._config.rules:
            if channel in rule.channels:
                return self.single(rule.template, channel, _samples(rule)[0])
        return Message(f"A test of channel {channel}", "No rule sends to this channel yet.")

    def _names_offers(self, template: Template) -> bool:
        """Whether a template names what to offer; one that does not compile names nothing."""
        environment = self._environment(str, is_html=False)
        try:
            parsed = [environment.parse(text) for text in (template.title, template.body)]
            return any(_OFFERED in jinja2.meta.find_undeclared_variables(part) for part in parsed)
        except jinja2.TemplateSyntaxError:
            # said where templates are tried
            return False

    def _tried(self, template: Template, name: str, channel: str, names: dict[str, Any]) -> list[str]:
        target = self._config.channels[channel]
        environment = self._environment(escape_of(target.url, target.format), is_html=target.format == "html")
        # a title is a plain text for some targets, and becomes a part of the body for others
        plain = self._environment(escape_of(target.url, "text"), is_html=False)
        try:
            self._compiled[name, channel] = plain.from_string(template.title), environment.from_string(template.body)
            self._filled(name, channel, names)
        except jinja2.TemplateSyntaxError as error:
            return [f"template {name}: line {error.lineno}: {error.message}"]
        except Exception as error:  # noqa: BLE001 - an expression of a template may raise anything
            tried = ", ".join(sample.kind for sample in names.get("alerts", [names.get("alert")]))
            return [f"template {name}: {type(error).__name__}: {error}; it sees {', '.join(names)} ({tried})"]
        return []

    def _filled(self, name: str, channel: str, names: dict[str, Any]) -> Message:
        title, body = self._compiled[name, channel]
        # a line break in a title would begin another header of an e-mail
        return Message(_BREAKS.sub(" ", title.render(names)).strip()[:_MAX_TITLE_CHARS], body.render(names))

    def _environment(self, escape: Callable[[Any], Any], *, is_html: bool) -> ImmutableSandboxedEnvironment:
        environment = ImmutableSandboxedEnvironment(
            autoescape=is_html, finalize=escape, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters["percent"] = lambda share: "not known" if share is None else f"{share:.0%}"
        environment.filters["money"] = self._money
        return environment


def _samples(rule: Rule) -> list[Alert]:
    """An alert of each form that the rule may match."""
    kinds = {*(rule.match.kind or AlertKind)}
    return [*([SAMPLE] if kinds - OF_FEEDBACK else []), *([COMPLAINT_SAMPLE] if kinds & OF_FEEDBACK else [])]


def _uses(config: Config) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Template and channel of what may be sent, with names to try it on."""
    for name, channel in config.channels.items():
        if channel.digest is not None:
            yield channel.digest.template, name, _of_digest(SAMPLE)
    for rule in config.rules:
        for name in rule.channels:
            digest = config.channels[name].digest
            for sample in _samples(rule):
                if digest is None:
                    yield rule.template, name, {"alert": sample, _OFFERED: LISTS_SAMPLE}
                else:
                    yield digest.template, name, _of_digest(sample)


def _of_digest(sample: Alert) -> dict[str, Any]:
    return {"alerts": [sample], "waiting": 0, _OFFERED: {sample.customer_id: LISTS_SAMPLE}}
