"""The rounds of a consumer group, with a simulated clock."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from stream.broker.error_codes import Code
from stream.broker.groups import FIRST_ROUND_S, ConsumerGroup, Joined, Phase

RANGE = {"range": b"topics"}


class _Setting:
    """A group and a clock that the test moves."""

    def __init__(self) -> None:
        self.at = 100.0
        self.group = ConsumerGroup(lambda: self.at)

    def join(
        self, member: str = "", instance: str | None = None, protocols: dict[str, bytes] | None = None
    ) -> "asyncio.Future[Joined]":
        return self.group.join(
            member, instance, "consumer", protocols or RANGE, session_s=10.0, rebalance_s=30.0, client="c"
        )

    def pass_by(self, seconds: float) -> None:
        self.at += seconds
        self.group.tick()

    async def formed(self, count: int) -> list[Joined]:
        """As many members, all with an assignment."""
        waiting = [self.join() for _ in range(count)]
        self.pass_by(FIRST_ROUND_S)
        joined = [await one for one in waiting]
        leader = next(one for one in joined if one.members)
        syncs = [self.group.sync(one.member, one.generation, {}) for one in joined if one is not leader]
        shares = {member: member.encode() for member, _, _ in leader.members}
        syncs.append(self.group.sync(leader.member, leader.generation, shares))
        await asyncio.gather(*syncs)
        assert self.group.phase is Phase.STABLE
        return joined


def _run(test: Callable[[_Setting], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def main() -> None:
            await test(_Setting())

        asyncio.run(main())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


@_run
async def test_members_that_join_together_meet_in_the_first_round(setting: _Setting) -> None:
    joined = await setting.formed(3)
    assert {one.generation for one in joined} == {1}
    assert len({one.leader for one in joined}) == 1
    assert [len(one.members) for one in joined].count(3) == 1


@_run
async def test_each_member_gets_its_share_from_the_leader_and_may_ask_again(setting: _Setting) -> None:
    joined = await setting.formed(2)
    for one in joined:
        again = await setting.group.sync(one.member, one.generation, {})
        assert (again.code, again.assignment) == (Code.NONE, one.member.encode())


@_run
async def test_a_new_member_makes_the_others_join_again(setting: _Setting) -> None:
    (first,) = await setting.formed(1)
    second = setting.join()
    assert setting.group.heartbeat(first.member, first.generation) is Code.REBALANCE_IN_PROGRESS
    assert not second.done()
    again = await setting.join(first.member)
    assert (await second).generation == again.generation == 2
    assert setting.group.heartbeat(first.member, 1) is Code.ILLEGAL_GENERATION


@_run
async def test_a_member_silent_for_the_session_is_dead_and_the_others_continue(setting: _Setting) -> None:
    first, second = await setting.formed(2)
    setting.pass_by(9.0)
    assert setting.group.heartbeat(first.member, 1) is Code.NONE
    setting.pass_by(2.0)
    assert setting.group.heartbeat(second.member, 1) is Code.UNKNOWN_MEMBER_ID
    assert setting.group.heartbeat(first.member, 1) is Code.REBALANCE_IN_PROGRESS
    assert [member for member, _, _ in (await setting.join(first.member)).members] == [first.member]


@_run
async def test_a_round_ends_without_members_that_do_not_join(setting: _Setting) -> None:
    first, second = await setting.formed(2)
    waiting = setting.join()
    rejoined = setting.join(first.member)
    for _ in range(40):  # the second one is alive but does not join
        setting.group.heartbeat(second.member, 1)
        setting.pass_by(1.0)
    assert {member for member, _, _ in (await rejoined).members or (await waiting).members} == {
        first.member,
        (await waiting).member,
    }


@_run
async def test_a_leader_that_dies_before_it_assigns_holds_nobody_up_for_ever(setting: _Setting) -> None:
    waiting = [setting.join(), setting.join()]
    setting.pass_by(FIRST_ROUND_S)
    joined = [await one for one in waiting]
    follower = next(one for one in joined if not one.members)
    sync = setting.group.sync(follower.member, follower.generation, {})
    for _ in range(4):
        setting.pass_by(3.0)
        setting.group.heartbeat(follower.member, follower.generation)
    assert (await sync).code is Code.REBALANCE_IN_PROGRESS
    assert (await setting.join(follower.member)).leader == follower.member


@_run
async def test_a_member_that_leaves_is_not_waited_for(setting: _Setting) -> None:
    first, second = await setting.formed(2)
    assert setting.group.leave(second.member) is Code.NONE
    assert setting.group.leave(second.member) is Code.UNKNOWN_MEMBER_ID
    assert len((await setting.join(first.member)).members) == 1
    setting.group.leave(first.member)
    assert setting.group.phase is Phase.EMPTY


@_run
async def test_a_static_member_that_is_restarted_takes_its_own_place_at_once(setting: _Setting) -> None:
    waiting = setting.join(instance="worker-0")
    setting.pass_by(FIRST_ROUND_S)
    former = await waiting
    replaced = setting.join(instance="worker-0")
    assert (await replaced).member != former.member
    assert [instance for _, instance, _ in (await replaced).members] == ["worker-0"]
    assert setting.group.heartbeat(former.member, former.generation) is Code.UNKNOWN_MEMBER_ID


@_run
async def test_a_member_whose_connection_goes_while_it_joins_is_gone(setting: _Setting) -> None:
    (first,) = await setting.formed(1)
    lost = setting.join()
    setting.group.abandon(lost)
    assert len((await setting.join(first.member)).members) == 1


@_run
async def test_members_that_have_no_protocol_in_common_are_refused(setting: _Setting) -> None:
    await setting.formed(1)
    assert (await setting.join(protocols={"other": b""})).code is Code.INCONSISTENT_GROUP_PROTOCOL
    assert (await setting.join("nobody")).code is Code.UNKNOWN_MEMBER_ID


@pytest.mark.parametrize("generation", [0, 2])
def test_an_assignment_of_another_generation_is_refused(generation: int) -> None:
    async def main() -> None:
        setting = _Setting()
        (only,) = await setting.formed(1)
        assert (await setting.group.sync(only.member, generation, {})).code is Code.ILLEGAL_GENERATION

    asyncio.run(main())
