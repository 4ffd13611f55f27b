"""Receipts of erasures: each signed, and each bound to the one before."""

from pathlib import Path

import msgspec
import pytest

from stream.errors import SettingsError
from stream.privacy.erasure_receipt import FIRST, ErasureReceipt, ReceiptSigner, digest_of, faults


def receipt(number: int, previous: str) -> ErasureReceipt:
    return ErasureReceipt(
        request_id=f"r-{number}",
        asked_at="2026-01-01T00:00:00Z",
        erased_at="2026-01-01T00:00:09Z",
        pseudonyms=["p1_x"],
        found={"profiles": 1, "timers": 1},
        left={"profiles": 0, "timers": 0},
        remains={"topics": "until retention"},
        previous=previous,
        number=number,
    )


def chain(signer: ReceiptSigner, length: int = 4) -> list[ErasureReceipt]:
    made: list[ErasureReceipt] = []
    for number in range(1, length + 1):
        made.append(signer.signed(receipt(number, digest_of(made[-1]) if made else FIRST)))
    return made


@pytest.fixture
def signer(tmp_path: Path) -> ReceiptSigner:
    return ReceiptSigner(tmp_path / "keys" / "key.pem")


def test_a_chain_is_whole_in_any_order(signer: ReceiptSigner) -> None:
    made = chain(signer)
    assert faults([]) == []
    assert faults(reversed(made), frozenset({signer.public_key})) == []


def test_every_change_of_a_receipt_is_seen(signer: ReceiptSigner) -> None:
    made = chain(signer)
    changes: list[dict[str, object]] = [
        {"erased_at": "2026-01-01T00:00:08Z"},
        {"pseudonyms": ["p1_y"]},
        {"found": {"profiles": 2, "timers": 1}},
        {"left": {"profiles": 1, "timers": 0}},
        {"previous": FIRST},
        {"number": 7},
        {"signature": made[0].signature},
        {"public_key": "00" * 32},
    ]
    for change in changes:
        forged = [made[0], msgspec.structs.replace(made[1], **change), *made[2:]]
        assert faults(forged), change
    for missing in range(3):
        assert faults(made[:missing] + made[missing + 1 :])


def test_a_receipt_that_another_key_signed_is_seen(signer: ReceiptSigner, tmp_path: Path) -> None:
    other = ReceiptSigner(tmp_path / "other.pem")
    forged = chain(other)
    assert faults(forged) == []
    assert len(faults(forged, frozenset({signer.public_key}))) == len(forged)


def test_the_key_stays_and_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    assert ReceiptSigner(file).public_key == ReceiptSigner(file).public_key
    assert file.stat().st_mode & 0o077 == 0
    file.write_text("no key")
    with pytest.raises(SettingsError, match="is not a private key"):
        ReceiptSigner(file)


def test_a_key_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be made"):
        ReceiptSigner(tmp_path / "file" / "key.pem")
