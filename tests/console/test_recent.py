"""What takes long to make: who asks does not wait, but for the first one, and for one that is too old to show."""

import asyncio
import threading

import pytest

from stream.console.recent import Recent
from stream.errors import StorageError


class Clock:
    """Seconds, as the test says; making takes ``takes_s``, and waits for ``go_on`` once it has ``begun``."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.takes_s = 0.0
        self.made = 0
        self.is_away = False
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def make(self) -> int:
        self.begun.set()
        self.go_on.wait(60)
        if self.is_away:
            raise StorageError("Redis does not answer")
        self.now_s += self.takes_s
        self.made += 1
        return self.made


def test_what_is_old_is_given_at_once_and_made_anew_behind_who_asks() -> None:
    async def run() -> None:
        clock = Clock()
        recent = Recent(clock.make, lambda: clock.now_s)
        assert [await recent.get(), await recent.get()] == [1, 1]
        clock.now_s += 5.1
        clock.go_on.clear()
        assert [await recent.get() for _ in range(9)] == [1] * 9, "nobody waits"
        clock.go_on.set()
        await recent.close()
        assert (await recent.get(), clock.made) == (2, 2)
        clock.now_s += 3601
        clock.takes_s = 20.0
        assert await recent.get() == 3, "nobody is shown what is an hour old"
        # what takes long is made more rarely
        clock.now_s += 150
        assert await recent.get() == 3
        await recent.close()
        assert clock.made == 3
        clock.now_s += 40
        await recent.get()
        await recent.close()
        assert await recent.get() == 4

    asyncio.run(run())


def test_who_is_patient_is_given_a_new_one_unless_it_takes_long() -> None:
    async def run() -> None:
        clock = Clock()
        recent = Recent(clock.make, lambda: clock.now_s, patience_s=60.0)
        assert await recent.get() == 1
        clock.now_s += 5.1
        clock.takes_s = 61.0
        assert await recent.get() == 2
        clock.now_s += 700
        clock.go_on.clear()
        assert await recent.get() == 2, "the last one took too long to be waited for"
        clock.go_on.set()
        await recent.close()
        clock.is_away = True
        clock.now_s += 700
        assert await recent.get() == 3

    asyncio.run(run())


def test_many_who_ask_for_the_first_wait_for_the_same_one() -> None:
    async def run() -> None:
        clock = Clock()
        recent = Recent(clock.make, lambda: clock.now_s)
        assert await asyncio.gather(*(recent.get() for _ in range(20))) == [1] * 20

    asyncio.run(run())


def test_a_failure_is_told_to_the_next_who_asks() -> None:
    async def run() -> None:
        clock = Clock()
        recent = Recent(clock.make, lambda: clock.now_s)
        await recent.get()
        clock.is_away = True
        clock.now_s += 6
        assert await recent.get() == 1
        await recent.close()
        with pytest.raises(StorageError, match="Redis"):
            await recent.get()
        clock.is_away = False
        assert await recent.get() == 2

    asyncio.run(run())


def test_the_last_one_is_given_without_waiting_for_the_first() -> None:
    async def run() -> None:
        clock = Clock()
        recent = Recent(clock.make, lambda: clock.now_s)
        clock.go_on.clear()
        assert [await recent.last() for _ in range(3)] == [None] * 3
        clock.go_on.set()
        await recent.close()
        assert [await recent.last(), clock.made] == [1, 1]
        # what is too old to show is made anew, and why it cannot be is told once
        clock.now_s += 3601
        clock.is_away = True
        assert await recent.last() is None
        await recent.close()
        with pytest.raises(StorageError, match="Redis"):
            await recent.last()
        # which began another try
        clock.is_away = False
        await recent.close()
        assert await recent.last() == 2

    asyncio.run(run())


def test_a_failure_of_long_ago_says_nothing_of_now() -> None:
    async def run() -> None:
        clock = Clock()
        recent = Recent(clock.make, lambda: clock.now_s)
        clock.is_away = True
        assert await recent.last() is None
        await recent.close()
        clock.is_away = False
        clock.now_s += 61
        assert await recent.last(60.0) == 1

    asyncio.run(run())


def test_who_is_patient_waits_for_the_first_one() -> None:
    async def run() -> None:
        clock = Clock()
        recent = Recent(clock.make, lambda: clock.now_s, patience_s=60.0)
        assert await recent.last(60.0) == 1
        clock.now_s += 3601
        clock.is_away = True
        with pytest.raises(StorageError, match="Redis"):
            await recent.last(60.0)
        clock.is_away = False
        clock.go_on.clear()
        assert await recent.last(0.01) is None, "but not for ever"
        clock.go_on.set()
        await recent.close()
        assert await recent.last(0.01) == 2

    asyncio.run(run())


def test_nobody_is_given_what_was_being_made_when_it_was_to_be_forgotten() -> None:
    async def run() -> None:
        clock = Clock()
        recent = Recent(clock.make, lambda: clock.now_s)
        clock.go_on.clear()
        asked = [asyncio.create_task(recent.get()) for _ in range(3)]
        assert await asyncio.to_thread(clock.begun.wait, 60)
        recent.forget()
        clock.go_on.set()
        assert await asyncio.gather(*asked) == [2] * 3

    asyncio.run(run())


def test_nobody_who_waited_for_a_new_one_is_given_a_forgotten_one() -> None:
    async def run() -> None:
        clock = Clock()
        recent = Recent(clock.make, lambda: clock.now_s, patience_s=60.0)
        assert await recent.get() == 1
        clock.now_s += 6
        clock.begun.clear()
        clock.go_on.clear()
        asked = asyncio.create_task(recent.get())
        assert await asyncio.to_thread(clock.begun.wait, 60)
        recent.forget()
        clock.go_on.set()
        # neither the first, nor the second, which had begun before
        assert await asked == 3

    asyncio.run(run())
