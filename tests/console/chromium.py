"""A headless Chromium, driven by its DevTools protocol: pages as a person uses them, and its complaints."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

__all__ = ["Chromium"]

_DEADLINE_S = 60.0
_AXE = Path(str(files("axe_core_python"))) / "axe.min.js"
_RUN_AXE = """axe.run({resultTypes: ['violations']}).then(found => found.violations.flatMap(
    rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.html} ${node.failureSummary}`)))"""


class Chromium:
    """``async with Chromium(program, directory) as page: ...``: one window. ``complaints``: errors of its console."""

    def __init__(self, program: str, directory: Path) -> None:
        self.complaints: list[str] = []
        self._profile = directory / "profile"
        self._program = program
        self._last = self._loaded = 0

    async def __aenter__(self) -> Self:
        command = [self._program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        command += ["--disable-dev-shm-usage", "--disable-background-networking", "--remote-debugging-port=0"]
        command += [f"--user-data-dir={self._profile}", "about:blank"]
        self._process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        self._session = aiohttp.ClientSession()
        try:
            port = await self._port()
            async with self._session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                (page,) = [one for one in await answer.json() if one["type"] == "page"]
            self._socket = await self._session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
            for domain in ("Page", "Runtime", "Log"):
                await self.call(f"{domain}.enable")
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._end()

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol, and its result."""
        self._last += 1
        await self._socket.send_json({"id": self._last, "method": method, "params": params})
        while True:
            message = await asyncio.wait_for(self._socket.receive_json(), _DEADLINE_S)
            self._note(message)
            if message.get("id") == self._last:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    async def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def faults(self) -> list[str]:
        """What axe finds on the page: the rule, and where it is broken."""
        if not await self.js("'axe' in window"):
            await self.js(_AXE.read_text("utf-8"))
        found = await self.call("Runtime.evaluate", expression=_RUN_AXE, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return [str(fault) for fault in found["result"]["value"]]

    async def picture(self, *, form: str = "png", whole: bool = True) -> bytes:
        """The whole page, or what the screen shows of it."""
        quality = {} if form == "png" else {"quality": 80}
        found = await self.call("Page.captureScreenshot", captureBeyondViewport=whole, format=form, **quality)
        return base64.b64decode(found["data"])

    async def go(self, address: str) -> None:
        """Open an address, and wait until the page is complete."""
        await self._leave(f"location.assign({json.dumps(address)})")

    async def press(self, selector: str) -> None:
        """Click on what leads to another page, and wait until that is complete."""
        assert await self.js(f"!!document.querySelector({json.dumps(selector)})"), f"there is no {selector}"
        await self._leave(f"document.querySelector({json.dumps(selector)}).click()")

    async def arrive(self) -> None:
        """Wait for the page to which this one leads by itself."""
        await self._leave("")

    async def fill(self, selector: str, text: str) -> None:
        """Type into a field."""
        await self.js(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.call("Input.insertText", text=text)

    async def key(self, name: str) -> None:
        """Press a key, such as ``Tab``."""
        typed = {"text": "\r"} if name == "Enter" else {}
        code = {"Tab": 9, "Enter": 13}[name]
        named = {"key": name, "code": name, "windowsVirtualKeyCode": code}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **named, **typed)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    async def tab_to(self, selector: str, most: int = 100) -> None:
        """Press Tab until an element has the focus; every one on the way must show that it has it.

        A field for a date shows it at its day, month and year, which are not elements of the page.
        """
        for _ in range(most):
            await self.key("Tab")
            assert await self.js(
                "document.activeElement === document.body || document.activeElement.type === 'date'"
                " || getComputedStyle(document.activeElement).outlineStyle !== 'none'"
            ), await self.js("document.activeElement.outerHTML")
            if await self.js(f"document.activeElement.matches({json.dumps(selector)})"):
                return
        raise AssertionError(f"Tab does not lead to {selector}")

    async def enter(self) -> None:
        """Press Enter on what leads to another page, and wait until that is complete."""
        loaded = self._loaded
        await self.key("Enter")
        await self._load_after(loaded)

    async def text(self) -> str:
        """What is to be read on the page."""
        return str(await self.js("document.body.innerText"))

    async def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Show pages on a screen of this size (CSS pixels)."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def _leave(self, expression: str) -> None:
        loaded = self._loaded
        if expression:
            await self.js(f"void {expression}")
        await self._load_after(loaded)

    async def _load_after(self, loaded: int) -> None:
        while self._loaded == loaded:
            self._note(await asyncio.wait_for(self._socket.receive_json(), _DEADLINE_S))

    async def _port(self) -> int:
        """Where it listens, as it says itself."""
        assert self._process.stderr is not None
        told: list[bytes] = []
        async with asyncio.timeout(_DEADLINE_S):
            while line := await self._process.stderr.readline():
                told.append(line)
                if b"DevTools listening on" in line:
                    self._rest = asyncio.create_task(self._process.stderr.read())
                    return int(line.split(b":")[2].partition(b"/")[0])
        raise AssertionError(b"".join(told).decode(errors="replace"))

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        self._loaded += message.get("method") == "Page.loadEventFired"
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif message.get("method") == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    async def _end(self) -> None:
        await self._session.close()
        with contextlib.suppress(ProcessLookupError):  # it has ended
            self._process.terminate()
        await asyncio.wait_for(self._process.wait(), _DEADLINE_S)
