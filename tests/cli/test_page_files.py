"""Files that commands write for people."""

from pathlib import Path

import pytest

from stream.cli.page_files import write_page
from stream.errors import SettingsError


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_about_a_person_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    new, shared = tmp_path / "new" / "person.json", tmp_path / "shared"
    shared.mkdir(mode=0o755)
    old = shared / "person.json"
    # what was there before, and what an attempt that was killed has left
    for left in (old, shared / ".person.json.part"):
        left.write_text("old")
        left.chmod(0o644)
    for path in (new, old):
        write_page(path, "{}", is_private=True)
        assert (path.read_text(), rights(path)) == ("{}", 0o600)
    assert rights(new.parent) == 0o700
    assert [one.name for one in shared.iterdir()] == ["person.json"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "page.html"
    with pytest.raises(SettingsError, match=rf"^{path} cannot be written: "):
        write_page(path, "")
