"""What the console shows and does beside the directory: models, feedback, the state of servers, policies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from stream.console.personal_data import PersonalData
from stream.directory.purchase_queries import KnownPurchases
from stream.identity.records import IdentityDecision
from stream.imports.contacts import Contact
from stream.notifications.effect import EffectReport
from stream.projections.judgements import TextTally
from stream.reporting.feedback_groups import FeedbackCounts
from stream.whatif.comparison import WhatIf
from stream.whatif.trial_progress import StageProgress

__all__ = [
    "CheckedPart",
    "Contender",
    "DeadLetters",
    "KnownIds",
    "Lag",
    "LikelySame",
    "LinkedId",
    "ModelChoice",
    "ModelsShown",
    "Operations",
    "OrderRhythm",
]


class Contender(NamedTuple):
    """A model of the risk. ``ranks``: how often it names the right one of two customers (AUC), None: not known.

    ``is_off``: by how much risks differ from what happens, on average. ``labels``: outcomes learned since it began;
    ``alarms`` and ``restarts``: how often what it knew no longer held.
    """

    name: str
    is_in_use: bool
    version: int
    ranks: float | None
    is_off: float | None
    labels: int
    alarms: int
    restarts: int


class ModelChoice(NamedTuple):
    """What somebody decided about models: ``action`` as in `stream.storage.model_desk.ModelDecision`."""

    at_ms: int
    by: str
    action: str
    model: str = ""
    version: int = 0


class OrderRhythm(NamedTuple):
    """How far the model looks ahead (days). ``gap_days`` between orders of regular customers, None: not known.

    ``lost_share``: of them, who would count as lost after ``shortest_days``; None: that is what the model looks ahead.
    """

    horizon_days: float
    gap_days: float | None = None
    shortest_days: float = 0.0
    lost_share: float | None = None


class ModelsShown(NamedTuple):
    """``mode``: ``automatic``, ``promoted`` or ``frozen``. ``since_ms``: when the model in use was made.

    ``rhythm``: None before there is a model; ``can_roll_back``: an earlier model is kept.
    """

    contenders: Sequence[Contender] = ()
    mode: str = "automatic"
    since_ms: int | None = None
    rhythm: OrderRhythm | None = None
    can_roll_back: bool = False
    decisions: Sequence[ModelChoice] = ()


class CheckedPart(NamedTuple):
    """One line of ``stream doctor``: ``level`` is ok, warn or fail."""

    level: str
    subject: str
    found: str
    advice: str


class Lag(NamedTuple):
    """Of a topic: records that workers, or the directory, have not read yet; None: they do not read it."""

    topic: str
    workers: int | None
    directory: int | None


class DeadLetters(NamedTuple):
    """Those of one reason, of the newest: how many records, when the last came, from which topic, and an example.

    ``can_replay``: they are events, whole, so that they can be published again.
    """

    reason: str
    records: int
    last_ms: int
    topic: str
    detail: str
    example: str
    can_replay: bool


class LinkedId(NamedTuple):
    """Another id of the same person, or one that somebody has taken apart. ``told``: who it is; ``why``: in words."""

    customer_id: str
    told: str
    why: str


class LikelySame(NamedTuple):
    """A customer who may be the same person. ``told``: name and address; ``agreeing``: what nearly agrees."""

    customer_id: str
    told: str
    agreeing: str


class KnownIds(NamedTuple):
    """The ids of a person. ``customer``: to whom the id belongs. ``note``: why there is nothing to be shown.

    ``history_days``: of so many days the events of an id follow it to another customer; 0: only later ones count there.
    """

    customer: str
    linked: Sequence[LinkedId] = ()
    apart: Sequence[LinkedId] = ()
    likely: Sequence[LikelySame] = ()
    note: str = ""
    history_days: int = 0


class Operations(Protocol):
    """Every method blocks, but for `compare`, and raises a `StreamError` when a server is away."""

    @property
    def personal(self) -> PersonalData:
        """What is kept of persons, and their erasure."""
        ...

    def models(self) -> ModelsShown:
        """What scores, what would, and who decided so."""
        ...

    def decide(self, what: str, name: str, by: str) -> None:
        """Do what `stream models` does: ``promote`` (with a name), ``automatic``, ``rollback``, ``unfreeze``."""
        ...

    def feedback(self, product: str | None = None, survey: str | None = None) -> FeedbackCounts:
        """What `stream feedback` counts, of the shop or of one of them."""
        ...

    def texts(self) -> TextTally | None:
        """How often customers wrote about what, and in which mood; None: nobody wrote."""
        ...

    def effect(self, purchases_of: Callable[[Sequence[str]], KnownPurchases]) -> EffectReport:
        """What `stream effect` compares, of all notifications; ``purchases_of``: what customers bought."""
        ...

    def checked(self) -> Sequence[CheckedPart]:
        """What `stream doctor` finds."""
        ...

    def lags(self, read: Mapping[tuple[str, int], int]) -> Sequence[Lag]:
        """How far topics are ahead; ``read``: the next offset that the directory reads, by topic and partition."""
        ...

    def dead_letters(self) -> Sequence[DeadLetters]:
        """The newest dead letters, by reason."""
        ...

    def replay(self, reason: str) -> int:
        """Publish the newest dead letters of a reason again, each once; returns how many."""
        ...

    def policy(self) -> Mapping[str, float]:
        """What decides now who is alerted, by the names of settings."""
        ...

    async def compare(self, policy: Mapping[str, float], tell: Callable[[StageProgress], None]) -> WhatIf:
        """The present policy and another one over the events of the topics; takes minutes the first time.

        ``tell`` is told now and then how far it is.
        """
        ...

    def refusing(self, customer_ids: Sequence[str]) -> Collection[str] | None:
        """Those who do not agree to be scored; None while nobody can tell. Raises nothing."""
        ...

    def identities(self, customer_id: str) -> KnownIds:
        """Which other ids are the same person, and who may be; with a note in place of an error."""
        ...

    def contacts(self, customer_ids: Sequence[str]) -> Mapping[str, Contact]:
        """Who customers are, of those who were imported."""
        ...

    def id_of(self, text: str) -> str:
        """The id that people mean by an id, a name, an e-mail address or a telephone number.

        Raises `SettingsError` for what several customers are called, or no identifier.
        """
        ...

    def decide_identity(self, what: IdentityDecision, one: str, other: str, by: str) -> str:
        """Do what `stream identity merge` and ``unmerge`` do with two ids, as they are stored.

        Of a ``merge``, ``other`` stays. Returns the id of the decision.
        """
        ...
