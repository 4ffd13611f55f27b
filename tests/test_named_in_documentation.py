"""What the documentation names exists: files, headings, modules, commands, options, settings, metrics."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from stream.cli import main
from stream.cli.metric_reference import catalogue
from stream.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "examples" / "README.md", *(ROOT / "docs").glob("*.md")]
FOLDERS = "stream|tests|benchmarks|examples|deploy|docs"
#: Headers of records, and resources of Kubernetes, that look like modules and files.
NO_MODULES, NO_FILES = {"stream.forwarded_from", "stream.learner"}, {"deploy/console", "deploy/*.env"}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    """The text without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> Iterator[str]:
    """The lines of its blocks of code, without their comments."""
    for block in re.findall(r"^```.*?\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        yield from (line.partition("#")[0] for line in block.splitlines())


def code(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(page))


def anchors(page: Path) -> set[str]:
    """The fragments under which GitHub shows the headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(dotted: str) -> bool:
    """Whether a module has that name, or a module has something of that name."""
    parts = dotted.split(".")
    for size in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:size])
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if path.is_dir() or source.is_file():
            rest = parts[size : size + 1]
            return not rest or (source.is_file() and bool(re.search(rf"\b{rest[0]}\b", source.read_text("utf-8"))))
    return False


def unknown_names(texts: Iterable[str]) -> set[str]:
    """Files and modules of the project that are named in ``texts`` and do not exist."""
    unknown = set()
    for text in texts:
        files = {found.rstrip("/.") for found in re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./*-]+", text)}
        unknown |= {name for name in files - NO_FILES if not any(ROOT.glob(name))}
        modules = set(re.findall(rf"(?<![\w/.-])(?:{FOLDERS})(?:\.[A-Za-z_]\w*)+", text))
        unknown |= {name for name in modules - NO_MODULES if not is_there(name)}
    return unknown


@pages
def test_every_link_leads_to_a_file_and_a_heading_of_it(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)]+)\)", prose(page)):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(link)
    assert broken == []


@pages
def test_every_file_and_module_exists(page: Path) -> None:
    assert unknown_names(code(page)) == set()


def test_every_file_and_module_that_a_source_names_exists() -> None:
    sources = [path for part in ("stream", "tests", "benchmarks") for path in (ROOT / part).rglob("*.py")]
    unknown = {path: unknown_names(re.findall(r"`([^`\n]+)`", path.read_text("utf-8"))) for path in sources}
    # the name of a picture stands for several
    unknown[ROOT / "benchmarks" / "flame.py"] -= {"docs/images/flame-NAME.svg"}
    assert {path: names for path, names in unknown.items() if names} == {}


@pages
def test_every_setting_and_metric_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    settings = {f"STREAM_{field.name.upper()}" for field in fields(Settings)}
    assert set(re.findall(r"\bSTREAM_\w+[A-Z0-9]\b", text)) - settings == set()
    metrics = {re.sub("_(bucket|count|sum)$", "", name) for name in re.findall(r"`(stream_\w+[a-z])[`{]", text)}
    assert metrics - {declaration.name for declaration in catalogue()} == set()


@pages
def test_every_command_and_its_options_exist(page: Path) -> None:
    spans = [span for span in code(page) if span.startswith("stream ")]
    lines = re.findall(r"^(?:\S+=\S+ )*(?:\.venv/bin/)?(stream [a-z].*)$", "\n".join(blocks(page)), re.MULTILINE)
    assert {told: fault for told in [*spans, *lines] if (fault := fault_of(told.split()))} == {}


def fault_of(words: list[str]) -> str:
    """What is wrong with a command line, empty for nothing."""
    command: click.Command = main
    context = click.Context(main)
    rest = words[1:]
    while isinstance(command, click.Group) and rest and re.fullmatch(r"[a-z][a-z-]*(\\\|[a-z-]+)*", rest[0]):
        names = rest.pop(0).split("\\|")
        found = [command.get_command(context, name) for name in names]
        if None in found:
            if command.invoke_without_command:
                break
            return f"no command {names}"
        assert found[0] is not None
        command = found[0]
    # a group may do what one of its commands does when none is named
    asked = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    options = {name for one in asked for option in one.params for name in (*option.opts, *option.secondary_opts)}
    unknown = {word.strip("[],;") for word in rest if word.strip("[").startswith("--")} - options - {"--help"}
    return f"no options {sorted(unknown)}" if unknown else ""
