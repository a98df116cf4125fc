"""The pages' languages: catalogues that are complete and keep their places, and who is shown which."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask

from tests.console.conftest import Browser, Client
from tests.console.scene import Scene

CONSOLE = Path(__file__).parents[2] / "gateway" / "console"
PLACE = re.compile(r"%\(\w+\)[ds]|\{\w+\}")
KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


@cache
def marked() -> set[Any]:
    """Every text that the templates and the code mark for translation."""
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    options = {"templates/**.html": {"silent": "false", "newstyle_gettext": "true"}}
    found = extract_from_dir(str(CONSOLE), methods, options, keywords=KEYWORDS)
    return {message for _, _, message, _, _ in found}


def catalogue(language: str) -> Catalog:
    with (CONSOLE / "translations" / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", ["es", "ru"])
def test_every_text_has_its_translation(language: str) -> None:
    known = catalogue(language)
    assert len(marked()) > 350
    assert sorted(str(one) for one in marked() if known.get(one[0] if isinstance(one, tuple) else one) is None) == []


@pytest.mark.parametrize("language", ["es", "ru"])
def test_no_translation_is_left_over_or_empty(language: str) -> None:
    texts = {one if isinstance(one, str) else one[0] for one in marked()}
    for message in catalogue(language):
        if message.id:
            first = message.id if isinstance(message.id, str) else message.id[0]
            assert first in texts, first
            given = [message.string] if isinstance(message.string, str) else list(message.string)
            assert all(given), first
            for one in given:
                assert set(PLACE.findall(one)) == set(PLACE.findall(first)), first


@pytest.mark.parametrize(("language", "forms"), [("es", 2), ("ru", 3)])
def test_plurals_have_all_their_forms(language: str, forms: int) -> None:
    plurals = [message for message in catalogue(language) if isinstance(message.id, tuple)]
    assert plurals and all(len(message.string) == forms for message in plurals)


def test_the_browsers_language_is_taken(at_work: tuple[Scene, Flask]) -> None:
    client = at_work[1].test_client()
    for header, lang, word in (("ru-RU,ru;q=0.9", "ru", "Войти"), ("es", "es", "Entrar"), ("fr", "en", "Sign in")):
        text = client.get("/sign-in", headers={"Accept-Language": header}).text
        assert f'<html lang="{lang}">' in text and word in text


def test_a_chosen_language_stays(work: Client) -> None:
    agent = work("agent")
    assert agent.post("/language", {"language": "es", "next": "/tickets?view=all"}).location == "/tickets?view=all"
    assert "Todos los abiertos" in agent.get("/tickets").text
    agent.post("/language", {"language": "xx"})
    assert "Todos los abiertos" in agent.get("/tickets").text


def in_language(browser: Browser, language: str) -> Browser:
    browser.client.set_cookie("tandem_language", language)
    return browser


def test_russian_counts(day: Scene, look: Client) -> None:
    agent = in_language(look("agent"), "ru")
    text = agent.get("/tickets").text
    assert "10 заявок" in text and "1 конфликт" in text
    assert "записано 20 минут" in agent.get(f"/tickets/{day.tickets['vpn']}").text


@pytest.mark.parametrize("language", ["es", "ru"])
def test_every_page_speaks_it(day: Scene, look: Client, language: str) -> None:
    admin = in_language(look("admin"), language)
    number = day.tickets["vpn"]
    for path in ("/tickets", f"/tickets/{number}", f"/tickets/{number}/escalate", "/connections", "/audit", "/notices"):
        text = admin.get(path).text
        for word in ("Only our team", "Tickets</span>", "Escalate</h1>", "Last success", "Verify now", "Dead letters"):
            assert word not in text or (language == "es" and word.startswith("Tickets")), (path, word)


def test_a_refusal_is_said_in_the_language(work: Client) -> None:
    browser = in_language(work(""), "es")
    browser.get("/sign-in")
    text = browser.post("/sign-in", {"email": "x@y.example", "password": "wrong wrong"}).text
    assert "no coinciden" in text
