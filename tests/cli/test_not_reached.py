"""What a receipt says of places that its process cannot see."""

from pathlib import Path

from stream.cli.directory_at import open_directory
from stream.cli.not_reached import not_reached
from stream.settings import Settings


def test_a_directory_that_is_not_here_is_named_until_it_is(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    assert [*not_reached(settings)] == ["directory and console"]
    with open_directory(settings, make=True):
        pass
    assert not_reached(settings) == {}


def test_what_postgresql_has_not_overwritten_is_named() -> None:
    settings = Settings(directory_url="postgresql://shop@localhost/shop")
    assert [*not_reached(settings)] == ["files of PostgreSQL"]
