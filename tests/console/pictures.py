"""Pictures of every page of a console that runs, to look at: ``python -m tests.console.pictures ADDRESS FOLDER``.

Each page in each language, light and dark, on a small screen and a large one, and the faults that are found by
programs: what is wider than the screen, what axe reports, what the browser complains about. ``--docs`` also writes
the pictures of the documentation, into ``docs/images``. The console has no users, as that of ``stream demo --keep``.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Final

from stream.console.languages import LANGUAGES
from tests.console.addresses import PAGES
from tests.console.chromium import Chromium
from tests.programs import required_program

__all__ = ["take_pictures"]

_WIDTHS: Final = (360, 1280)
_DOCS: Final = Path(__file__).parents[2] / "docs" / "images"
#: Those of the documentation: the page, and the height that is shown.
_SHOWN: Final = {"today": ("/#today", 800), "customer": ("customer", 1000), "business": ("/business", 900)}
_SHOWN_WIDTH: Final = 1080


async def _open(page: Chromium, address: str, path: str) -> None:
    if path != "customer":
        await page.go(f"{address}{path}")
        return
    await page.go(f"{address}/")
    await page.press("#today form[action='/customer'] button, .who button")


async def take_pictures(address: str, folder: Path, profile: Path) -> list[str]:
    """Write a PNG of every page; returns the faults that were found."""
    faults: list[str] = []
    async with Chromium(required_program("chromium", "chromium"), profile) as page:
        await page.call("Network.enable")
        await page.call("Emulation.setScrollbarsHidden", hidden=True)
        for language in LANGUAGES:
            await page.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
            for path in (*PAGES, "customer"):
                for width in _WIDTHS:
                    for dark in (False, True):
                        await page.resize(width, 800, dark=dark)
                        await _open(page, address, path)
                        name = f"{path.strip('/') or 'today'}-{language}-{width}-{'dark' if dark else 'light'}"
                        (folder / f"{name}.png").write_bytes(await page.picture())
                        if await page.js("document.documentElement.scrollWidth > innerWidth"):
                            faults.append(f"{name}: wider than the screen")
                        faults += [f"{name}: {fault}" for fault in await page.faults()]
        return faults + page.complaints


async def _take_those_of_the_documentation(address: str, profile: Path) -> None:
    async with Chromium(required_program("chromium", "chromium"), profile) as page:
        await page.call("Emulation.setScrollbarsHidden", hidden=True)
        for name, (path, height) in _SHOWN.items():
            await page.resize(_SHOWN_WIDTH, height)
            await _open(page, address, path)
            (_DOCS / f"console-{name}.webp").write_bytes(await page.picture(form="webp", whole=False))


def main() -> None:
    """Take the pictures, and print what is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("address", help="of a console, as in http://127.0.0.1:8090")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--docs", action="store_true", help="write those of the documentation as well")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    address = given.address.rstrip("/")
    with tempfile.TemporaryDirectory() as profile:
        faults = asyncio.run(take_pictures(address, given.folder, Path(profile)))
        if given.docs:
            asyncio.run(_take_those_of_the_documentation(address, Path(profile)))
    raise SystemExit("\n".join(faults))


if __name__ == "__main__":
    main()
