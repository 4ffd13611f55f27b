"""Consumer groups: who is a member, and the rounds in which members agree on who takes what.

https://kafka.apache.org/protocol#The_Messages_JoinGroup; the states are those of Kafka's own coordinator. Members are
kept in memory only: after a restart they join again, and go on from the offsets that they have committed.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from stream.broker.error_codes import Code

__all__ = ["ConsumerGroup", "Joined", "Member", "Phase", "Synced"]

#: Members that come at the same time are to meet in the first round of a group.
FIRST_ROUND_S = 0.2


class Phase(Enum):
    """``JOINING``: it is waited for members to join; ``SYNCING``: for the leader's assignment."""

    EMPTY = "Empty"
    JOINING = "PreparingRebalance"
    SYNCING = "CompletingRebalance"
    STABLE = "Stable"


@dataclass(frozen=True, slots=True)
class Joined:
    """Answer to a member that joins. ``members`` (id, instance, metadata) are told to the leader only."""

    code: Code
    member: str = ""
    generation: int = -1
    protocol: str = ""
    leader: str = ""
    members: tuple[tuple[str, str | None, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Synced:
    """Answer to a member that asks for its assignment."""

    code: Code
    assignment: bytes = b""


@dataclass(slots=True)
class Member:
    """``session_s``: silent for so long, it is dead. ``joining``, ``syncing``: what it waits for."""

    id: str
    instance: str | None
    session_s: float
    rebalance_s: float
    protocols: dict[str, bytes]
    heard_at: float
    client: str = ""
    assignment: bytes = b""
    joining: "asyncio.Future[Joined] | None" = None
    syncing: "asyncio.Future[Synced] | None" = None


@dataclass(slots=True)
class ConsumerGroup:
    """One group. Its owner calls `tick` several times a second."""

    now: Callable[[], float]
    phase: Phase = Phase.EMPTY
    generation: int = 0
    protocol_type: str = ""
    protocol: str = ""
    leader: str = ""
    members: dict[str, Member] = field(default_factory=dict)
    round_ends_at: float = 0.0
    not_before: float = 0.0

    def join(
        self,
        member_id: str,
        instance: str | None,
        protocol_type: str,
        protocols: dict[str, bytes],
        *,
        session_s: float,
        rebalance_s: float,
        client: str,
    ) -> "asyncio.Future[Joined]":
        """Join, or join again; the answer comes when the round is complete."""
        answer: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        refusal = self._refusal(member_id, instance, protocol_type, protocols)
        if refusal is not Code.NONE:
            answer.set_result(Joined(refusal, member_id))
            return answer
        member = self.members.get(member_id)
        unchanged = member is not None and member.protocols == protocols
        if member is None:
            self._replace_instance(instance)
            new_id = f"{instance or client or 'member'}-{secrets.token_hex(16)}"
            member = Member(new_id, instance, session_s, rebalance_s, protocols, self.now(), client)
            self.members[new_id] = member
        self.protocol_type = protocol_type
        member.protocols, member.session_s, member.rebalance_s = protocols, session_s, rebalance_s
        member.heard_at = self.now()
        known = unchanged and (self.phase is Phase.SYNCING or (self.phase is Phase.STABLE and member.id != self.leader))
        if known:  # its answer was lost, or it asks for what it has
            answer.set_result(self._joined(member))
            return answer
        if member.joining is not None and not member.joining.done():
            member.joining.set_result(Joined(Code.UNKNOWN_MEMBER_ID, member.id))  # it has sent another one since
        member.joining = answer
        self._begin_round()
        self._end_round()
        return answer

    def sync(self, member_id: str, generation: int, assignments: dict[str, bytes]) -> "asyncio.Future[Synced]":
        """The assignment of a member; the leader brings those of all."""
        answer: asyncio.Future[Synced] = asyncio.get_running_loop().create_future()
        code = self.check(member_id, generation)
        if code is Code.NONE and self.phase is Phase.JOINING:
            code = Code.REBALANCE_IN_PROGRESS
        if code is not Code.NONE:
            answer.set_result(Synced(code))
            return answer
        member = self.members[member_id]
        member.heard_at = self.now()
        if self.phase is Phase.STABLE:
            answer.set_result(Synced(Code.NONE, member.assignment))
            return answer
        member.syncing = answer
        if member_id == self.leader:
            self.phase = Phase.STABLE
            for other in self.members.values():
                other.assignment = assignments.get(other.id, b"")
                other.heard_at = self.now()
                self._tell_sync(other, Synced(Code.NONE, other.assignment))
        return answer

    def heartbeat(self, member_id: str, generation: int) -> Code:
        """Note that a member lives; tell it when there is a round to join."""
        code = self.check(member_id, generation)
        if code is Code.NONE:
            self.members[member_id].heard_at = self.now()
            if self.phase is Phase.JOINING:
                return Code.REBALANCE_IN_PROGRESS
        return code

    def leave(self, member_id: str) -> Code:
        """A member goes in good order."""
        if member_id not in self.members:
            return Code.UNKNOWN_MEMBER_ID
        self._remove(member_id)
        return Code.NONE

    def check(self, member_id: str, generation: int) -> Code:
        """Whether there is such a member of this generation."""
        if member_id not in self.members:
            return Code.UNKNOWN_MEMBER_ID
        return Code.NONE if generation == self.generation else Code.ILLEGAL_GENERATION

    def abandon(self, answer: "asyncio.Future[Joined]") -> None:
        """The connection on which a member waited for this answer is gone: so is the member."""
        for member in [*self.members.values()]:
            if member.joining is answer:
                member.joining = None
                self._remove(member.id)

    def tick(self) -> None:
        """Let time pass: members that are silent are dead, and a round ends without those that do not come."""
        now = self.now()
        for member in [*self.members.values()]:
            if member.joining is None and now > member.heard_at + member.session_s:
                self._remove(member.id)
        if self.phase is Phase.JOINING:
            if now >= self.round_ends_at:
                for member in [*self.members.values()]:
                    if member.joining is None:
                        del self.members[member.id]
            self._end_round()

    def _refusal(self, member_id: str, instance: str | None, protocol_type: str, protocols: dict[str, bytes]) -> Code:
        if member_id and member_id not in self.members:
            return Code.UNKNOWN_MEMBER_ID
        if member_id and instance and self.members[member_id].instance != instance:
            return Code.FENCED_INSTANCE_ID
        others = [
            member
            for member in self.members.values()
            if member.id != member_id and (instance is None or member.instance != instance)
        ]
        if not protocols or not protocol_type or (others and protocol_type != self.protocol_type):
            return Code.INCONSISTENT_GROUP_PROTOCOL
        if others and not set.intersection(set(protocols), *(set(member.protocols) for member in others)):
            return Code.INCONSISTENT_GROUP_PROTOCOL
        return Code.NONE

    def _replace_instance(self, instance: str | None) -> None:
        """A static member that comes without an id was restarted: it takes the place of its former self."""
        for member in [*self.members.values()]:
            if instance and member.instance == instance:
                self._tell_join(member, Joined(Code.FENCED_INSTANCE_ID, member.id))
                self._tell_sync(member, Synced(Code.FENCED_INSTANCE_ID))
                del self.members[member.id]

    def _begin_round(self) -> None:
        if self.phase is Phase.JOINING:
            return
        now = self.now()
        for member in self.members.values():
            self._tell_sync(member, Synced(Code.REBALANCE_IN_PROGRESS))
        self.not_before = now + FIRST_ROUND_S if self.phase is Phase.EMPTY else now
        self.round_ends_at = now + max((member.rebalance_s for member in self.members.values()), default=0.0)
        self.phase = Phase.JOINING

    def _end_round(self) -> None:
        if self.phase is not Phase.JOINING or self.now() < self.not_before:
            return
        if any(member.joining is None for member in self.members.values()):
            return
        self.generation += 1
        if not self.members:
            self.phase, self.leader, self.protocol = Phase.EMPTY, "", ""
            return
        if self.leader not in self.members:
            self.leader = next(iter(self.members))
        wanted = self.members[self.leader].protocols
        self.protocol = next(
            name for name in wanted if all(name in member.protocols for member in self.members.values())
        )
        self.phase = Phase.SYNCING
        for member in self.members.values():
            member.heard_at = self.now()
            self._tell_join(member, self._joined(member))

    def _joined(self, member: Member) -> Joined:
        told = (
            tuple((other.id, other.instance, other.protocols[self.protocol]) for other in self.members.values())
            if member.id == self.leader
            else ()
        )
        return Joined(Code.NONE, member.id, self.generation, self.protocol, self.leader, told)

    def _remove(self, member_id: str) -> None:
        member = self.members.pop(member_id)
        self._tell_join(member, Joined(Code.UNKNOWN_MEMBER_ID, member_id))
        self._tell_sync(member, Synced(Code.UNKNOWN_MEMBER_ID))
        if self.members:
            self._begin_round()
        elif self.phase is not Phase.JOINING:
            self.phase = Phase.JOINING
            self.not_before = 0.0
        self._end_round()

    @staticmethod
    def _tell_join(member: Member, answer: Joined) -> None:
        waiting, member.joining = member.joining, None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    @staticmethod
    def _tell_sync(member: Member, answer: Synced) -> None:
        waiting, member.syncing = member.syncing, None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
