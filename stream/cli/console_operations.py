"""What the console shows and does beside the directory, by what the commands do."""

import asyncio
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from stream.cli.consent_asked import refusing_to_be_scored
from stream.cli.console_identities import ShopIdentities
from stream.cli.console_privacy import ShopPersonalData
from stream.cli.doctor import all_findings
from stream.cli.feedback_desk import feedback_of
from stream.cli.models import promote_model, roll_back
from stream.cli.models_view import as_fields
from stream.cli.move_log import spans_of
from stream.cli.notified_effect import notified_effect
from stream.cli.republishing import dlq_header, publish_all, republished
from stream.cli.settle import unread
from stream.cli.texts_desk import tally_of
from stream.console.operations import CheckedPart, Contender, DeadLetters, Lag, ModelChoice, ModelsShown, OrderRhythm
from stream.console.personal_data import PersonalData
from stream.directory.message_inputs import inputs_of
from stream.directory.purchase_queries import KnownPurchases
from stream.errors import SettingsError, StreamError
from stream.events.times import epoch_ms
from stream.notifications.effect import EffectReport
from stream.notifications.inbound import Inbound
from stream.notifications.read_to_end import read_to_end
from stream.online_models.horizon import HORIZONS, Rhythm
from stream.online_models.snapshot import decode_snapshot
from stream.projections.judgements import TextTally
from stream.reporting.feedback_groups import FeedbackCounts
from stream.settings import ENV_PREFIX, Settings
from stream.storage.model_desk import ModelDecision, ModelDesk
from stream.storage.overview import Overview
from stream.storage.projection_desk import ProjectionDesk
from stream.whatif.comparison import WhatIf
from stream.whatif.policy_files import POLICY_SETTINGS
from stream.whatif.trial_progress import StageProgress, decode_progress

__all__ = ["ShopOperations", "WhatIfError"]

#: Dead letters of each partition that are looked at, the newest; how much of one is shown (characters).
_LETTERS: Final = 500
_EXAMPLE: Final = 400
_DECISIONS: Final = 8
_STOP_S: Final = 5.0


class WhatIfError(StreamError):
    """A policy could not be tried."""


class ShopOperations:
    """See `stream.console.operations.Operations`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.personal: PersonalData = ShopPersonalData(settings)
        of_people = ShopIdentities(settings)
        self.identities, self.id_of, self.decide_identity = of_people.known, of_people.id_of, of_people.decide
        self.contacts = of_people.contacts

    def models(self) -> ModelsShown:
        with ModelDesk(self._settings) as desk:
            stored = desk.look()
        fields = as_fields(stored)
        snapshot = None if stored.snapshot is None else decode_snapshot(stored.snapshot)
        _, present = stored.in_use
        return ModelsShown(
            contenders=[_contender(one) for one in fields["models"]],
            mode="frozen" if stored.frozen else "promoted" if stored.pinned else "automatic",
            since_ms=None if snapshot is None else snapshot.created_at_ms,
            rhythm=None if snapshot is None or snapshot.rhythm is None else _rhythm(snapshot.rhythm),
            can_roll_back=any(one.get("version", present) < present for one in fields["kept"]),
            decisions=[_decision(one) for one in stored.decisions[:_DECISIONS]],
        )

    def decide(self, what: str, name: str, by: str) -> None:
        now_ms = time.time_ns() // 1_000_000
        with ModelDesk(self._settings) as desk:
            if what == "promote":
                promote_model(desk, name, by)
            elif what == "rollback":
                roll_back(desk, by)
            else:
                decide = desk.automatic if what == "automatic" else desk.unfreeze
                if not decide(by=by, now_ms=now_ms):
                    raise SettingsError("there are no models yet")

    def feedback(self, product: str | None = None, survey: str | None = None) -> FeedbackCounts:
        with ProjectionDesk(self._settings) as desk:
            return feedback_of(desk, product, survey)

    def texts(self) -> TextTally | None:
        with ProjectionDesk(self._settings) as desk:
            return tally_of(desk, None)

    def effect(self, purchases_of: Callable[[Sequence[str]], KnownPurchases]) -> EffectReport:
        return notified_effect(self._settings, purchases_of)

    def checked(self) -> Sequence[CheckedPart]:
        found = all_findings(self._settings)
        return [CheckedPart(one.level.value, one.subject, one.found, one.advice) for one in found]

    def lags(self, read: Mapping[tuple[str, int], int]) -> Sequence[Lag]:
        settings = self._settings
        read_by_directory = {*inputs_of(settings)}
        topics = dict.fromkeys([*settings.all_event_topics, *sorted(read_by_directory)])
        spans = spans_of(settings, topics)
        with Overview(settings) as overview:
            taken = overview.offsets()
        workers, directory = unread(spans, taken), unread(spans, read)
        read_by_workers = {topic for topic, _ in taken}
        return [
            Lag(
                topic,
                workers[topic] if topic in read_by_workers else None,
                directory[topic] if topic in read_by_directory else None,
            )
            for topic in topics
        ]

    def dead_letters(self) -> Sequence[DeadLetters]:
        by_reason: dict[str, list[Inbound]] = defaultdict(list)
        for record in self._newest():
            by_reason[dlq_header(record, "reason")].append(record)
        found = []
        for reason, records in by_reason.items():
            last = max(records, key=lambda record: record.timestamp)
            found.append(
                DeadLetters(
                    reason=reason,
                    records=len(records),
                    last_ms=last.timestamp,
                    topic=dlq_header(last, "topic"),
                    detail=dlq_header(last, "detail"),
                    example=(last.value or b"").decode(errors="replace")[:_EXAMPLE],
                    can_replay=any(map(self._can_replay, records)),
                )
            )
        return sorted(found, key=lambda one: -one.last_ms)

    def replay(self, reason: str) -> int:
        wanted: dict[tuple[str, bytes | None, bytes | None], Inbound] = {}
        for record in self._newest():
            if dlq_header(record, "reason") == reason and self._can_replay(record):
                # what came back after an earlier replay is there once more
                wanted.setdefault((dlq_header(record, "topic"), record.key, record.value), record)
        return publish_all(self._settings, map(republished, wanted.values()))

    def refusing(self, customer_ids: Sequence[str]) -> Collection[str] | None:
        return refusing_to_be_scored(self._settings, customer_ids)

    def policy(self) -> Mapping[str, float]:
        return {name: getattr(self._settings, name) for name in POLICY_SETTINGS}

    async def compare(self, policy: Mapping[str, float], tell: Callable[[StageProgress], None]) -> WhatIf:
        with tempfile.TemporaryDirectory(prefix="stream-whatif-") as directory:
            return await self._compared(tell, "whatif", *self._policies(Path(directory), policy), "--json")

    async def _compared(self, tell: Callable[[StageProgress], None], *command: str) -> WhatIf:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "stream", *command),
            env=inherited | replace(self._settings, metrics_port=-1).to_env(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            told, last = await asyncio.gather(_whole(process.stdout), _last_line(process.stderr, tell))
            await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await asyncio.wait_for(process.wait(), _STOP_S)
        if process.returncode:
            raise WhatIfError(f"The policy could not be tried: {last}")
        return msgspec.json.decode(told, type=WhatIf)

    def _policies(self, directory: Path, policy: Mapping[str, float]) -> tuple[str, str]:
        """Files of the present policy and of the wanted one; who is told stays as it is."""
        file = self._settings.notify_file
        notify = {"notify": str(Path(file).absolute())} if file else {}
        wanted = {**policy, "min_purchases": int(policy["min_purchases"])}
        old, new = directory / "old.yaml", directory / "new.yaml"
        old.write_text(yaml.safe_dump(notify), "utf-8")
        new.write_text(yaml.safe_dump({"alerts": wanted, **notify}), "utf-8")
        return str(old), str(new)

    def _newest(self) -> Sequence[Inbound]:
        return [*read_to_end(self._settings, self._settings.dead_letters, newest=_LETTERS)]

    def _can_replay(self, record: Inbound) -> bool:
        is_whole = not (dlq_header(record, "truncated_from") or dlq_header(record, "key_truncated_from"))
        return is_whole and dlq_header(record, "topic") in self._settings.all_event_topics


async def _whole(output: asyncio.StreamReader | None) -> bytes:
    return b"" if output is None else await output.read()


async def _last_line(errors: asyncio.StreamReader | None, tell: Callable[[StageProgress], None]) -> str:
    """The last line that is for people; of the others ``tell`` is told."""
    last = ""
    while errors is not None and (line := await errors.readline()):
        if (progress := decode_progress(line)) is not None:
            tell(progress)
        elif text := line.decode(errors="replace").strip():
            last = text
    return last


def _contender(fields: Mapping[str, Any]) -> Contender:
    return Contender(
        name=fields["name"],
        is_in_use=fields["role"] == "champion",
        version=fields["version"],
        ranks=fields["recent_auc"],
        is_off=fields["recent_ece"],
        labels=fields["labels"],
        alarms=fields["alarms"],
        restarts=fields["restarts"],
    )


def _decision(one: ModelDecision) -> ModelChoice:
    return ModelChoice(epoch_ms(datetime.fromisoformat(one.at)), one.by, one.action, one.model, one.version)


def _rhythm(rhythm: Rhythm) -> OrderRhythm:
    if not rhythm.known:
        return OrderRhythm(rhythm.horizon_days)
    first = HORIZONS[0]
    share = None if rhythm.horizon_days == first else rhythm.silent_shares[0]
    return OrderRhythm(rhythm.horizon_days, rhythm.shop_gap_days, first, share)
