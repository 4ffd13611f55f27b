"""Packages whose ``__init__`` is not run before someone asks for what it makes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stream.deferred_packages import defer

FIRST = "import sys; import shop; from stream.deferred_packages import defer; defer('shop.goods');"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where a package ``shop.goods`` says so when it is run; it imports its modules, of which one uses the other."""
    goods = tmp_path / "shop" / "goods"
    goods.mkdir(parents=True)
    (tmp_path / "shop" / "__init__.py").touch()
    (goods / "__init__.py").write_text(
        "print('run')\nfrom .apple import Apple\nfrom .pear import Pear\n__all__ = ['Apple', 'Pear']\n"
    )
    (goods / "pear.py").write_text("class Pear: pass\n")
    (goods / "apple.py").write_text("from shop import goods\nclass Apple(goods.pear.Pear): pass\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(Path(__file__).parents[1])))}


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("from shop.goods.apple import Apple; print(Apple.__mro__[1].__name__)", "Pear"),
        ("from shop.goods import Apple; from shop import goods; print(Apple is goods.apple.Apple)", "run\nTrue"),
        ("from shop import goods; print(goods.pear.Pear is goods.Pear)", "run\nTrue"),
        ("from shop.goods import *; print(Pear.__name__)", "run\nPear"),
        ("from shop import goods; print(hasattr(goods, 'Plum'), goods.Apple.__name__)", "run\nFalse Apple"),
        ("import shop.goods; defer('shop.goods'); print(hasattr(shop.goods, '__wrapped__'))", "False"),
    ],
)
def test_modules_come_without_the_package_and_all_else_runs_it_once(
    environment: dict[str, str], program: str, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST + program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == said


def test_what_is_imported_already_stays_and_what_is_unknown_is_an_error() -> None:
    defer("json")
    assert sys.modules["json"].loads("1") == 1
    with pytest.raises(ModuleNotFoundError, match="there is no package 'nothing_of_this_name'"):
        defer("nothing_of_this_name")
