"""Text of others, made safe: a corpus through every format, and names that try to read as others."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from gateway.console.show import plainly
from gateway.console.text import TAGS, rich

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='  java\tscript:alert(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<p style='background:url(javascript:alert(1))' onclick=alert(1)>x</p>",
    "<div hx-get=/tickets hx-trigger=load hx-on:load=alert(1) data-hx-post=/x data-poll data-part=x>x</div>",
    "<form action=/sign-out method=post><input name=csrf><button>x</button></form>",
    "<base href='https://evil.example/'><meta http-equiv=refresh content='0;url=//evil.example'>",
    "<style>*{display:none}</style><link rel=stylesheet href=//evil.example>",
    "<details open ontoggle=alert(1)>x</details>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    '[x](javascript:alert(1)) <b onmouseover=alert(1)>x</b> ![x](x" onerror="alert(1))',
    "`<script>alert(1)</script>` **<img src=x onerror=alert(1)>**",
    '"><script>alert(1)</script>',
    "{{ config }} {% raw %} ${7*7} <%= 7*7 %>",
    'http://x.example/"onmouseover=alert(1)// https://x.example/<script>alert(1)</script>',
]
ALLOWED = {"href", "rel", "class", "colspan", "rowspan"}


class Strict(HTMLParser):
    """Everything in it that should not be there."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS | {"div"}:
            self.bad.append(tag)
        for name, value in attrs:
            if name not in ALLOWED:
                self.bad.append(f"{tag} {name}")
            if name == "href" and not str(value).startswith(("http://", "https://", "mailto:")):
                self.bad.append(f"href {value}")
            if name == "class" and value not in ("prose", "plain"):
                self.bad.append(f"class {value}")


@pytest.mark.parametrize("format", ["plain", "html", "markdown", "wiki", ""])
@pytest.mark.parametrize("attack", ATTACKS)
def test_only_harmless_markup_comes_out(attack: str, format: str) -> None:
    parser = Strict()
    parser.feed(rich(attack, format))
    assert parser.bad == []


def test_plain_text_stays_as_it_was_written() -> None:
    assert rich("a <b> & 'c'\n  d") == '<div class="plain">a &lt;b&gt; &amp; &#39;c&#39;\n  d</div>'


def test_addresses_become_links() -> None:
    shown = rich("See https://x.example/a?b=1&c=2, please.")
    assert 'href="https://x.example/a?b=1&amp;c=2"' in shown and "</a>, please." in shown


def test_markdown_and_html_keep_their_form() -> None:
    assert "<strong>b</strong>" in rich("**b**", "markdown") and "<li>one</li>" in rich("- one\n- two", "markdown")
    assert "<ul>" in rich("<ul><li>one</li></ul>", "html") and "noopener" in rich("<a href=https://x>x</a>", "html")


def test_marks_that_turn_text_are_seen() -> None:
    assert plainly("invoice\u202efdp.exe") == "invoice\ufffdfdp.exe"
    assert plainly("a\u200bb\x07c") == "a\ufffdb\ufffdc"
    assert plainly("Привет, señor – 東京") == "Привет, señor – 東京"
