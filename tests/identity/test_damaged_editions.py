"""A stored document whose edition is damaged costs its customer and nobody else."""

from stream.identity.links import LinkName
from stream.processing.editions import edition_in, merged_into
from tests.identity.test_histories import JoiningShop, view


def test_a_damaged_edition_sets_its_customer_aside_and_nobody_else() -> None:
    shop = JoiningShop()
    for number, (own_id, day) in enumerate([("c-1", 0), ("c-2", 1), ("c-3", 2)]):
        shop.come(own_id, view(number, day))
    shop.finish()
    shop.link(LinkName.MERGE, "c-2", "c-1")
    shop.finish()
    joined, left, other = (shop.documents.stored[who] for who in ("c-1", "c-2", "c-3"))
    assert edition_in(joined).before
    assert merged_into(left) == "c-1"
    state = left.index(b'"state":"') + 20
    for who, damaged in (
        ("c-1", joined[:20]),
        ("c-1", joined.replace(b'{"edition":{', b'{"edition":{"number":"x",', 1)),
        ("c-1", joined.replace(b'"joined_ms":1', b'"joined_ms":2', 1)),
        ("c-1", joined.replace(b'"before":"', b'"before":"AA', 1)),
        ("c-1", joined.replace(b'"before":"', b'"before":"#', 1)),
        ("c-2", left[:30]),
        ("c-2", left.replace(b'"into":"c-1"', b'"into":"c-3"', 1)),
        ("c-2", left.replace(b'"number":1', b'"number":4', 1)),
        ("c-2", left[:state] + (b"A" if left[state : state + 1] != b"A" else b"B") + left[state + 1 :]),
    ):
        assert damaged not in {joined, left}
        shop.core.restore(None)
        (error,) = shop.core.remember(["c-3", who], [other, damaged])
        assert error.customer == who
        assert shop.core.quarantined.keys() == {who}
