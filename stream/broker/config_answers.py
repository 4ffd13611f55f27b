"""Answers about how topics are configured, and changes of it."""

from typing import TYPE_CHECKING, Final

from stream.broker.error_codes import Code
from stream.broker.wire import Request

if TYPE_CHECKING:
    from stream.broker.answers import LogAnswers

__all__ = ["ConfigAnswers", "objection_to"]

_TOPIC_RESOURCE: Final = 2
_FROM_TOPIC, _DEFAULT = 1, 5  # sources of a setting in DescribeConfigs
_SET, _DELETE = 0, 1  # operations of IncrementalAlterConfigs
_DEFAULT_CONFIG: Final = {"message.timestamp.type": "CreateTime", "cleanup.policy": "delete", "retention.ms": "-1"}


def objection_to(config: dict[str, str]) -> str:
    """Why a topic cannot be configured so; empty if it can."""
    if config.get("message.timestamp.type", "CreateTime") not in {"CreateTime", "LogAppendTime"}:
        return "message.timestamp.type is CreateTime or LogAppendTime"
    if not {*config.get("cleanup.policy", "delete").split(",")} <= {"delete", "compact"}:
        return "cleanup.policy is delete, compact, or both with a comma"
    kept = config.get("retention.ms", "-1")
    if not kept.removeprefix("-").isdecimal() or int(kept) < -1:
        return "retention.ms is a number of milliseconds, or -1: for ever"
    return ""


class ConfigAnswers:
    """``logs``: the topics there are."""

    def __init__(self, logs: "LogAnswers") -> None:
        self._logs = logs

    def describe(self, request: Request) -> bytes:
        """The settings of topics: those that were given, and the defaults of others."""
        return request.answer(
            resources=[
                self._described(request.version, kind, name, wanted) for kind, name, wanted in request.body.resources
            ]
        )

    async def alter(self, request: Request) -> bytes:
        """Change single settings of topics."""
        told = []
        for kind, name, changes in request.body.resources:
            code, text = await self._altered(kind, name, changes, validate_only=request.body.validate_only)
            told.append((code, text, kind, name))
        return request.answer(responses=told)

    async def _altered(
        self, kind: int, name: str, changes: list[tuple[str, int, str | None]], *, validate_only: bool
    ) -> tuple[Code, str | None]:
        topic = self._logs.topic(name) if kind == _TOPIC_RESOURCE else None
        if topic is None:
            return Code.UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic {name}"
        config = {**topic.config}
        for key, operation, value in changes:
            if operation == _SET and value is not None:
                config[key] = value
            elif operation == _DELETE:
                config.pop(key, None)
            else:
                return Code.INVALID_CONFIG, f"{key}: settings are set and deleted here, not added to"
        if objection := objection_to(config):
            return Code.INVALID_CONFIG, objection
        code = Code.NONE if validate_only else await self._logs.change(topic, config)
        return code, None if code is Code.NONE else "it was not stored"

    def _described(self, version: int, kind: int, name: str, wanted: list[str] | None) -> tuple[object, ...]:
        topic = self._logs.topic(name) if kind == _TOPIC_RESOURCE else None
        if topic is None:
            if kind == _TOPIC_RESOURCE:
                return (Code.UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic {name}", kind, name, [])
            return (Code.NONE, None, kind, name, [])
        entries: list[tuple[object, ...]] = []
        for key, value in {**_DEFAULT_CONFIG, **topic.config}.items():
            if wanted is not None and key not in wanted:
                continue
            given = key in topic.config
            if version == 0:
                entries.append((key, value, False, not given, False))
            else:
                entries.append((key, value, False, _FROM_TOPIC if given else _DEFAULT, False, []))
        return (Code.NONE, None, kind, name, entries)
