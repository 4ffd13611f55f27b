"""The types of declarations."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final

__all__ = [
    "FIRST_NUMBER_OF_PACKAGES",
    "FOR_RISK",
    "MAX_NUMBERS",
    "Channel",
    "DeclaredType",
    "EventName",
    "Extension",
    "Fact",
    "Feature",
    "Field",
    "Money",
    "Personal",
    "Retention",
    "Scale",
    "Topic",
    "Transform",
    "Values",
    "Window",
    "Wording",
]

#: Numbers of features and of channels in stored profiles are below this.
MAX_NUMBERS = 64
#: Features and channels of installed packages have numbers from this one on, so the program's own never meet them.
FIRST_NUMBER_OF_PACKAGES = 48

Values = Mapping[str, float | None]
#: How an amount is written.
Money = Callable[[float], str]
#: (value of the feature, all values) -> sentence
Fact = Callable[[float, Values, Money], str]


@dataclass(frozen=True, slots=True)
class Window:
    """A sawtooth window of ``hops`` tiles of ``hop_ms``: exact at the head, up to one hop longer at the tail.

    ``bare`` and ``last`` say it in a sentence: "in 7 days", "in the last 7 days". ``longer``: the label of the next
    longer window, whose earlier part is what a value fell from.
    """

    label: str
    hop_ms: int
    hops: int
    hop: str
    bare: str
    last: str
    longer: str = ""

    @property
    def span_ms(self) -> int:
        """The length of the window."""
        return self.hop_ms * self.hops

    @property
    def exactness(self) -> str:
        """How far a sum over the window may be from a continuous one."""
        return f"sawtooth, hop {self.hop}"


@dataclass(frozen=True, slots=True)
class Channel:
    """What the tiles of a customer count.

    ``number`` is its number in stored profiles: it never changes. ``is_fine``: hour and five-minute tiles count it as
    well, not only those of days; fine channels have the lowest numbers. ``kept_by`` names the part of the kernel that
    counts it; empty: it counts every event of a name that says so.
    """

    name: str
    number: int
    is_fine: bool = False
    kept_by: str = ""


class Personal(StrEnum):
    """What a field says about a person: who it is, something about the person, or nothing of a person."""

    IDENTIFIES = "identifies"
    DESCRIBES = "describes"
    NOT_PERSONAL = "not_personal"


class Retention(StrEnum):
    """How long records or rows are kept: a setting says it of the first kinds."""

    EVENTS = "events"
    RESULTS = "results"
    ACTIONS = "actions"
    TEXTS = "texts"
    DEAD_LETTERS = "dead_letters"
    AUDIT = "audit"
    #: The newest of each key: the topic is compacted, the state is replaced.
    NEWEST = "newest"
    #: What customers and people have decided, which has to be shown later.
    DECISIONS = "decisions"
    #: Every row, whatever topics keep.
    ERASED = "erased"
    #: What people recorded in the console, after it was published.
    RECORDED = "recorded"
    #: Of the staff.
    ACCOUNTS = "accounts"
    SESSIONS = "sessions"
    #: What somebody has to remove.
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a declared event type, beside those that all events share. ``type``: str, float or bool.

    ``description``: what it means, for the schema.
    """

    name: str
    type: type
    max_length: int | None = 256
    personal: Personal = Personal.DESCRIBES
    description: str = ""


#: What events, features and scores are kept for.
FOR_RISK: Final = "to see who may leave, and why"


@dataclass(frozen=True, slots=True)
class DeclaredType:
    """A stream of events with a topic of its own, ``events.NAME``.

    ``description`` says in one sentence what its events are. ``example``: the fields of one beside those that all
    events share. ``reference``: the field that ``ref_id`` of a CSV log becomes. ``in_kernel``: the kernel reads the
    topic, aligned by time with the others. Each aligned topic can hold back all others, so a type is read beside the
    kernel unless its events count in a feature. ``fields``: those of a type without a class in `stream.events.model`.
    ``ids_are_plain``: ids are hashed without their type, as profiles stored before ids counted per type know them.
    ``kept``: how long its events are kept. ``why``: what they are kept for, in the register of processing.
    """

    name: str
    description: str
    example: Mapping[str, object]
    reference: str = ""
    in_kernel: bool = False
    fields: tuple[Field, ...] = ()
    ids_are_plain: bool = False
    kept: Retention = Retention.EVENTS
    why: str = FOR_RISK


@dataclass(frozen=True, slots=True)
class Scale:
    """What a score counts on: from ``low``, the worst, to ``high``, the best, both among them."""

    low: float
    high: float
    description: str


@dataclass(frozen=True, slots=True)
class EventName:
    """An event name of a type, and what the kernel does with such an event.

    ``kind``: the name of its code (`EventKind`), in lower case. ``counts``: the channels that it counts in. ``csv``:
    other subtypes under which a CSV log may know it. ``variant``: the flag of the event that makes it of this kind;
    such a kind has no name of its own. ``is_interest``: the customer looks at the shop again. ``is_leaving``: what
    customers do when they leave. ``says_so``: the customer wants no more of the shop. ``is_typed``: an event of
    this name must state its type, for the bare name belongs to another one.
    """

    type: str
    name: str
    kind: str
    counts: tuple[str, ...] = ()
    csv: tuple[str, ...] = ()
    variant: str = ""
    is_interest: bool = False
    is_leaving: bool = False
    says_so: bool = False
    is_typed: bool = False


class Transform(Enum):
    """How a feature value becomes a model input."""

    IDENTITY = "identity"
    LOG1P = "log1p"


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of one feature: its value is below or above a typical customer's, or unknown."""

    low: Fact
    high: Fact
    missing: str


@dataclass(frozen=True, slots=True)
class Feature:
    """A declared feature.

    ``number`` is its number in stored profiles: it never changes, and no other feature may have it later. The place in
    feature vectors follows from the order of numbers and is never stored. ``window`` is the look-back (None: the whole
    history), and ``exactness`` says how far the value may be from a continuous window. ``source``: the
    channel whose tiles the window sums, or `MONEY`; empty where `stream.features.vector` has an expression for it.
    ``missing`` is the value that stands for "not known yet" in the model input. ``absent`` is the value of a feature
    that a document does not show, None (not known yet) where there is none. ``leaving``: the direction in which the
    feature can be a reason for leaving: 1 where it is high, -1 where it is low, 0 if it is none, as the age of an
    account. A part in a score that goes against it is no reason. ``title``: the name for people, where "_" for " "
    would not do.
    """

    name: str
    number: int
    unit: str
    window: Window | None
    exactness: str
    description: str
    wording: Wording = field(repr=False)
    transform: Transform = Transform.LOG1P
    missing: float = 0.0
    absent: float | None = 0.0
    leaving: int = 0
    source: str = ""
    title: str = ""

    def input_of(self, value: float | None) -> float:
        """The model input of a value, before it is quantised; None is "not known yet"."""
        known = self.missing if value is None else value
        return math.log1p(max(known, 0.0)) if self.transform is Transform.LOG1P else known

    def value_of(self, model_input: float) -> float:
        """The value behind a model input; what was not known comes back as ``missing``."""
        return math.expm1(model_input) if self.transform is Transform.LOG1P else model_input


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic beside those of events.

    ``message``: the contract of its records. ``actions``: what the program does, "send" or "receive". ``partitions``:
    None is the setting. ``for_people``: only the notifier and its report need it; workers run without. ``kept``:
    how long its records are kept. ``why``: what they are kept for, in the register of processing.
    """

    name: str
    message: str
    actions: tuple[str, ...]
    description: str
    partitions: int | None = None
    for_people: bool = False
    kept: Retention = Retention.RESULTS
    why: str = ""


@dataclass(frozen=True, slots=True)
class Extension:
    """Declarations of one package, beside those of the program.

    ``counts``: kind of the program -> channels in which such an event counts as well. Channels and features have
    numbers from `FIRST_NUMBER_OF_PACKAGES` on, and two packages of one installation have different ones.
    """

    types: tuple[DeclaredType, ...] = ()
    names: tuple[EventName, ...] = ()
    channels: tuple[Channel, ...] = ()
    counts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()
