"""The trainer takes erased people out of what it keeps of single customers, though no example comes."""

import asyncio

import msgspec

from stream.local.redis import EmbeddedRedis
from stream.online_models.example import encode_example
from stream.privacy.erasures import Erasures
from stream.privacy.pseudonym import Pseudonyms
from stream.privacy.request_records import PrivacyRequest
from stream.settings import Settings
from stream.storage.privacy_desk import PrivacyDesk
from tests.agents.rig import until
from tests.agents.training import EXAMPLES, TrainerBench, play

_KEY = b"k" * 32
PEOPLE = [f"c-{number}" for number in range(5)]
#: The made-up examples, in turn of some people.
OF_PEOPLE = [
    msgspec.structs.replace(example, customer_id=PEOPLE[number % len(PEOPLE)])
    for number, example in enumerate(EXAMPLES)
]


def sampled(settings: Settings) -> list[str]:
    """The customers of whom the stored checkpoint has a row, as an erasure looks for them."""
    with PrivacyDesk(settings) as desk:
        return [str(row["customer_id"]) for row in desk.sampled(PEOPLE)]


def test_who_is_erased_is_in_no_sample_any_more(redis_server: EmbeddedRedis, namespace: str) -> None:
    settings = Settings(redis_url=redis_server.url, namespace=namespace)

    async def scenario(bench: TrainerBench) -> None:
        erasures = Erasures(_KEY)
        await bench.start(erasures=erasures)
        await until(bench.all_learned, "everything is learned", 60.0)
        before = await asyncio.to_thread(sampled, settings)
        assert before == PEOPLE
        gone, *others = before
        request = PrivacyRequest(request_id="r-1", asked_at=1.0, pseudonyms=[Pseudonyms(_KEY).of(gone)], ids=[gone])
        erasures.take(0, request)
        async with asyncio.timeout(60):
            while await asyncio.to_thread(sampled, settings) != others:  # noqa: ASYNC110 - Redis signals no write
                await asyncio.sleep(0.05)
        await bench.end()

    play(redis_server, namespace, scenario, [*map(encode_example, OF_PEOPLE)])
