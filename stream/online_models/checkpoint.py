"""The container of a checkpoint: the state of each component, sealed and versioned on its own.

* A component that the program does not know is carried along untouched, so that a program that knows it finds it
  again. ``examples`` tells how many it has missed meanwhile.
* One that the checkpoint does not have begins with nothing learned.
* A checkpoint of the first layout, one struct of all models, is read as one of its components. It is written, too,
  while a program of the release before may have to go on from it (``docs/upgrading.md``).
"""

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw, Struct, field
from msgspec.structs import replace

from stream.errors import SnapshotError
from stream.features.registry import FEATURE_NAMES
from stream.online_models.champion import ChampionshipState
from stream.online_models.component import Component
from stream.online_models.drift import FeatureDriftState
from stream.online_models.evaluation import Evaluation
from stream.online_models.first_layout import FIRST_SIMPLE_TERMS, FIRST_TERMS
from stream.online_models.inputs import FIRST_FEATURES
from stream.online_models.level import Levels
from stream.online_models.rhythm import RhythmState
from stream.online_models.sealed import open_sealed, schema_of, seal
from stream.online_models.second_order import SecondOrderRegression
from stream.online_models.segments import SegmentState
from stream.online_models.stakes import StakeLevel
from stream.online_models.value import ValueState

__all__ = [
    "Container",
    "SealedState",
    "in_first_layout",
    "open_container",
    "seal_container",
    "sealed_state",
]

SCHEMA: Final = "stream.learner-checkpoint/4"
FIRST_SCHEMA: Final = "stream.learner-checkpoint/3"


class SealedState(Struct, frozen=True, kw_only=True):
    """``content``: the state as JSON; ``checksum``: its hex SHA-256; ``examples``: the learner had learned by then."""

    version: int
    examples: int
    checksum: str
    content: Raw

    def opened(self, kind: type[Component]) -> Struct:
        """The state. Raises `SnapshotError` if it is damaged or of a version that ``kind`` cannot read."""
        body = bytes(self.content)
        if hashlib.sha256(body).hexdigest() != self.checksum:
            raise SnapshotError(f"component {kind.name} of the checkpoint is damaged: its checksum is another")
        return kind.decode(self.version, body)


class Container(Struct, frozen=True, kw_only=True):
    """``examples``: learned in all. ``components``: by name."""

    stream_time_ms: int
    examples: int
    components: dict[str, SealedState]


def sealed_state(component: Component, examples: int) -> SealedState:
    """The state of a component, after so many examples of the learner."""
    return _sealed(component.version, component.state(), examples)


def _sealed(version: int, state: Struct, examples: int) -> SealedState:
    body = msgspec.json.encode(state)
    return SealedState(version=version, examples=examples, checksum=hashlib.sha256(body).hexdigest(), content=Raw(body))


def seal_container(container: Container) -> bytes:
    """The checkpoint as sealed JSON."""
    return seal(SCHEMA, container)


def open_container(value: bytes) -> Container:
    """The checkpoint in ``value``, of the first layout as well. Raises `SnapshotError` if it is damaged."""
    if schema_of(value) == FIRST_SCHEMA:
        return _of_first_layout(open_sealed(value, FIRST_SCHEMA, _FirstCheckpoint))
    return open_sealed(value, SCHEMA, Container)


class _FirstCheckpoint(Struct, frozen=True, kw_only=True):
    """``examples``: learned in all; programs that know no other layout neither count nor miss them."""

    features: tuple[str, ...]
    stream_time_ms: int
    examples: int = 0
    championship: ChampionshipState
    levels: Levels
    features_drift: FeatureDriftState
    segments: SegmentState
    value: ValueState
    evaluation: Evaluation
    rhythm: RhythmState | None = None
    converted_at: int = 0
    stakes: StakeLevel = field(default_factory=StakeLevel)


class _FirstChurn(Struct, frozen=True, kw_only=True):
    championship: ChampionshipState
    converted_at: int


#: The components of the first layout by the fields of its checkpoint; ``churn`` had two.
_FIRST_FIELDS: Final = {
    "evaluation": "evaluation",
    "features_drift": "drift",
    "rhythm": "rhythm",
    "value": "value",
    "levels": "levels",
    "stakes": "stakes",
    "segments": "segments",
}


def in_first_layout(components: Mapping[str, Component], stream_time_ms: int, examples: int) -> bytes | None:
    """The checkpoint in the first layout, for a program that reads no other; None if it would not hold everything.

    Components that may begin anew are left out, and so are terms of the churn model that came later. That layout names
    no inputs: it is for the features and components of its time, each in its first version.
    """
    names = {*_FIRST_FIELDS.values(), "churn"}
    needed = {name: component for name, component in components.items() if not component.may_begin_anew}
    first = all(component.version == 1 for component in needed.values())
    if FEATURE_NAMES != FIRST_FEATURES or needed.keys() != names or not first:
        return None
    states = {field_name: components[name].state() for field_name, name in _FIRST_FIELDS.items()}
    churn = msgspec.convert(components["churn"].state(), _FirstChurn, from_attributes=True)
    first_checkpoint = _FirstCheckpoint(
        features=FIRST_FEATURES,
        stream_time_ms=stream_time_ms,
        examples=examples,
        championship=_of_first_terms(churn.championship),
        converted_at=churn.converted_at,
        **states,  # type: ignore[arg-type]
    )
    return seal(FIRST_SCHEMA, first_checkpoint)


def _of_first_terms(championship: ChampionshipState) -> ChampionshipState:
    """The same without terms of the churn models that came later."""
    contenders = []
    for contender in championship.contenders:
        regression = SecondOrderRegression.from_state(contender.churn.regression, FIRST_TERMS).state(FIRST_TERMS)
        simple = SecondOrderRegression.from_state(contender.churn.simple, FIRST_SIMPLE_TERMS).state(FIRST_SIMPLE_TERMS)
        contenders.append(replace(contender, churn=replace(contender.churn, regression=regression, simple=simple)))
    return replace(championship, contenders=tuple(contenders))


def _of_first_layout(first: _FirstCheckpoint) -> Container:
    if first.features != FIRST_FEATURES:
        raise SnapshotError("the checkpoint says that it is of the first layout, but not of its features")
    states: dict[str, Struct | None] = {name: getattr(first, field_name) for field_name, name in _FIRST_FIELDS.items()}
    states["churn"] = _FirstChurn(championship=first.championship, converted_at=first.converted_at)
    return Container(
        stream_time_ms=first.stream_time_ms,
        examples=first.examples,
        components={name: _sealed(1, state, first.examples) for name, state in states.items() if state is not None},
    )
