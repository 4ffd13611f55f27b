"""The customer document: what `GET` shows, in any language.

Readable part: risk, its main reasons, segment, history, features. Unknown values and features still at their default
are left out, because most customers do few things (`stream.features.registry.complete`).
``state`` is the packed profile (``stream.features.codec``) in base64, to which the next event is applied. Documents are
most of what a step writes, so their text is made by compiled code, a batch at a time.
"""

from __future__ import annotations

import math
from binascii import a2b_base64
from itertools import pairwise

import numpy as np
import orjson

from stream.catalogue.outputs import OUTPUTS, RISK_FROM, RISK_SURE
from stream.compiling import jit
from stream.errors import CodecError
from stream.events.columns import MONEY_SCALE
from stream.features.profile import NEVER
from stream.features.registry import COLUMN, FEATURES
from stream.features.stages import Stage
from stream.processing.document_states import STATES_BYTES, put_next_order, put_rating, put_stage, put_stage_cause
from stream.processing.json_text import (
    MAX_NUMBER,
    Fragments,
    fragments,
    put_base64,
    put_bool,
    put_decimal,
    put_fragment,
    put_instant,
    put_integer,
    quoted,
)
from stream.processing.kernel import Run
from stream.processing.rfm import FIRST_SEGMENTS, Tier, rate, rating_of
from stream.processing.rules import Rules
from stream.processing.score import contributions, largest
from stream.processing.scorer import Scorer
from stream.processing.worth import worth_of

__all__ = ["MAIN_REASONS", "build", "packed_state", "public"]

#: How many contributions a document lists; an alert has more.
MAIN_REASONS = 3

_MONEY = float(MONEY_SCALE)
_WHOLE = np.array([feature.unit == "events" for feature in FEATURES])
_IF_ABSENT = np.array([np.nan if feature.absent is None else feature.absent for feature in FEATURES])
_INPUTS = len(FEATURES)

#: Documents written at a stretch. Their text stays in the cache until it is copied out; and after each stretch a thread
#: waits for the interpreter, which the event loop has.
_ROWS = 2048

_FIRST = "customer_id"
#: Text before the value of each output, by its position in `OUTPUTS`; then before the features, the state, and the end.
_TEXTS = (
    *(b'%s"%s":' % (b"{" if name == _FIRST else b",", name.encode()) for name in OUTPUTS),
    b',"features":{',
    b'},"state":"',
    b'"}',
)
_KEY = {name: k for k, name in enumerate(OUTPUTS)}
#: Decimal places by position.
_PLACES = np.array(list(OUTPUTS.values()))
_CUSTOMER_ID, _AS_OF, _MODEL_VERSION, _ALERT = (_KEY[k] for k in ("customer_id", "as_of", "model_version", "alert"))
_RISK, _RISK_FROM, _RISK_SURE, _AT_RISK_FROM = (_KEY[k] for k in ("risk", "risk_from", "risk_sure", "at_risk_from"))
_VALUE_AT_RISK, _LIFETIME_VALUE = _KEY["value_at_risk"], _KEY["lifetime_value"]
_EXPECTED_ORDERS, _EXPECTED_SPEND = _KEY["expected_orders"], _KEY["expected_spend"]
_SEGMENT, _RFM, _NEXT_ORDER, _REASONS = (_KEY[k] for k in ("segment", "rfm", "next_order", "reasons"))
_STAGE, _STAGE_SINCE, _STAGE_WHY = _KEY["stage"], _KEY["stage_since"], _KEY["stage_why"]
_EVENTS, _ORDERS, _SPEND = _KEY["events"], _KEY["orders"], _KEY["spend"]
_FIRST_AT, _LAST_AT, _LAST_ORDER_AT = _KEY["first_at"], _KEY["last_at"], _KEY["last_order_at"]
_UNSUBSCRIBED_AT, _USUAL_GAP_DAYS = _KEY["unsubscribed_at"], _KEY["usual_gap_days"]
_FEATURES, _STATE, _END = range(len(OUTPUTS), len(OUTPUTS) + 3)
_STATE_KEY, _LAST = b'"state":"', b'"}'
_KEY_TEXT, _KEY_STARTS = fragments(_TEXTS)
_NAME_TEXT, _NAME_STARTS = fragments([b'"%s":' % feature.name.encode() for feature in FEATURES])
_NO_STAGE, _LOST, _NO_TIER = int(Stage.NONE), int(Stage.LOST), int(Tier.NONE)
#: What a risk is from, and after these how sure it is, in quotes.
_BASIS_TEXT, _BASIS_STARTS = fragments([b'"%s"' % name.encode() for name in (*RISK_FROM, *RISK_SURE)])
_SOURCES = len(RISK_FROM)
_OPEN, _CLOSE, _COMMA = b"{},"

#: Bytes of a document beside its ids, names of segments and packed profile, at most.
_FIXED = (
    len(_KEY_TEXT) + len(_BASIS_TEXT) + 2 * len(_NAME_TEXT) + MAX_NUMBER * (len(_TEXTS) + 2 * _INPUTS) + STATES_BYTES
)


@jit
def _key(buffer, at, k):  # type: ignore[no-untyped-def]
    return put_fragment(buffer, at, _KEY_TEXT, _KEY_STARTS[k], _KEY_STARTS[k + 1])


@jit
def _name(buffer, at, j):  # type: ignore[no-untyped-def]
    return put_fragment(buffer, at, _NAME_TEXT, _NAME_STARTS[j], _NAME_STARTS[j + 1])


@jit
def _put_known(buffer, at, k, value):  # type: ignore[no-untyped-def]
    return at if math.isnan(value) else put_decimal(buffer, _key(buffer, at, k), value, _PLACES[k])


@jit
def _put_known_instant(buffer, at, k, time):  # type: ignore[no-untyped-def]
    return at if time == NEVER or time == -NEVER else put_instant(buffer, _key(buffer, at, k), time, False)


@jit
def _basis(buffer, at, k):  # type: ignore[no-untyped-def]
    return put_fragment(buffer, at, _BASIS_TEXT, _BASIS_STARTS[k], _BASIS_STARTS[k + 1])


@jit
def _put_basis(buffer, at, risk, model):  # type: ignore[no-untyped-def]
    """Write what the risk is from, and how sure it is."""
    if not model.ready or math.isnan(risk):
        return at
    at = _basis(buffer, _key(buffer, at, _RISK_FROM), model.risk_from)
    return _basis(buffer, _key(buffer, at, _RISK_SURE), _SOURCES + model.risk_sure)


@jit
def _put_reasons(buffer, at, inputs, risk, model, scratch):  # type: ignore[no-untyped-def]
    """Write the largest contributions to the logit, relative to a typical customer, largest first."""
    if not model.ready or math.isnan(risk):
        return at
    at = _key(buffer, at, _REASONS)
    buffer[at] = _OPEN
    at += 1
    parts, ranks = scratch
    contributions(inputs, model, parts)
    for rank in range(largest(parts, ranks)):
        j = ranks[rank]
        if rank > 0:
            buffer[at] = _COMMA
            at += 1
        at = put_decimal(buffer, _name(buffer, at, j), parts[j], _PLACES[_REASONS])
    buffer[at] = _CLOSE
    return at + 1


@jit
def _put_features(buffer, at, values):  # type: ignore[no-untyped-def]
    """Write the features that are not what their absence means."""
    first = True
    for j in range(_INPUTS):
        if math.isnan(values[j]) or values[j] == _IF_ABSENT[j]:
            continue
        if not first:
            buffer[at] = _COMMA
            at += 1
        first = False
        at = _name(buffer, at, j)
        at = put_integer(buffer, at, values[j]) if _WHOLE[j] else put_decimal(buffer, at, values[j], 4)
    return at


@jit
def _write_row(buffer, at, p, row, values, inputs, worth, rating, model, ids, segments, packed, scratch):  # type: ignore[no-untyped-def]
    rate(rating, inputs, p.orders, p.stage)
    at = put_fragment(buffer, _key(buffer, at, _CUSTOMER_ID), ids[0], ids[1][row], ids[1][row + 1])
    at = put_instant(buffer, _key(buffer, at, _AS_OF), p.as_of, True)
    at = _put_known(buffer, at, _RISK, p.risk)
    at = _put_basis(buffer, at, p.risk, model)
    at = put_integer(buffer, _key(buffer, at, _MODEL_VERSION), p.risk_version)
    at = put_bool(buffer, _key(buffer, at, _ALERT), p.raised)
    at = _put_known_instant(buffer, at, _AT_RISK_FROM, p.foreseen)
    at = _put_known(buffer, at, _VALUE_AT_RISK, worth.at_risk[row])
    at = _put_known(buffer, at, _EXPECTED_ORDERS, worth.orders[row])
    at = _put_known(buffer, at, _EXPECTED_SPEND, worth.spend[row])
    at = _put_known(buffer, at, _LIFETIME_VALUE, worth.lifetime[row])
    segment = p.segment if model.clusters > 0 else rating.segment
    if 0 <= segment < segments[1].shape[0] - 1:
        at = _key(buffer, at, _SEGMENT)
        at = put_fragment(buffer, at, segments[0], segments[1][segment], segments[1][segment + 1])
    if p.stage != _NO_STAGE:
        at = put_stage(buffer, _key(buffer, at, _STAGE), p.stage)
        at = put_instant(buffer, _key(buffer, at, _STAGE_SINCE), p.stage_since, False)
        at = put_stage_cause(buffer, _key(buffer, at, _STAGE_WHY), p.stage_cause)
    if rating.tier != _NO_TIER:
        at = put_rating(buffer, _key(buffer, at, _RFM), rating, _PLACES[_RFM])
    if p.orders > 0 and p.stage != _LOST:
        at = put_next_order(buffer, _key(buffer, at, _NEXT_ORDER), p)
    at = _put_reasons(buffer, at, inputs, p.risk, model, scratch)
    at = put_integer(buffer, _key(buffer, at, _EVENTS), p.events)
    at = put_integer(buffer, _key(buffer, at, _ORDERS), p.orders)
    at = put_decimal(buffer, _key(buffer, at, _SPEND), (p.order_spend - p.refund_spend) / _MONEY, _PLACES[_SPEND])
    at = put_instant(buffer, _key(buffer, at, _FIRST_AT), p.first_at, False)
    at = put_instant(buffer, _key(buffer, at, _LAST_AT), p.last_at, False)
    at = _put_known_instant(buffer, at, _LAST_ORDER_AT, p.last_order_at)
    at = _put_known_instant(buffer, at, _UNSUBSCRIBED_AT, p.unsubscribed_at)
    at = _put_known(buffer, at, _USUAL_GAP_DAYS, p.habit_days)
    at = _put_features(buffer, _key(buffer, at, _FEATURES), values)
    at = put_base64(buffer, _key(buffer, at, _STATE), packed[0], packed[1][row], packed[1][row + 1])
    return _key(buffer, at, _END)


@jit
def _write_rows(  # type: ignore[no-untyped-def]
    buffer, ends, begin, standing, values, inputs, worth, ratings, models, ids, segments, packed, scratch
):
    model, rating = models[0], ratings[0]
    at = 0
    for row in range(begin, begin + ends.shape[0]):
        at = _write_row(
            buffer,
            at,
            standing[row],
            row,
            values[row],
            inputs[row],
            worth,
            rating,
            model,
            ids,
            segments,
            packed,
            scratch,
        )
        ends[row - begin] = at


def build(ids: Fragments, run: Run, scorer: Scorer, rules: Rules) -> list[bytes]:
    """Documents of all customers of a run, in its order; ``ids``: `quoted`."""
    p = run.standing
    spend = (p["order_spend"] - p["refund_spend"]) / MONEY_SCALE
    worth = worth_of(
        scorer,
        rules,
        inputs=run.inputs,
        risk=p["risk"],
        net_spend=spend,
        tenure_days=run.values[:, COLUMN["tenure"]],
        has_ordered=p["orders"] > 0,
    )
    ratings = rating_of(scorer.rfm, rules)
    segments = quoted(scorer.segment_names or FIRST_SEGMENTS)
    fixed = _FIXED + int(np.diff(segments[1]).max(initial=0))
    scratch = np.empty(_INPUTS), np.empty(MAIN_REASONS, np.int64)
    buffer = np.empty(0, np.uint8)
    raw = np.frombuffer(run.raw, np.uint8)
    documents = []
    for begin in range(0, len(p), _ROWS):
        end = min(begin + _ROWS, len(p))
        of_ids, of_packed = (starts[end] - starts[begin] for starts in (ids[1], run.starts))
        room = int(of_ids + 2 * of_packed + (end - begin) * fixed)
        if len(buffer) < room:
            buffer = np.empty(room, np.uint8)
        ends = np.empty(end - begin, np.int64)
        _write_rows(
            buffer,
            ends,
            begin,
            p,
            run.values,
            run.inputs,
            worth,
            ratings,
            run.model,
            ids,
            segments,
            (raw, run.starts),
            scratch,
        )
        ends_at = ends.tolist()
        text = buffer[: ends_at[-1]].tobytes()
        documents += [text[first:last] for first, last in pairwise([0, *ends_at])]
    return documents


def public(document: bytes) -> bytes:
    """Return a document that `build` gave as others may have it, without its packed profile."""
    # base64 has no quotes, so the last key of this name is ours
    return document[: document.rfind(b"," + _STATE_KEY)] + b"}"


def packed_state(document: bytes) -> bytes:
    """Return the packed profile of a document. Raises CodecError when there is none to be found."""
    begin = document.rfind(_STATE_KEY) + len(_STATE_KEY)
    try:
        if begin >= len(_STATE_KEY) and document.endswith(_LAST):
            # where `build` puts it: base64 has no quotes, so this is the last value; the rest need not be parsed
            packed = a2b_base64(document[begin : -len(_LAST)], strict_mode=True)
        else:
            packed = a2b_base64(orjson.loads(document)["state"], strict_mode=True)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise CodecError(f"a customer document holds no packed profile: {error!r}") from error
    if not packed:
        raise CodecError("the packed profile of a customer document is empty")
    return packed
