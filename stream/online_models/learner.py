"""The trainer's whole state: learn examples in order, give snapshots, be stored and go on."""

from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec import UNSET, Raw

from stream.errors import SnapshotError
from stream.online_models.alarms import FeatureAlarm, LossAlarm
from stream.online_models.checkpoint import (
    Container,
    SealedState,
    in_first_layout,
    open_container,
    seal_container,
    sealed_state,
)
from stream.online_models.component import C, Component, Context
from stream.online_models.components import COMPONENTS
from stream.online_models.components.churn import Churn
from stream.online_models.components.evaluation import Evaluated
from stream.online_models.components.purchases import Purchases
from stream.online_models.components.rhythm import ShopRhythm
from stream.online_models.components.segments import Segmentation
from stream.online_models.components.stakes import Stakes
from stream.online_models.components.value import Value
from stream.online_models.contenders import ContenderStanding
from stream.online_models.example import Example, InvalidExample, Label, Overdue, problem_of
from stream.online_models.horizon import HorizonPeriod, Rhythm
from stream.online_models.learner_settings import LearnerSettings
from stream.online_models.purchase_process import PurchaseProcess
from stream.online_models.scorecard import Figures
from stream.online_models.snapshot import ModelSnapshot

__all__ = ["Learner", "LearnerSettings"]

#: Components whose snapshots are fields of a `ModelSnapshot`; those of others are in ``others``.
_FIELDS = frozenset(kind.name for kind in (Churn, Segmentation, Value, ShopRhythm, Stakes))


class Learner:
    """All components, as one fold over the examples.

    ``load(dump())`` goes on exactly where the first left off: the same examples give the same snapshot, bit
    for bit. Memory is bounded: it does not grow with the examples.
    """

    def __init__(
        self,
        settings: LearnerSettings | None = None,
        on_drift: Callable[[LossAlarm | FeatureAlarm], None] = lambda _: None,
        on_horizon: Callable[[Rhythm], None] = lambda _: None,
        components: Sequence[type[Component]] = COMPONENTS,
    ) -> None:
        self.settings = settings or LearnerSettings()
        self._shop = Context(self.settings, on_drift, on_horizon, components)
        self._components = self._shop.all()
        self._carried: dict[str, SealedState] = {}
        self._examples = 0
        self._stream_time_ms = 0
        #: What people should know of how it was loaded, in sentences.
        self.notes: tuple[str, ...] = ()

    def of(self, kind: type[C]) -> C:
        """The component of a class."""
        return self._shop.of(kind)

    @property
    def labels_seen(self) -> int:
        return self.of(Evaluated).evaluation.labels

    @property
    def observations_seen(self) -> int:
        return self.of(Segmentation).observations_seen

    @property
    def stream_time_ms(self) -> int:
        """The latest time of an example: a landmark's, or a label's maturity. 0 before the first."""
        return self._stream_time_ms

    @property
    def ready(self) -> bool:
        """Enough labels of both classes were learned for the churn model to score, beside the purchase process."""
        return self.of(Evaluated).ready

    def learn(self, example: Example) -> InvalidExample | None:
        """Evaluate, then learn. An invalid example changes nothing and is returned."""
        if (invalid := problem_of(example)) is not None:
            return invalid
        self.learn_checked(example)
        return None

    def learn_checked(self, example: Example) -> None:
        """`learn` what `decode_example` has let through."""
        for component in self._components:
            component.learn(example)
        self._examples += 1
        at_ms = example.matured_at_ms if isinstance(example, Label) else example.at_ms
        self._stream_time_ms = max(self._stream_time_ms, at_ms)

    def learn_run(self, examples: Sequence[Example]) -> None:
        """`learn_checked` for each example, in their order: the same state, bit for bit, in less time."""
        rhythm = self.of(ShopRhythm)
        begin = 0
        for position, example in enumerate(examples):
            # what others look at in the midst of a run: the horizon, and the model that weighs who is overdue
            if isinstance(example, Overdue) or rhythm.begins_week(example):
                self._learn_part(examples[begin:position])
                self.learn_checked(example)
                begin = position + 1
        self._learn_part(examples[begin:])

    def _learn_part(self, examples: Sequence[Example]) -> None:
        for component in self._components:
            component.learn_run(examples)
        self._examples += len(examples)
        times = (example.matured_at_ms if isinstance(example, Label) else example.at_ms for example in examples)
        self._stream_time_ms = max(self._stream_time_ms, max(times, default=0))

    def forget(self, customer_ids: Iterable[str]) -> bool:
        """Take out what is kept of single customers; whether there was anything."""
        return sum(component.forget(one) for one in customer_ids for component in self._components) > 0

    @property
    def schedule(self) -> tuple[HorizonPeriod, ...]:
        """The horizons, ascending in time; the last one is in force."""
        return self.of(ShopRhythm).schedule

    @property
    def process(self) -> PurchaseProcess | None:
        """How the shop's customers order and leave, as last fitted; None: the component takes no part."""
        purchases = self._shop.find(Purchases)
        return None if purchases is None else purchases.process

    @property
    def champion(self) -> str:
        """Name of the churn model that scores unless an operator has decided otherwise."""
        return self.of(Churn).championship.champion

    def rhythm(self) -> Rhythm:
        """How often the shop's customers order, and the horizon."""
        return self.of(ShopRhythm).snapshot()

    def contenders(self) -> tuple[str, ...]:
        """Names of the churn models that learn side by side."""
        return self.of(Churn).championship.names()

    def figures(self) -> Figures:
        """How good the risks that were given have been, over recent labels."""
        return self.of(Evaluated).evaluation.recent.figures()

    def standings(self) -> tuple[ContenderStanding, ...]:
        """How the contenders do."""
        return self.of(Churn).evaluate()

    def describe(self) -> dict[str, str]:
        """A sentence about each component, by name."""
        return {component.name: component.describe() for component in self._components}

    def snapshot(self, now_ms: int, contender: str | None = None) -> ModelSnapshot:
        """The models as they are, with the champion or another contender; asking changes nothing."""
        others = {
            component.name: Raw(msgspec.json.encode(published))
            for component in self._components
            if component.name not in _FIELDS and (published := component.snapshot()) is not None
        }
        segmentation, stakes, value = self._shop.find(Segmentation), self._shop.find(Stakes), self._shop.find(Value)
        return ModelSnapshot(
            created_at_ms=now_ms,
            stream_time_ms=self._stream_time_ms,
            churn=self.of(Churn).snapshot(contender),
            segments=None if segmentation is None else segmentation.snapshot(),
            value=None if value is None else value.snapshot(),
            rhythm=self.rhythm(),
            stake_level=None if stakes is None else stakes.snapshot(),
            others=others or UNSET,
        )

    def dump(self, *, for_release_before: bool = False) -> bytes:
        """A checkpoint of everything, as sealed JSON.

        ``for_release_before``: in the first layout if that can hold everything, else as always.
        """
        if for_release_before and not self._carried:
            components = {component.name: component for component in self._components}
            first = in_first_layout(components, self._stream_time_ms, self._examples)
            if first is not None:
                return first
        states = {component.name: sealed_state(component, self._examples) for component in self._components}
        return seal_container(
            Container(stream_time_ms=self._stream_time_ms, examples=self._examples, components=states | self._carried)
        )

    @classmethod
    def load(
        cls,
        value: bytes,
        settings: LearnerSettings | None = None,
        on_drift: Callable[[LossAlarm | FeatureAlarm], None] = lambda _: None,
        on_horizon: Callable[[Rhythm], None] = lambda _: None,
        components: Sequence[type[Component]] = COMPONENTS,
    ) -> "Learner":
        """Go on from a checkpoint, of other features and other components as well; ``notes`` tells what that meant.

        Raises `SnapshotError` if it is damaged, or has a component in a version that this program cannot read.
        """
        container = open_container(value)
        learner = cls(settings, on_drift, on_horizon, components)
        learner._stream_time_ms, learner._examples = container.stream_time_ms, container.examples
        found = dict(container.components)
        notes = []
        for component in learner._components:
            sealed = found.pop(component.name, None)
            if sealed is None:
                notes.append(f"{component.name} is not in the checkpoint and begins with nothing learned")
                continue
            try:
                component.resume(sealed.opened(type(component)))
            except ValueError as error:
                raise SnapshotError(f"component {component.name} of the checkpoint is damaged: {error}") from error
            if sealed.examples < container.examples:
                missed = container.examples - sealed.examples
                notes.append(f"{component.name} goes on; {missed} examples were learned without it")
        learner._carried = {name: found[name] for name in sorted(found)}
        notes += [f"{name} is not known to this program and is carried along" for name in learner._carried]
        learner.notes = tuple(notes)
        return learner
