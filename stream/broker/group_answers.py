"""Answers about consumer groups."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable

from stream.broker.answers import NODE
from stream.broker.commits import Commits
from stream.broker.error_codes import Code
from stream.broker.groups import ConsumerGroup, Joined, Phase
from stream.broker.journal import Journal
from stream.broker.journal_reader import Reader
from stream.broker.wire import Request

__all__ = ["GroupAnswers"]

TICK_S = 0.05
MAX_SESSION_MS = 30 * 60 * 1000


class GroupAnswers:
    """All groups. `tend` is to run as long as it is used."""

    def __init__(self, journal: Journal, commits: Commits, reader: Reader, address: tuple[str, int]) -> None:
        self._journal = journal
        self._commits = commits
        self._reader = reader
        self.address = address
        self._groups: dict[str, ConsumerGroup] = {}
        self._joining: dict[asyncio.Future[bytes], tuple[ConsumerGroup, asyncio.Future[Joined]]] = {}

    async def tend(self) -> None:
        """Let the groups see time pass, for ever."""
        while True:
            for group in self._groups.values():
                group.tick()
            await asyncio.sleep(TICK_S)

    def find(self, request: Request) -> bytes:
        """There is one broker, and it coordinates."""
        host, port = self.address
        return request.answer(coordinator_id=NODE, host=host, port=port, error_message=None)

    def join(self, request: Request) -> Awaitable[bytes]:
        """Answered when all members have joined."""
        body = request.body
        if not body.group or not 0 < body.session_timeout <= MAX_SESSION_MS:
            code = Code.INVALID_SESSION_TIMEOUT if body.group else Code.INVALID_GROUP_ID
            return _now(_joined(request, Joined(code, body.member_id)))
        group = self._groups.setdefault(body.group, ConsumerGroup(time.monotonic))
        joined = group.join(
            body.member_id,
            getattr(body, "group_instance_id", None) or None,
            body.protocol_type,
            dict(body.group_protocols),
            session_s=body.session_timeout / 1000,
            rebalance_s=getattr(body, "rebalance_timeout", body.session_timeout) / 1000,
            client=request.client,
        )

        async def answer() -> bytes:
            return _joined(request, await asyncio.shield(joined))

        task = asyncio.ensure_future(answer())
        self._joining[task] = (group, joined)
        task.add_done_callback(self._joining.pop)
        return task

    def abandon(self, answer: "asyncio.Future[bytes]") -> None:
        """The connection that waited for ``answer`` is gone."""
        if answer in self._joining:
            group, joined = self._joining[answer]
            group.abandon(joined)

    async def sync(self, request: Request) -> bytes:
        """Answered when the leader has assigned."""
        body = request.body
        group = self._groups.get(body.group)
        if group is None:
            return request.answer(error_code=Code.UNKNOWN_MEMBER_ID, member_assignment=b"")
        synced = await group.sync(body.member_id, body.generation_id, dict(body.group_assignment))
        return request.answer(error_code=synced.code, member_assignment=synced.assignment)

    def heartbeat(self, request: Request) -> bytes:
        """Whether the member is one, and need not join again."""
        body = request.body
        group = self._groups.get(body.group)
        code = Code.UNKNOWN_MEMBER_ID if group is None else group.heartbeat(body.member_id, body.generation_id)
        return request.answer(error_code=code)

    def leave(self, request: Request) -> bytes:
        """A member goes."""
        group = self._groups.get(request.body.group)
        code = Code.UNKNOWN_MEMBER_ID if group is None else group.leave(request.body.member_id)
        return request.answer(error_code=code)

    async def commit(self, request: Request) -> bytes:
        """Store offsets; answered when they are on the disk."""
        body = request.body
        code = self._may_commit(body.consumer_group, body.consumer_id, body.consumer_group_generation_id)
        if code is Code.NONE:
            rows = [(name, p, offset, text or "") for name, parts in body.topics for p, offset, text in parts]
            try:
                await self._commits.submit(lambda: self._journal.commit_offsets(body.consumer_group, rows))
            except sqlite3.Error:
                code = Code.KAFKA_STORAGE_ERROR
        return request.answer(topics=[(name, [(p, code) for p, _, _ in parts]) for name, parts in body.topics])

    def committed(self, request: Request) -> bytes:
        """The committed offsets; -1 where there is none."""
        known = self._reader.offsets(request.body.consumer_group)
        asked = request.body.topics
        if asked is None:
            asked = [(name, [p for topic, p in known if topic == name]) for name in {topic for topic, _ in known}]
        return request.answer(
            topics=[
                (name, [(p, *known.get((name, p), (-1, "")), Code.NONE) for p in partitions])
                for name, partitions in asked
            ],
            error_code=Code.NONE,
        )

    def list_groups(self, request: Request) -> bytes:
        """Groups with members, and those that have committed."""
        names = {name: group.protocol_type for name, group in self._groups.items() if group.members}
        for name in self._reader.consumers():
            names.setdefault(name, "consumer")
        return request.answer(error_code=Code.NONE, groups=[*names.items()])

    def describe(self, request: Request) -> bytes:
        """States and members."""
        return request.answer(groups=[self._described(name) for name in request.body.groups])

    async def delete(self, request: Request) -> bytes:
        """Forget groups without members."""
        told = []
        for name in request.body.groups_names:
            group = self._groups.get(name)
            if group is not None and group.members:
                told.append((name, Code.NON_EMPTY_GROUP))
                continue
            try:
                known = await self._commits.submit(lambda name=name: self._journal.forget_consumers(name))  # type: ignore[misc]
            except sqlite3.Error:
                told.append((name, Code.KAFKA_STORAGE_ERROR))
                continue
            self._groups.pop(name, None)
            told.append((name, Code.NONE if known or group else Code.GROUP_ID_NOT_FOUND))
        return request.answer(results=told)

    def _may_commit(self, name: str, member_id: str, generation: int) -> Code:
        group = self._groups.get(name)
        if group is None or not group.members:
            return Code.NONE if generation < 0 else Code.UNKNOWN_MEMBER_ID
        code = group.check(member_id, generation)
        if code is Code.NONE:
            group.members[member_id].heard_at = time.monotonic()
            if group.phase is Phase.SYNCING:
                return Code.REBALANCE_IN_PROGRESS
        return code

    def _described(self, name: str) -> tuple[object, ...]:
        group = self._groups.get(name)
        if group is None:
            state = "Empty" if name in self._reader.consumers() else "Dead"
            return (Code.NONE, name, state, "consumer" if state == "Empty" else "", "", [])
        members = [
            (member.id, member.client, "/127.0.0.1", member.protocols.get(group.protocol, b""), member.assignment)
            for member in group.members.values()
        ]
        return (Code.NONE, name, group.phase.value, group.protocol_type, group.protocol, members)


def _joined(request: Request, joined: Joined) -> bytes:
    with_instance = request.version >= 5  # noqa: PLR2004 - a version
    return request.answer(
        error_code=joined.code,
        generation_id=joined.generation,
        group_protocol=joined.protocol,
        leader_id=joined.leader,
        member_id=joined.member,
        members=[
            (name, instance, metadata) if with_instance else (name, metadata)
            for name, instance, metadata in joined.members
        ],
    )


async def _now(answer: bytes) -> bytes:
    return answer
