"""What a component of the learner is: one model or one evaluation that learns from the same examples as the others.

Adding one is a module in `stream.online_models.components` with a class made from `Component`, and its line in
`COMPONENTS` there. It is stored, versioned, checked and published with the others then.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from stream.errors import SnapshotError
from stream.online_models.alarms import FeatureAlarm, LossAlarm
from stream.online_models.example import Example
from stream.online_models.horizon import Rhythm
from stream.online_models.learner_settings import LearnerSettings

__all__ = ["Component", "Context", "HorizonChange"]


class HorizonChange(NamedTuple):
    """The horizon is ``power`` times as long from now on: log-odds ``l`` of churn become ``scale * l + shift``."""

    power: float
    scale: float
    shift: float


class Component(ABC):
    """A fold over the examples, in bounded memory. Equal examples give equal states, bit for bit.

    ``name`` and ``version`` are stored with the state, whose type is ``state_type``: a `Struct` that names the features
    that it is about. A new version is needed only where a state of the last one does not decode any more.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    state_type: ClassVar[type[Struct]]
    #: Whether a checkpoint for the release before, which does not know the component, may leave it out: then it begins
    #: with nothing learned whenever such a checkpoint is loaded.
    may_begin_anew: ClassVar[bool] = False

    def __init__(self, shop: "Context") -> None:
        """Begin with nothing learned. The components before this one are there, the later ones are not yet."""
        self.shop = shop

    @abstractmethod
    def learn(self, example: Example) -> None:
        """Learn an example that `problem_of` has checked; inputs may be `MISSING`.

        Components learn in the order of `COMPONENTS`: those before this one have learned the example.
        """

    def learn_run(self, examples: Sequence[Example]) -> None:
        """Learn examples, one after the other: the same state, bit for bit, as by `learn`, in less time.

        The components before this one have learned them all. None of them is an `Overdue`, nor an observation that
        begins a week, after which the horizon may be another one.
        """
        for example in examples:
            self.learn(example)

    @abstractmethod
    def state(self) -> Struct:
        """Everything learned, of ``state_type``."""

    @abstractmethod
    def resume(self, state: Any) -> None:
        """Go on from a ``state`` of ``state_type``, of other features as well.

        A feature that is new begins at its neutral value, one that is gone leaves, the others keep what was learned of
        them. May raise `SnapshotError`, or ValueError for a state that does not fit together.
        """

    @abstractmethod
    def describe(self) -> str:
        """What it is and what it has learned, in a sentence."""

    def snapshot(self) -> Any:
        """What scorers load, or None; asking changes nothing."""
        return None

    def evaluate(self) -> Any:
        """How good it has been, or None where that is not measured."""
        return None

    def forget(self, customer_id: str) -> bool:
        """Take out what is kept of one customer alone; whether there was anything. What was learned of many stays."""
        del customer_id
        return False

    def horizon_changed(self, _: HorizonChange) -> None:  # noqa: B027  # most have nothing to do
        """Go over to another horizon; what was learned is kept."""

    @classmethod
    def decode(cls, version: int, content: bytes) -> Struct:
        """The state in a checkpoint. Raises `SnapshotError` if this program cannot read it."""
        if version != cls.version:
            raise SnapshotError(
                f"component {cls.name} of the checkpoint has version {version}, this program reads {cls.version}; "
                "run the version that wrote it, or delete the checkpoint to learn again from the log"
            )
        try:
            return msgspec.json.decode(content, type=cls.state_type)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SnapshotError(f"component {cls.name} of the checkpoint is damaged: {error}") from error


C = TypeVar("C", bound=Component)


class Context:
    """What the components share: the settings, whom to tell, and one another."""

    def __init__(
        self,
        settings: LearnerSettings,
        on_drift: Callable[[LossAlarm | FeatureAlarm], None],
        on_horizon: Callable[[Rhythm], None],
        kinds: Iterable[type[Component]],
    ) -> None:
        self.settings = settings
        self.on_drift = on_drift
        self.on_horizon = on_horizon
        self._components: dict[type[Component], Component] = {}
        for kind in kinds:
            # a class made from that of a component takes its place
            place = next(base for base in kind.__mro__ if Component in base.__bases__)
            self._components[place] = kind(self)
        names = [kind.name for kind in self._components]
        if len(set(names)) != len(names):
            raise ValueError(f"names of components must be distinct, got {names}")

    def of(self, kind: type[C]) -> C:
        """The component of a class."""
        found = self._components[kind]
        if not isinstance(found, kind):
            raise TypeError(f"expected {kind}, got {type(found)}")
        return found

    def find(self, kind: type[C]) -> C | None:
        """The component of a class, None where it takes no part."""
        return self.of(kind) if kind in self._components else None

    def all(self) -> tuple[Component, ...]:
        """The components in the order in which they learn."""
        return tuple(self._components.values())
