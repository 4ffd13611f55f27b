"""Training examples: what a landmark sends to the trainer, and the label that follows when it matures.

```
landmark                                    landmark + horizon
   |-- Observation: inputs ------------------------|-- Label: the same inputs, the risk given, what happened
```

and, when a customer has been silent for too long for their habit, an `Overdue`, from which the trainer learns how much
must be at stake for an alert.

An example that breaks the contract is an `InvalidExample`, never an exception, and never reaches a model. How an
example names its features while it is on its way: `stream.online_models.inputs`.
"""

import math
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from stream.features.registry import DAY_MS, FEATURES
from stream.online_models.inputs import FIRST_FEATURES, INPUT_LIMIT, MISSING, packed_inputs, unpacked_inputs

__all__ = [
    "INPUT_LIMIT",
    "LANDMARK_MS",
    "Example",
    "ExampleProblem",
    "InvalidExample",
    "Label",
    "Observation",
    "Overdue",
    "decode_example",
    "encode_example",
    "problem_of",
]

#: Landmarks come weekly by default.
LANDMARK_MS = 7 * DAY_MS

Id = Annotated[str, Meta(min_length=1, max_length=256)]
#: Milliseconds since the epoch, UTC; the upper bound is the year 9999.
Instant = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]


class Observation(Struct, frozen=True, kw_only=True, tag_field="kind", tag="observation", gc=False):
    """A customer as seen at the landmark ``at_ms``: model inputs ``x`` (int16[features]), no label yet.

    ``others``: only on the way, see `stream.online_models.inputs`.
    """

    example_id: Id
    customer_id: Id
    at_ms: Instant
    x: list[int]
    others: dict[str, int] | UnsetType = UNSET


class Label(Struct, frozen=True, kw_only=True, tag_field="kind", tag="label", gc=False):
    """What became of the customer in (``at_ms``, ``matured_at_ms``].

    ``x`` and ``risk`` are as frozen at the landmark; ``risk`` is None when no model was ready then.
    ``logit`` is what the model gave before calibration, in units of 1/INPUT_SCALE like the inputs.
    ``model_version`` is the version that gave them. ``spend`` is in major units and is negative when
    refunds prevail.
    """

    example_id: Id
    customer_id: Id
    at_ms: Instant
    matured_at_ms: Instant
    x: list[int]
    risk: Annotated[float, Meta(ge=0.0, le=1.0)] | None
    logit: Annotated[int, Meta(ge=-INPUT_LIMIT, le=INPUT_LIMIT)] | None = None
    model_version: Annotated[int, Meta(ge=0)]
    churned: bool
    purchases: Annotated[int, Meta(ge=0)]
    spend: float
    others: dict[str, int] | UnsetType = UNSET

    @property
    def horizon_ms(self) -> int:
        """The time over which the outcome was measured."""
        return self.matured_at_ms - self.at_ms

    @property
    def novelty(self) -> float:
        """The share of the horizon that the label before it, a landmark earlier, did not tell of."""
        return min(1.0, LANDMARK_MS / (self.matured_at_ms - self.at_ms))


class Overdue(Struct, frozen=True, kw_only=True, tag_field="kind", tag="overdue", gc=False):
    """A customer whose silence became long enough for an alert at ``at_ms``: inputs ``x`` as of then.

    ``weight`` is what is at stake but for the risk, in currency (`stream.processing.policy`).
    """

    example_id: Id
    customer_id: Id
    at_ms: Instant
    x: list[int]
    weight: float
    others: dict[str, int] | UnsetType = UNSET


Example = Observation | Label | Overdue


class ExampleProblem(StrEnum):
    """Every way an example can be bad. A closed set, so that it can label a metric."""

    MALFORMED = "malformed"
    WRONG_LENGTH = "wrong_length"
    OUT_OF_RANGE = "out_of_range"
    NOT_FINITE = "not_finite"
    NOT_AFTER_LANDMARK = "not_after_landmark"


class InvalidExample(NamedTuple):
    """A record that is no example: a bounded problem, and a detail for people."""

    problem: ExampleProblem
    detail: str


_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Example] = msgspec.json.Decoder(Example)


def encode_example(example: Example) -> bytes:
    """The example as one line of JSON; ``x`` is in the order of `FEATURES`."""
    x, others = packed_inputs(example.x)
    if x is not example.x:
        example = replace(example, x=x, others=others or UNSET)
    return _ENCODER.encode(example)


def decode_example(value: bytes) -> Example | InvalidExample:
    """The example in a record's value, or why there is none. ``x`` is in the order of `FEATURES`."""
    try:
        example = _DECODER.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return InvalidExample(ExampleProblem.MALFORMED, str(error))
    if len(example.x) != len(FIRST_FEATURES):
        return InvalidExample(
            ExampleProblem.WRONG_LENGTH, f"x has {len(example.x)} inputs, examples carry {len(FIRST_FEATURES)}"
        )
    x = unpacked_inputs(example.x, {} if example.others is UNSET else example.others)
    if x is not example.x or example.others is not UNSET:
        example = replace(example, x=x, others=UNSET)
    return problem_of(example) or example


def problem_of(example: Example) -> InvalidExample | None:
    """What types cannot say: length and range of the inputs, finite numbers, the order of times."""
    x = example.x
    if len(x) != len(FEATURES):
        return InvalidExample(
            ExampleProblem.WRONG_LENGTH, f"x has {len(x)} inputs, the feature registry {len(FEATURES)}"
        )
    if max(x) > INPUT_LIMIT or (min(x) < -INPUT_LIMIT and any(MISSING != value < -INPUT_LIMIT for value in x)):
        return InvalidExample(
            ExampleProblem.OUT_OF_RANGE, f"inputs lie in {min(x)}..{max(x)}, expected +-{INPUT_LIMIT}"
        )
    if isinstance(example, Label):
        return _problem_of_label(example)
    if isinstance(example, Overdue) and not (math.isfinite(example.weight) and example.weight >= 0.0):
        return InvalidExample(ExampleProblem.NOT_FINITE, f"weight {example.weight}, expected 0 or more")
    return None


def _problem_of_label(example: Label) -> InvalidExample | None:
    risk = example.risk
    if not math.isfinite(example.spend) or (risk is not None and not math.isfinite(risk)):
        return InvalidExample(ExampleProblem.NOT_FINITE, f"spend {example.spend}, risk {risk}")
    if not 0.0 <= (risk or 0.0) <= 1.0 or abs(example.logit or 0) > INPUT_LIMIT:
        return InvalidExample(
            ExampleProblem.OUT_OF_RANGE,
            f"risk is {risk}, expected 0..1; logit is {example.logit}, expected +-{INPUT_LIMIT}",
        )
    if example.matured_at_ms <= example.at_ms:
        return InvalidExample(
            ExampleProblem.NOT_AFTER_LANDMARK,
            f"matured at {example.matured_at_ms}, landmark at {example.at_ms}",
        )
    return None
