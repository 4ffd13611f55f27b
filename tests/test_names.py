"""No two things share a name, so a reader knows what a name means without the import."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1] / "stream"

#: Packages whose modules are named after what they show, run or serve elsewhere.
NAMED_AFTER_OTHERS = {
    "adapters": "a provider's module has the name of the provider",
    "cli": "a command's module has the name of the command",
    "metrics": "a module has the name of what its metrics measure",
    "online_models/components": "a component has the name of the model that it serves",
}


def sources() -> Iterable[Path]:
    return (path for path in sorted(ROOT.rglob("*.py")) if not path.name.startswith("__"))


def shared(places: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {name: found for name, found in places.items() if len(found) > 1}


def is_command(path: Path) -> bool:
    return path.read_text("utf-8").startswith('"""``stream ')


def test_no_two_public_classes_share_a_name() -> None:
    places = defaultdict(list)
    for path in sources():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert shared(places) == {}


def test_no_two_modules_share_a_name() -> None:
    places = defaultdict(list)
    for path in sources():
        package = str(path.parent.relative_to(ROOT))
        if package not in NAMED_AFTER_OTHERS or (package == "cli" and not is_command(path)):
            places[path.stem].append(str(path.relative_to(ROOT)))
    assert shared(places) == {}
    for package in NAMED_AFTER_OTHERS:
        assert any((ROOT / package).glob("*.py")), package
