"""The pages' words in English, Spanish and Russian: gettext catalogues, ``translations/*.po``, read when first used.

The language is the one chosen on the page, else the user's, else the browser's. What has no translation stays English.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import BytesIO

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request

from gateway.console.web import LANGUAGE_COOKIE

LANGUAGES = {"en": "English", "es": "Español", "ru": "Русский"}


def install(app: Flask) -> None:
    """Give the templates ``_``, ``ngettext`` and ``{% trans %}``."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.filters["translated"] = gettext  # for text that is not ours: _() would take it for markup
    app.jinja_env.globals.update(language=language, languages=LANGUAGES)


def language() -> str:
    """``en``, ``es`` or ``ru`` for this request."""
    if not has_request_context():
        return "en"
    if "language" not in g:
        g.language = _chosen()
    return str(g.language)


def _chosen() -> str:
    session = g.get("session")
    named = [request.cookies.get(LANGUAGE_COOKIE), session.principal.language if session is not None else None]
    accepted = request.accept_languages.best_match(list(LANGUAGES))
    return next((one for one in (*named, accepted) if one in LANGUAGES), "en")


def gettext(text: str) -> str:
    return _words(language()).ugettext(text) if text else ""


def ngettext(one: str, many: str, n: int) -> str:
    return _words(language()).ungettext(one, many, n)


def N_(text: str) -> str:
    """Marks a text for translation where it is written; it is translated where it is shown."""
    return text


@cache
def _words(language: str) -> NullTranslations:
    source = files("gateway.console").joinpath("translations", f"{language}.po")
    if language == "en" or not source.is_file():
        return NullTranslations()
    with source.open("rb") as text:
        catalogue = read_po(text, locale=Locale(language))
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)
