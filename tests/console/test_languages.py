"""The console in every language: complete catalogues, figures by locale, and pages without an English left-over."""

import asyncio
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestServer
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from stream.console import rendering
from stream.console.collecting import collected
from stream.console.languages import LANGUAGES, LOCALES, catalogue_of
from stream.reporting.writing import Writing
from tests.console.addresses import PAGES
from tests.console.chromium import Chromium
from tests.console.conftest import EVIL, Office, Visit
from tests.programs import required_program

BY_WEEK = "/business?by=week"
TRANSLATED = [code for code in LANGUAGES if code != "en"]
_NAMED = re.compile(r"%\((\w+)\)")
_PLACE = re.compile(r"%\(\w+\)s|<[^>]+>|%%")


def texts_of(message: Message) -> tuple[list[str], list[str]]:
    """Of a message, what stands in the code and how it is translated, singular and plural."""
    return tuple(  # type: ignore[return-value]
        [*text] if isinstance(text, list | tuple) else [text] for text in (message.id, message.string)
    )


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_message_is_translated_with_the_same_places(code: str) -> None:
    with (Path(str(LOCALES)) / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=LANGUAGES[code].locale)
    said, translated = ({one.id: one for one in of if one.id} for of in (collected(), catalogue))
    assert said.keys() == translated.keys(), "python -m stream.console.collecting"
    for message in translated.values():
        assert not message.fuzzy, message.id
        ids, strings = texts_of(message)
        assert len(strings) == (catalogue.num_plurals if len(ids) > 1 else 1), message.id
        # a language without plurals has the form for many
        for said_so, string in zip(ids if len(strings) == len(ids) else ids[-1:], strings, strict=True):
            assert string.strip(), message.id
            assert sorted(_PLACE.findall(string)) == sorted(_PLACE.findall(said_so)), (message.id, string)
            # a percent sign alone would be an error in place of a page
            assert string % dict.fromkeys(_NAMED.findall(string), 1), message.id
            assert (string[-1] in "。.") == (said_so[-1] == "."), (message.id, string)


def test_counts_have_the_plural_of_their_language() -> None:
    german, chinese = catalogue_of("de"), catalogue_of("zh")
    one, many = "%(num)s outcome", "%(num)s outcomes"
    assert [german.ngettext(one, many, n) for n in (0, 1, 2)] == [
        "%(num)s Ausgängen",
        "%(num)s Ausgang",
        "%(num)s Ausgängen",
    ]
    assert {chinese.ngettext(one, many, n) for n in (0, 1, 2)} == {"%(num)s 个结果"}


def test_figures_are_written_as_people_of_the_language_do() -> None:
    shop = Writing("en_GB", "EUR", ZoneInfo("Europe/Berlin"))
    written: dict[str, tuple[str, ...]] = {}
    for code, language in LANGUAGES.items():
        of = shop.in_language(code, language.locale)
        written[code] = (of.money(1234.5), of.number(1234567), of.percent(0.756), of.long_date(1_700_000_000_000))
        written[code] += (of.month(date(2026, 3, 1)), of.stamp(1_700_000_000_000))
    assert {code: [one.replace("\N{NO-BREAK SPACE}", " ") for one in of] for code, of in written.items()} == {
        "en": ["€1,234.50", "1,234,567", "76%", "14 November 2023", "Mar 2026", "14 Nov 2023, 23:13"],
        "de": ["1.234,50 €", "1.234.567", "76 %", "14. November 2023", "März 2026", "14.11.2023, 23:13"],
        "zh": ["€1,234.50", "1,234,567", "76%", "2023年11月14日", "2026年3月", "2023年11月14日 23:13"],
    }


def test_a_browser_is_given_its_language_until_somebody_chooses(office: Office) -> None:
    async def steps(visit: Visit) -> None:
        for accepted, tag, heading in (
            ("de-CH, en;q=0.5", "de", "Kunden"),
            ("fr, zh-CN;q=0.8", "zh-Hans", "顾客"),
            ("fr", "en", "Customers"),
        ):
            _, headers, text = await visit("/customers", Accept_Language=accepted)
            assert (f'<html lang="{tag}">' in text, f"<h1>{heading}</h1>" in text) == (True, True)
            assert (headers["Content-Language"], headers["Vary"]) == (tag, "Accept-Language, Cookie")
        status, headers, _ = await visit("/language", {"language": "de", "page": "/business?by=week"})
        assert (status, headers["Location"]) == (303, "/business?by=week")
        assert "SameSite=Strict" in headers["Set-Cookie"]
        assert "HttpOnly" in headers["Set-Cookie"]
        assert "<h1>Geschäft</h1>" in (await visit("/business", Accept_Language="zh"))[2]
        # a page that was asked for with a form stays as it is
        _, _, text = await visit("/customers", {"language": "zh", "stage": "at_risk", "sort": "risk"})
        assert '<option value="at_risk" selected>有风险</option>' in text
        assert 'lang="zh-Hans"' in (await visit("/customer", {"customer_id": "c-3"}))[2]
        for odd in ("//evil.example", "https://evil.example/", "/nowhere", "/customer", "/customers?x=%0d", ""):
            assert (await visit("/language", {"language": "en", "page": odd}))[1]["Location"] == "/", odd
        assert (await visit("/customers", {"risk_from": "viel", "language": "de"}))[2].count(
            "Risiko ab (Prozent): erwartet wird eine Zahl"
        ) == 1

    office.visited(steps)


async def each_page(browser: Chromium, base: str) -> list[tuple[str, str]]:
    """Every page in turn; returns the problems that were found."""
    problems: list[tuple[str, str]] = []
    for path in (*PAGES, BY_WEEK, "customer"):
        if path == "customer":
            await browser.go(f"{base}/customers")
            await browser.press("tr:last-child .who button")
        else:
            await browser.go(f"{base}{path}")
        problems += [(path, fault) for fault in await browser.faults()]
        if not await browser.js("document.documentElement.scrollWidth <= innerWidth"):
            problems.append((path, "wider than the screen"))
    return problems


def test_every_page_in_every_language_is_sound_in_a_browser(office: Office, tmp_path: Path) -> None:
    program = required_program("chromium", "chromium")

    async def run() -> None:
        async with TestServer(office.application()) as server, Chromium(program, tmp_path) as browser:
            base = f"http://127.0.0.1:{server.port}"
            await browser.resize(360, 800)
            for code, language in LANGUAGES.items():
                await browser.go(f"{base}/")
                await browser.press(f".languages button[value={code}]")
                assert await browser.js("document.documentElement.lang") == language.tag
                assert await each_page(browser, base) == [], code
            assert browser.complaints == []

    asyncio.run(run())


#: Texts that stand on their own beside an element of a message, or in English on purpose.
_LEFT_OVER = """(() => {
    const found = [], apart = '[lang]:not(html), [translate=no]';
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
        if (node.data.trim() && !node.parentElement.closest(apart)) found.push(node.data.trim());
    for (const one of document.querySelectorAll('[aria-label], [data-name], [placeholder], title'))
        found.push(one.getAttribute('aria-label') || one.dataset.name || one.placeholder || one.textContent);
    return found;
})()"""
#: What a made-up shop says itself: ids, products, topics, names, months and days.
_DATA = re.compile(
    r"[cop]-?[\w:-]*\d|email:h1_\w+|topic|Ann|script|alert|events\.[a-z]+|[a-z-]+-changes|anna|bea|desk|"
    r"sqlite|console|spring|autumn|welcome|<b>sale</b>|delivery|churn model|web|email|"
    r"store|x|customers|alerts|stages|actions|(Jan|Feb|März|Apr|Mai|Juni|Juli|Aug|Sept|Okt|Nov|Dez)[a-zäöü]*\.?|"
    r"(Mon|Diens|Donners|Frei|Sams|Sonn)tag|Mittwoch|NPS|CSAT|CES|[Kk]auf\w*",
)


def bracketed(text: str) -> str:
    """A message in brackets, each of its texts if it has elements."""
    pieces = re.split(r"(<[^>]+>)", text)
    return "".join(piece if piece.startswith("<") or not piece else f"⟦{piece}⟧" for piece in pieces)


def pseudo(messages: Catalog) -> Catalog:
    """A catalogue in which every message stands in brackets."""
    made = Catalog("de_DE")
    for message in messages:
        if message.id:
            ids = texts_of(message)[0]
            made.add(message.id, tuple(map(bracketed, ids)) if len(ids) > 1 else bracketed(ids[0]))
    return made


def left_over(texts: list[str]) -> list[str]:
    """What stands outside of all brackets, without data."""
    found = []
    for text in texts:
        bare, before = text, ""
        while bare != before:
            before, bare = bare, re.sub(r"⟦[^⟦⟧]*⟧", "", bare)
        if re.search(r"[^\W\d_]", _DATA.sub("", bare).replace("⟦", "").replace("⟧", "")):
            found.append(text)
    return found


def test_no_page_has_a_text_that_no_catalogue_can_translate(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = required_program("chromium", "chromium")
    with (tmp_path / "de.po").open("wb") as file:
        write_po(file, pseudo(collected()))
    monkeypatch.setattr(rendering, "catalogue_of", lambda code: catalogue_of(code, tmp_path))

    async def run() -> Mapping[str, list[str]]:
        found = {}
        async with TestServer(office.application()) as server, Chromium(program, tmp_path) as browser:
            base = f"http://127.0.0.1:{server.port}"
            await browser.go(f"{base}/")
            await browser.press(".languages button[value=de]")
            for path in (*PAGES, BY_WEEK, "/login", "customer"):
                if path == "customer":
                    await browser.go(f"{base}/customers")
                    await browser.press("tr:last-child .who button")
                else:
                    await browser.go(f"{base}{path}")
                found[path] = left_over(await browser.js(_LEFT_OVER))
        return found

    assert {path: texts for path, texts in asyncio.run(run()).items() if texts} == {}


def test_left_over_english_is_noticed() -> None:
    assert left_over(["⟦Orders⟧", "⟦Put off until ⟦x⟧⟧", "12,5 %", "c-12", "Mai 2026"]) == []
    assert left_over(["Orders", "⟦Orders⟧ of today", EVIL + " told"]) == ["Orders", "⟦Orders⟧ of today", EVIL + " told"]
