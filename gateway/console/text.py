"""What people and remotes wrote, made safe to show: whatever it was, only harmless markup comes out."""

from __future__ import annotations

import re

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

TAGS = {
    *("p", "br", "hr", "b", "strong", "i", "em", "u", "s", "del", "sub", "sup", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "a"),
}
SCHEMES = {"http", "https", "mailto"}
_REL = "noopener noreferrer nofollow"
_URL = re.compile(r"\bhttps?://[^\s<>\"'`\\^{|}\x00-\x1f]{1,2000}", re.IGNORECASE)
_TRAIL = ".,;:!?)]}»”’"
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False}).enable("table").disable("image")


def rich(text: str, format: str = "plain") -> Markup:
    """``format``: ``plain``, ``html`` or ``markdown``; anything else is shown as plain text."""
    if format == "html":
        return Markup(f'<div class="prose">{clean(text)}</div>')  # noqa: S704  cleaned
    if format == "markdown":
        return Markup(f'<div class="prose">{clean(_MARKDOWN.render(text))}</div>')  # noqa: S704  cleaned
    return Markup('<div class="plain">{}</div>').format(linked(text))


def clean(html: str) -> str:
    """HTML with no script, style, picture, form or foreign attribute; links that say they lead away."""
    return nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags={"script", "style", "iframe", "object", "svg", "math", "template", "noscript"},
        attributes={"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        url_schemes=SCHEMES,
        link_rel=_REL,
        generic_attribute_prefixes=set(),
        strip_comments=True,
    )


def linked(text: str) -> Markup:
    """Plain text, escaped, its web addresses made links."""
    parts: list[Markup] = []
    at = 0
    for found in _URL.finditer(text):
        url = found.group().rstrip(_TRAIL)
        parts += [escape(text[at : found.start()]), Markup('<a href="{0}" rel="{1}">{0}</a>').format(url, _REL)]
        at = found.start() + len(url)
    return Markup("").join([*parts, escape(text[at:])])
