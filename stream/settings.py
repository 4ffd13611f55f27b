"""Everything that can be configured, in one immutable value.

A setting ``raise_at`` comes from the option ``--raise-at`` of a command, else from the variable
``STREAM_RAISE_AT``, else from its default. A variable that is set to nothing counts as not set. Unknown
``STREAM_`` variables are errors: a typing mistake must not silently mean the default.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

from stream.catalogue.declaring import Retention
from stream.catalogue.events import KERNEL_TYPES, EventType
from stream.catalogue.topics import TOPICS
from stream.declarations import bound_problems, did_you_mean, parse, setting, unknown_variables
from stream.errors import SettingsError
from stream.urls import MASK, PERCENT_ENCODE, is_sentinel, masked, presentable, sentinel_address

__all__ = ["ENV_PREFIX", "LONGEST_HORIZON_DAYS", "MAX_PENDING_LANDMARKS", "Settings"]

ENV_PREFIX = "STREAM_"
#: The number of landmarks that a stored profile can hold while their labels mature.
MAX_PENDING_LANDMARKS = 15
#: The longest horizon (days) that the program chooses when it follows the shop.
LONGEST_HORIZON_DAYS = 91.0

_SASL_PROTOCOLS = ("SASL_PLAINTEXT", "SASL_SSL")
_SSL_PROTOCOLS = ("SSL", "SASL_SSL")
_CONSOLE_ROLES = ("viewer", "operator", "admin")
_CURRENCY = re.compile("[A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """The settings of every command. Raises `SettingsError`, which lists all problems."""

    kafka_bootstrap: str = setting(
        "127.0.0.1:9092", "Kafka", "brokers, host:port[,...]", pattern=r"[^\s,:]+:\d+(,[^\s,:]+:\d+)*"
    )
    kafka_security_protocol: str = setting(
        "PLAINTEXT", "Kafka", "security protocol", choices=("PLAINTEXT", *_SSL_PROTOCOLS, "SASL_PLAINTEXT")
    )
    kafka_sasl_mechanism: str = setting(
        "", "Kafka", "SASL mechanism", choices=("", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
    )
    kafka_sasl_username: str = setting("", "Kafka", "SASL user")
    kafka_sasl_password: str = setting("", "Kafka", "SASL password", secret=True)
    kafka_ssl_ca_file: str = setting("", "Kafka", "PEM file of the authority that signed the brokers")
    kafka_ssl_cert_file: str = setting("", "Kafka", "PEM file of the client's certificate")
    kafka_ssl_key_file: str = setting("", "Kafka", "PEM file of the client's key")
    group: str = setting("customer-stream", "Kafka", "consumer group", pattern=r"[\w.-]+")
    instance_id: str = setting("", "Kafka", "static membership: a stable name of this worker", pattern=r"[\w.-]*")
    session_timeout_s: float = setting(10.0, "Kafka", "time after which a silent worker counts as dead (s)", over=0)
    heartbeat_s: float = setting(3.0, "Kafka", "time between heartbeats (s)", over=0)
    fetch_wait_ms: int = setting(
        25, "Kafka", "the longest time for which a broker may hold a fetch (ms)", at_least=1, at_most=10_000
    )

    topic_prefix: str = setting("", "Topics", "prepended to every topic name", pattern=r"[\w.-]{0,200}")
    partitions: int = setting(8, "Topics", "partitions of each event topic", at_least=1, at_most=10_000)
    replication: int = setting(1, "Topics", "replicas of each partition", at_least=1, at_most=100)

    redis_url: str = setting(
        "redis://127.0.0.1:6379/0",
        "Redis",
        "redis[s]://[[user]:password@]host:port[/db], or Sentinel: redis[s]+sentinel://host:port,.../service",
    )
    redis_cluster: bool = setting(False, "Redis", "the URL names a node of a Redis Cluster")
    redis_sentinel_password: str = setting("", "Redis", "password of the sentinels themselves", secret=True)
    redis_ca_file: str = setting("", "Redis", "PEM file of the authority that signed the servers")
    redis_cert_file: str = setting("", "Redis", "PEM file of the client's certificate")
    redis_key_file: str = setting("", "Redis", "PEM file of the client's key")
    namespace: str = setting("stream", "Redis", "prefix of every key", pattern=r"[\w.:-]+")

    data_dir: str = setting("", "Data", "where `stream up` keeps everything; empty: below ~/.local/share")

    clock: str = setting(
        "auto",
        "Time",
        "what moves time between events: event: nothing; wall: the wall clock; auto: the wall clock, except while a "
        "history is imported or nothing newer exists",
        choices=("auto", "event", "wall"),
    )
    clock_quiet_s: float = setting(
        300.0,
        "Time",
        "clock=auto: time without an event before the wall clock moves time, if the newest is under 90 days old (s)",
        at_least=0,
    )
    skew_s: float = setting(300.0, "Time", "how far an event may lie after the time of its record (s)", at_least=0)
    horizon_days: float = setting(
        0.0,
        "Labels",
        "no order for this long is churn (days); 0: follow how often the shop's customers order",
        at_least=0,
    )
    landmark_days: float = setting(7.0, "Labels", "time between training examples of a customer (days)", over=0)
    discount_rate: float = setting(
        0.1, "Labels", "yearly discount of future money in the lifetime value", over=0, at_most=10
    )
    silence_horizons: int = setting(6, "Labels", "a customer silent for this many horizons is retired", at_least=1)

    rfm_recency: float = setting(
        0.2, "Labels", "weight of the recency score (1-5) in the value of a customer", at_least=0
    )
    rfm_frequency: float = setting(0.3, "Labels", "weight of the frequency score (1-5) in that value", at_least=0)
    rfm_money: float = setting(0.5, "Labels", "weight of the money score (1-5) in that value", at_least=0)

    alerts_per_week: float = setting(
        20.0,
        "Alerts",
        "number of alerts a week, for the customers with most at stake; 0: use the risk level raise_at",
        at_least=0,
    )
    overdue_at: float = setting(
        2.6, "Alerts", "silence before an alert, in the customer's usual gaps between orders", at_least=1, at_most=2.9
    )
    raise_at: float = setting(0.7, "Alerts", "with alerts_per_week=0: raise an alert when the risk reaches this")
    clear_at: float = setting(0.5, "Alerts", "with alerts_per_week=0: clear the alert when the risk falls below this")
    cooldown_days: float = setting(7.0, "Alerts", "shortest time between alerts of a customer (days)", at_least=0)
    min_purchases: int = setting(3, "Alerts", "no alert for customers with fewer days with an order", at_least=0)
    min_labels: int = setting(500, "Alerts", "labels that the model must learn before the first alert", at_least=0)
    complaint_again_h: float = setting(
        24.0, "Alerts", "alert again about a complaint nobody has acted on for so long (h); 0: never", at_least=0
    )
    satisfied_from: float = setting(
        0.7, "Alerts", "a customer with a satisfaction from this on counts as satisfied", over=0, at_most=1
    )
    dropped_below: float = setting(
        0.5, "Alerts", "alert when a satisfied customer's satisfaction falls below this", at_least=0, at_most=1
    )
    freeze_model: bool = setting(False, "Alerts", "score with the stored snapshot, publish no new one")

    customer_ids: str = setting(
        "plain",
        "Events",
        "what an id may hold; plain: letters, digits, -_.:+=~ or an e-mail address",
        choices=("plain", "printable", "any"),
    )
    currency_rates: str = setting(
        "", "Events", "value of one unit of each currency in the base currency: EUR=1,USD=0.92"
    )
    identity_key: str = setting(
        "",
        "Events",
        "secret of the hashes of identifiers, of 32 characters or more; it never changes; empty: no identifiers",
        pattern=r"(\S{32,})?",
        secret=True,
    )
    phone_region: str = setting(
        "", "Events", "country of phone numbers without a country code, such as DE", pattern="([A-Z]{2})?"
    )

    join_identities: bool = setting(
        False, "Events", "publish events to the topic arrivals, where the projection arrivals finds their customer"
    )
    identity_hold_h: float = setting(
        0.0,
        "Worker",
        "how long the projection arrivals keeps events back whose id belongs to no customer of the shop yet (h)",
        at_least=0,
        at_most=2000,
    )
    identity_history_days: int = setting(
        0,
        "Worker",
        "how long the projection arrivals keeps events that went on, so that they follow when their id turns out to be"
        " another customer's (days); 0: they stay",
        at_least=0,
        at_most=90,
    )

    misplaced_events: str = setting(
        "forward",
        "Worker",
        "events in the wrong partition: send them to the right one, or reject them",
        choices=("forward", "dead-letter"),
    )
    earliest_year: int = setting(1990, "Events", "events before this year are refused", at_least=1970, at_most=2100)

    batch_max_records: int = setting(
        48_000, "Worker", "most records of a partition in a step", at_least=1, at_most=100_000
    )
    align_wait_ms: int = setting(30_000, "Worker", "longest wait for an input that lags (ms)", at_least=0)
    stalled_after_s: float = setting(
        120.0,
        "Worker",
        "end the process if records wait, servers answer and nothing is processed for so long (s)",
        over=0,
    )
    role: str = setting(
        "all",
        "Worker",
        "events: never train; trainer: only train; projections: only what the setting projections names",
        choices=("all", "events", "trainer", "projections"),
    )
    projections: str = setting(
        "", "Worker", "projections that run beside the core, such as activity", pattern=r"[\w, -]*"
    )
    publish_customers: str = setting(
        "changes",
        "Worker",
        "when the topic customers gets a customer's document: changes: with every alert, new segment and new stage; "
        "landmarks: weekly too",
        choices=("never", "changes", "landmarks"),
    )
    text_keep_days: int = setting(
        90, "Worker", "how long the projection texts keeps what customers wrote (days)", at_least=1, at_most=3650
    )
    recommend_items: int = setting(
        20_000, "Worker", "items of which a partition knows what goes with them", at_least=256, at_most=1_000_000
    )
    recommend_followers: int = setting(
        60, "Worker", "items that are remembered beside each; up to twice as many at times", at_least=5, at_most=1000
    )
    recommend_published: int = setting(
        0,
        "Worker",
        "items of each list that the topic recommendations gets whenever a customer's first ones change; 0: no records",
        at_least=0,
        at_most=50,
    )
    cache_mb: int = setting(
        400,
        "Worker",
        "memory for profiles of customers (MB); each projection has a quarter of it for its states",
        at_least=0,
    )
    model_poll_ms: int = setting(500, "Worker", "time between checks for a new model (ms)", at_least=1)
    snapshot_ms: int = setting(500, "Worker", "shortest time between model snapshots (ms)", at_least=1)
    rescore: str = setting(
        "auto",
        "Worker",
        "when all customers are scored again: auto: with the first model, after an import, and weekly; asked: only by "
        "`stream rescore`",
        choices=("auto", "asked"),
    )
    rescore_rest_s: float = setting(
        5.0, "Worker", "rescore=auto: quiet time without an event or a new model before it starts (s)", at_least=0
    )

    consent_default: str = setting(
        "opt-out",
        "Privacy",
        "what holds of a customer who has said nothing; opt-out: everything is allowed; opt-in: nothing but service",
        choices=("opt-out", "opt-in"),
    )
    keep_events_days: int = setting(
        0, "Privacy", "how long topics keep events and training examples (days); 0: as the brokers say", at_least=0
    )
    keep_results_days: int = setting(
        0,
        "Privacy",
        "how long topics keep alerts and changes of segment and stage (days); 0: as the brokers say",
        at_least=0,
    )
    keep_actions_days: int = setting(
        0, "Privacy", "how long topics keep actions and notifications (days); 0: as the brokers say", at_least=0
    )
    keep_dead_letters_days: int = setting(
        0, "Privacy", "how long topics keep dead letters (days); 0: as the brokers say", at_least=0
    )
    keep_audit_days: int = setting(
        365, "Privacy", "how long the audit trail of the console is kept (days)", at_least=1, at_most=36_500
    )

    erased_people: str = setting(
        "refuse",
        "Privacy",
        "later events of people who were erased: refuse them, or begin a new profile with them (anew)",
        choices=("refuse", "anew"),
    )
    receipt_key_file: str = setting(
        "", "Privacy", "PEM file of the Ed25519 key that signs receipts of erasures; empty: one in data_dir"
    )

    privacy_keys: str = setting(
        "",
        "Privacy",
        "database of the keys of persons, apart from all else: sqlite:///PATH or postgresql://user:password@host/database;"
        " empty: nothing is encrypted",
        pattern=r"((sqlite:///|postgres(ql)?://)\S+)?",
        secret=True,
    )
    privacy_master_key_file: str = setting(
        "", "Privacy", "file of the keys that wrap those of persons, one a line, the newest first"
    )
    privacy_master_key: str = setting(
        "", "Privacy", "these keys themselves, by commas: 64 hexadecimal digits, or base64, each", secret=True
    )
    privacy_vault_url: str = setting(
        "", "Privacy", "or the Vault that has them, as https://vault:8200", pattern=r"(https?://\S+)?"
    )
    privacy_vault_path: str = setting(
        "secret/data/customer-stream", "Privacy", "where Vault has them, in the field master_key", pattern=r"\S+"
    )
    privacy_vault_token: str = setting("", "Privacy", "token for Vault", secret=True)

    directory_url: str = setting(
        "",
        "Directory",
        "database of `stream directory`: postgresql://user:password@host/database, or sqlite:///PATH; empty: a file in "
        "data_dir",
        secret=True,
    )

    oidc_issuer: str = setting(
        "",
        "Login",
        "provider of OpenID Connect whose accounts may log in to the console, https://...; empty: passwords only",
        pattern=r"(https?://\S+)?",
    )
    oidc_client_id: str = setting("", "Login", "what the provider calls the console")
    oidc_client_secret: str = setting("", "Login", "secret of the console at the provider", secret=True)
    oidc_scopes: str = setting("openid email profile", "Login", "what the provider is asked for")
    oidc_roles_claim: str = setting("roles", "Login", "claim with the roles, also in an object: realm_access.roles")
    oidc_roles: str = setting(
        "viewer=viewer,operator=operator,admin=admin",
        "Login",
        "role by value of that claim, VALUE=ROLE,...; *: whoever the provider knows; others are not let in",
    )
    oidc_domains: str = setting(
        "", "Login", "domains of confirmed e-mail addresses that are let in, by commas; empty: any address, or none"
    )

    notify_file: str = setting("", "Notifications", "YAML file of channels, templates and rules")

    ingest_host: str = setting("127.0.0.1", "Ingest", "where the endpoint listens", pattern=r"\S+")
    ingest_port: int = setting(8080, "Ingest", "0: any free port", at_least=0, at_most=65_535)
    ingest_token: str = setting(
        "", "Ingest", "who may send: TOKEN[;types=click|email][;max_amount=500],...", secret=True
    )
    ingest_max_bytes: int = setting(1_048_576, "Ingest", "largest body of a request", at_least=1, at_most=104_857_600)
    ingest_max_events: int = setting(5000, "Ingest", "most events of a request", at_least=1, at_most=100_000)
    ingest_body_bytes: int = setting(
        67_108_864, "Ingest", "memory for the bodies of all requests under way", at_least=1
    )
    ingest_connections: int = setting(1000, "Ingest", "most connections", at_least=1, at_most=100_000)
    ingest_queue_events: int = setting(50_000, "Ingest", "most events that wait for Kafka", at_least=1)
    ingest_read_timeout_s: float = setting(10.0, "Ingest", "the longest time for a request to arrive (s)", over=0)
    ingest_delivery_timeout_s: float = setting(10.0, "Ingest", "the longest time for Kafka to confirm (s)", at_least=1)
    ingest_customer_key: str = setting(
        "customer_id", "Ingest", "key of the e-mail metadata that names the customer", pattern=".+"
    )
    ingest_email_customers: str = setting(
        "hash", "Ingest", "events without that key: hash the address, or refuse", choices=("hash", "refuse")
    )
    ingest_signature_age_h: float = setting(
        26.0, "Ingest", "the longest age of a signature that includes its time (h)", over=0, at_most=8760
    )
    ingest_public_url: str = setting(
        "", "Ingest", "where providers reach the endpoint, as https://events.example.com", pattern=r"(https?://\S+)?"
    )
    ingest_segment_secret: str = setting("", "Ingest", "shared secret of Segment's webhook", secret=True)
    ingest_shopify_secret: str = setting("", "Ingest", "secret of the app, or of the shop's webhooks", secret=True)
    ingest_woocommerce_secret: str = setting("", "Ingest", "secret of WooCommerce's webhook", secret=True)
    ingest_stripe_secret: str = setting("", "Ingest", "signing secret of Stripe's webhook", secret=True)
    ingest_klaviyo_secret: str = setting("", "Ingest", "secret key of Klaviyo's webhook", secret=True)
    ingest_mandrill_key: str = setting("", "Ingest", "key of Mailchimp Transactional's webhook", secret=True)
    ingest_resend_secret: str = setting("", "Ingest", "signing secret of Resend's webhook, whsec_...", secret=True)
    ingest_ses_topics: str = setting("", "Ingest", "ARNs of the SNS topics of SES, by commas")
    ingest_typeform_secret: str = setting("", "Ingest", "secret of Typeform's webhook", secret=True)
    ingest_googleforms_secret: str = setting("", "Ingest", "secret of the script of Google Forms", secret=True)
    ingest_surveymonkey_secret: str = setting("", "Ingest", "CLIENT_ID&SECRET of the SurveyMonkey app", secret=True)
    ingest_zendesk_secret: str = setting("", "Ingest", "signing secret of Zendesk's webhook", secret=True)
    ingest_intercom_secret: str = setting("", "Ingest", "client secret of the Intercom app", secret=True)
    ingest_hubspot_secret: str = setting("", "Ingest", "client secret of the HubSpot app", secret=True)
    ingest_judgeme_secret: str = setting("", "Ingest", "secret of the Judge.me app, or the private token", secret=True)
    ingest_sendgrid_public_key: str = setting("", "Ingest", "verification key of SendGrid's event webhook")
    ingest_mailgun_signing_key: str = setting("", "Ingest", "Mailgun's HTTP webhook signing key", secret=True)
    ingest_postmark_username: str = setting("", "Ingest", "user in the URL of Postmark's webhook")
    ingest_postmark_password: str = setting("", "Ingest", "password in that URL", secret=True)

    recommend_never: str = setting("", "Shop", "items that are never recommended, separated by commas")
    points_file: str = setting("points.yaml", "Shop", "YAML file of how customers earn points")
    offers_file: str = setting("offers.yaml", "Shop", "YAML file of what may be offered to customers")
    shop_currency: str = setting(
        "", "Shop", "currency of amounts in lists, reports and alerts, such as EUR", pattern="([A-Z]{3})?"
    )
    shop_locale: str = setting(
        "en_GB", "Shop", "format of money and dates in lists, reports and alerts", pattern=r"[\w-]+"
    )
    console_language: str = setting(
        "auto", "Shop", "language of the console, until a browser chooses", choices=("auto", "en", "de", "zh")
    )
    shop_timezone: str = setting(
        "UTC", "Shop", "time zone of the shop's days, such as Europe/London", pattern=r"[\w/+-]+"
    )

    metrics_host: str = setting("127.0.0.1", "Metrics", "address on which /metrics listens", pattern=r"\S+")
    metrics_port: int = setting(0, "Metrics", "0: any free port, -1: off", at_least=-1, at_most=65_535)
    stuck_after_s: float = setting(
        30.0, "Metrics", "/health/live fails when the event loop stands still for so long (s)", over=0
    )
    log_level: str = setting("INFO", "Logging", "lowest level logged", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    log_format: str = setting("text", "Logging", "format of log lines", choices=("text", "json"))

    def __post_init__(self) -> None:
        if problems := [*_bounds(self), *_combinations(self)]:
            raise SettingsError("\n".join(problems))

    @classmethod
    def from_env(cls, env: Mapping[str, str], overrides: Mapping[str, object] | None = None) -> Self:
        """Settings from ``STREAM_*`` variables, and ``overrides`` (name -> text or value) over them.

        An override of None is none. Raises `SettingsError` for unknown names, malformed values and
        contradictions, all in one message.
        """
        declared = {declaration.name: declaration for declaration in fields(cls)}
        given: dict[str, Any] = {name: value for name, value in (overrides or {}).items() if value is not None}
        problems = [*unknown_variables(env, ENV_PREFIX, declared)]
        problems += [
            f"there is no setting {name!r}{did_you_mean(name, declared)}" for name in given if name not in declared
        ]
        values: dict[str, Any] = {}
        for name, declaration in declared.items():
            source, text = f"{ENV_PREFIX}{name.upper()}", env.get(f"{ENV_PREFIX}{name.upper()}", "")
            if name in given:
                source, text = f"--{name.replace('_', '-')}", given[name]
            elif not text:
                continue
            try:
                values[name] = parse(text, declaration)
            except ValueError as error:
                problems.append(f"{source}={presentable(str(text))}: {error}")
        try:
            settings = cls(**values)
        except SettingsError as error:
            problems.append(str(error))
        else:
            if not problems:
                return settings
        raise SettingsError("\n".join(problems))

    @property
    def earliest_ms(self) -> int:
        """The beginning of `earliest_year`, UTC, in ms since the epoch."""
        return round(datetime(self.earliest_year, 1, 1, tzinfo=UTC).timestamp()) * 1000

    @property
    def follows_identities(self) -> bool:
        """Whether what was counted under an id follows when it turns out to be another customer's."""
        return self.join_identities and self.identity_history_days > 0

    def to_env(self) -> dict[str, str]:
        """The variables from which `from_env` makes equal settings; secrets are in clear."""
        texts = {declaration.name: str(getattr(self, declaration.name)) for declaration in fields(self)}
        return {f"{ENV_PREFIX}{name.upper()}": text for name, text in texts.items() if text}

    def masked(self) -> dict[str, object]:
        """Name and value of every setting, fit to be shown: no passwords."""
        shown = {declaration.name: getattr(self, declaration.name) for declaration in fields(self)}
        for declaration in fields(self):
            if declaration.metadata["secret"] and shown[declaration.name]:
                shown[declaration.name] = MASK
        shown["redis_url"] = masked(self.redis_url)
        return shown

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.masked().items())})"

    # Topics. All topics of events have the same number of partitions.

    @property
    def events_click(self) -> str:
        return self.topic_of(EventType.CLICK)

    @property
    def events_email(self) -> str:
        return self.topic_of(EventType.EMAIL)

    @property
    def events_purchase(self) -> str:
        return self.topic_of(EventType.PURCHASE)

    @property
    def alerts(self) -> str:
        return f"{self.topic_prefix}alerts"

    @property
    def segment_changes(self) -> str:
        return f"{self.topic_prefix}segment-changes"

    @property
    def stages(self) -> str:
        return f"{self.topic_prefix}stages"

    @property
    def customers(self) -> str:
        return f"{self.topic_prefix}customers"

    @property
    def dead_letters(self) -> str:
        return f"{self.topic_prefix}dead-letters"

    @property
    def training_examples(self) -> str:
        return f"{self.topic_prefix}training-examples"

    @property
    def actions(self) -> str:
        return f"{self.topic_prefix}actions"

    @property
    def identities(self) -> str:
        return f"{self.topic_prefix}identities"

    @property
    def arrivals(self) -> str:
        return f"{self.topic_prefix}arrivals"

    @property
    def assignments(self) -> str:
        return f"{self.topic_prefix}assignments"

    @property
    def privacy_requests(self) -> str:
        return f"{self.topic_prefix}privacy-requests"

    @property
    def feedback_texts(self) -> str:
        return f"{self.topic_prefix}feedback-texts"

    @property
    def offers(self) -> str:
        return f"{self.topic_prefix}offers"

    @property
    def points(self) -> str:
        return f"{self.topic_prefix}points"

    @property
    def recommendations(self) -> str:
        return f"{self.topic_prefix}recommendations"

    @property
    def notifications(self) -> str:
        return f"{self.topic_prefix}notifications"

    @property
    def notification_dead_letters(self) -> str:
        return f"{self.topic_prefix}notification-dead-letters"

    @property
    def notification_topics(self) -> tuple[str, ...]:
        """Topics that only the notifier and its report need; workers run without them."""
        return tuple(f"{self.topic_prefix}{topic.name}" for topic in TOPICS.values() if topic.for_people)

    @property
    def event_topics(self) -> tuple[str, ...]:
        """Topics of the events that the kernel reads, in the order of `KERNEL_TYPES`."""
        return tuple(map(self.topic_of, KERNEL_TYPES))

    @property
    def all_event_topics(self) -> tuple[str, ...]:
        """Topics of all events, those beside the kernel among them."""
        return tuple(map(self.topic_of, EventType))

    @property
    def entry_topics(self) -> tuple[str, ...]:
        """Topics to which events are published from outside."""
        return (self.arrivals,) if self.join_identities else self.all_event_topics

    def topic_of(self, event_type: EventType) -> str:
        """The topic of the events of a type."""
        return f"{self.topic_prefix}events.{event_type}"

    @property
    def topics(self) -> Mapping[str, int]:
        """Every topic with the number of partitions it is created with; one trainer reads its own topic."""
        others = {f"{self.topic_prefix}{topic.name}": topic.partitions or self.partitions for topic in TOPICS.values()}
        return MappingProxyType({**dict.fromkeys(map(self.topic_of, EventType), self.partitions), **others})

    def keep_days(self, kept: Retention) -> int | None:
        """How long such data is kept, in days; None: no setting limits it.

        >>> Settings(keep_events_days=90).keep_days(Retention.EVENTS), Settings().keep_days(Retention.DECISIONS)
        (90, None)
        """
        days = {
            Retention.EVENTS: self.keep_events_days,
            Retention.RESULTS: self.keep_results_days,
            Retention.ACTIONS: self.keep_actions_days,
            Retention.TEXTS: self.text_keep_days,
            Retention.DEAD_LETTERS: self.keep_dead_letters_days,
            Retention.AUDIT: self.keep_audit_days,
        }
        return days.get(kept) or None

    @property
    def rates(self) -> Mapping[str, float]:
        """Currency -> price of one unit in the base currency. Empty: all amounts are in the base currency."""
        return MappingProxyType(dict(_rates(self.currency_rates)))

    @property
    def console_roles(self) -> Mapping[str, str]:
        """Value of `oidc_roles_claim` -> role in the console; ``*``: whoever the provider knows."""
        return MappingProxyType(dict(_roles(self.oidc_roles)))

    def librdkafka(self) -> dict[str, str]:
        """How librdkafka clients connect: addresses, encryption, authentication."""
        options = {
            "bootstrap.servers": self.kafka_bootstrap,
            "security.protocol": self.kafka_security_protocol,
            "sasl.mechanism": self.kafka_sasl_mechanism,
            "sasl.username": self.kafka_sasl_username,
            "sasl.password": self.kafka_sasl_password,
            "ssl.ca.location": self.kafka_ssl_ca_file,
            "ssl.certificate.location": self.kafka_ssl_cert_file,
            "ssl.key.location": self.kafka_ssl_key_file,
        }
        return {name: value for name, value in options.items() if value}

    def redis_tls(self) -> dict[str, str]:
        """Files for a TLS connection to Redis, by redis-py's names; empty without TLS.

        >>> Settings(redis_url="rediss://cache:6379/0").redis_tls()
        {}
        """
        options = {
            "ssl_ca_certs": self.redis_ca_file,
            "ssl_certfile": self.redis_cert_file,
            "ssl_keyfile": self.redis_key_file,
        }
        return {name: value for name, value in options.items() if value}


def _bounds(settings: Settings) -> Iterator[str]:
    for declaration in fields(settings):
        yield from bound_problems(declaration, getattr(settings, declaration.name))
    try:
        dict(_rates(settings.currency_rates))
    except ValueError as error:
        yield f"currency_rates={settings.currency_rates}: {error}"


def _combinations(settings: Settings) -> Iterator[str]:
    """Problems of settings that are valid alone but conflict with each other."""
    yield from _kafka_security(settings)
    yield from _login(settings)
    yield from _redis_address(settings)
    yield from _redis_security(settings)
    if not 0 < settings.clear_at < settings.raise_at < 1:
        yield (
            f"clear_at={settings.clear_at:g}, raise_at={settings.raise_at:g}: must be "
            "0 < clear_at < raise_at < 1; the distance between them keeps an alert from flickering"
        )
    if settings.dropped_below >= settings.satisfied_from:
        yield (
            f"dropped_below={settings.dropped_below:g}, satisfied_from={settings.satisfied_from:g}: must be "
            "dropped_below < satisfied_from; the distance between them keeps an alert from flickering"
        )
    if settings.landmark_days > 0 and math.isfinite(
        landmarks := (settings.horizon_days or LONGEST_HORIZON_DAYS) / settings.landmark_days
    ):
        pending = math.ceil(landmarks) + 1
        following = "" if settings.horizon_days else f" (0 follows the shop, up to {LONGEST_HORIZON_DAYS:g} days)"
        if pending > MAX_PENDING_LANDMARKS:
            yield (
                f"horizon_days={settings.horizon_days:g}, landmark_days={settings.landmark_days:g}: up to "
                f"{pending} labels of a customer would mature at a time, there is room for "
                f"{MAX_PENDING_LANDMARKS}; make landmark_days longer or horizon_days shorter{following}"
            )
    if settings.role == "projections" and not settings.projections.strip(" ,"):
        yield "role=projections needs the setting projections: the names of the projections to run"
    if settings.heartbeat_s * 3 > settings.session_timeout_s:
        yield (
            f"heartbeat_s={settings.heartbeat_s:g}, session_timeout_s={settings.session_timeout_s:g}: "
            "a session must last at least three heartbeats, or one lost packet costs a rebalance"
        )


def _kafka_security(settings: Settings) -> Iterator[str]:
    protocol = settings.kafka_security_protocol
    credentials = {
        "kafka_sasl_mechanism": settings.kafka_sasl_mechanism,
        "kafka_sasl_username": settings.kafka_sasl_username,
        "kafka_sasl_password": settings.kafka_sasl_password,
    }
    missing = [name for name, value in credentials.items() if not value]
    if protocol in _SASL_PROTOCOLS and missing:
        yield f"kafka_security_protocol={protocol} needs {', '.join(missing)} as well"
    if protocol not in _SASL_PROTOCOLS and len(missing) < len(credentials):
        present = ", ".join(name for name in credentials if name not in missing)
        yield f"{present} has no effect with kafka_security_protocol={protocol}: set that to SASL_SSL"
    files = {
        "kafka_ssl_ca_file": settings.kafka_ssl_ca_file,
        "kafka_ssl_cert_file": settings.kafka_ssl_cert_file,
        "kafka_ssl_key_file": settings.kafka_ssl_key_file,
    }
    if protocol not in _SSL_PROTOCOLS and any(files.values()):
        present = ", ".join(name for name, path in files.items() if path)
        yield f"{present} has no effect with kafka_security_protocol={protocol}: set that to SSL or SASL_SSL"
    if bool(files["kafka_ssl_cert_file"]) != bool(files["kafka_ssl_key_file"]):
        yield "kafka_ssl_cert_file and kafka_ssl_key_file belong together: set both or neither"
    for name, path in files.items():
        if path and not Path(path).is_file():
            yield f"{name}={path}: there is no such file"


def _login(settings: Settings) -> Iterator[str]:
    try:
        dict(_roles(settings.oidc_roles))
    except ValueError as error:
        yield f"oidc_roles: {error}"
    if not settings.oidc_issuer:
        return
    parts = urlsplit(settings.oidc_issuer)
    if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        yield f"oidc_issuer={presentable(settings.oidc_issuer)}: expected https://, as whoever listens could log in"
    if parts.query or parts.fragment:
        yield "oidc_issuer: expected an address without ? and #"
    if not settings.oidc_client_id:
        yield "oidc_issuer needs oidc_client_id: what the provider calls the console"
    if "openid" not in settings.oidc_scopes.split():
        yield f"oidc_scopes={settings.oidc_scopes}: expected openid among them"


def _roles(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of ``staff=operator,*=viewer``. Raises ValueError for anything else."""
    seen: set[str] = set()
    for item in filter(None, (part.strip() for part in text.split(","))):
        value, _, role = (part.strip() for part in item.rpartition("="))
        if not value or role not in _CONSOLE_ROLES:
            raise ValueError(f"{item!r} is not VALUE=ROLE with one of {', '.join(_CONSOLE_ROLES)}")
        if value in seen:
            raise ValueError(f"{value} is given twice")
        seen.add(value)
        yield value, role


def _redis_address(settings: Settings) -> Iterator[str]:
    shown = f"redis_url={masked(settings.redis_url)}"
    if "?" in settings.redis_url or "#" in settings.redis_url:
        # redis-py would let options in the address switch off what the other settings switch on
        yield (
            f"{shown}: expected nothing after the database; certificates are settings (redis_ca_file and so on), and"
            f" the password stands before the @: {PERCENT_ENCODE}"
        )
        return
    if is_sentinel(settings.redis_url):
        yield from _sentinel_address(settings, shown)
        return
    if settings.redis_sentinel_password:
        yield "redis_sentinel_password has no effect without Sentinel: let redis_url begin with redis+sentinel://"
    try:
        parts = urlsplit(settings.redis_url)
        # reading them checks them; the error's own text would repeat a part of the address
        _ = parts.port, parts.hostname
    except ValueError:
        yield f"{shown}: this is no address that can be read: {PERCENT_ENCODE}"
        return
    database = parts.path.strip("/")
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        yield f"{shown}: expected redis://host:port/db, or rediss:// for TLS"
    elif database and not database.isdecimal():
        yield f"{shown}: the path is the number of a database, such as /0; in a password {PERCENT_ENCODE}"
    elif settings.redis_cluster and database not in {"", "0"}:
        yield f"{shown}: a Redis Cluster has only database 0"


def _sentinel_address(settings: Settings, shown: str) -> Iterator[str]:
    try:
        sentinel_address(settings.redis_url)
    except ValueError as error:
        yield f"{shown}: {error}; {PERCENT_ENCODE}"
    if settings.redis_cluster:
        yield f"{shown}: a Redis Cluster has no sentinels: leave redis_cluster out, or name a node of the cluster"


def _redis_security(settings: Settings) -> Iterator[str]:
    files = {
        "redis_ca_file": settings.redis_ca_file,
        "redis_cert_file": settings.redis_cert_file,
        "redis_key_file": settings.redis_key_file,
    }
    if any(files.values()) and not settings.redis_url.startswith(("rediss://", "rediss+")):
        present = ", ".join(name for name, path in files.items() if path)
        yield f"{present} has no effect without TLS: let redis_url begin with rediss://"
    if bool(files["redis_cert_file"]) != bool(files["redis_key_file"]):
        yield "redis_cert_file and redis_key_file belong together: set both or neither"
    for name, path in files.items():
        if path and not Path(path).is_file():
            yield f"{name}={path}: there is no such file"


def _rates(text: str) -> Iterator[tuple[str, float]]:
    """Pairs of ``EUR=1,USD=0.92``. Raises ValueError for anything else."""
    seen: set[str] = set()
    for item in filter(None, (part.strip() for part in text.split(","))):
        currency, _, price = (part.strip() for part in item.partition("="))
        if not _CURRENCY.fullmatch(currency) or not price:
            raise ValueError(f"{item!r} is not CURRENCY=PRICE with an ISO 4217 code, such as USD=0.92")
        try:
            rate = float(price)
        except ValueError:
            raise ValueError(f"the price in {item!r} is not a number") from None
        if not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"the price in {item!r} must be over 0 and finite")
        if currency in seen:
            raise ValueError(f"{currency} is given twice")
        seen.add(currency)
        yield currency, rate
