"""Long text between formats: what is said survives, what is active does not, and a second pass changes nothing."""

import time

import pytest

from mappings import text
from mappings.text import TextError, convert


@pytest.mark.parametrize(
    "words",
    [
        "a < b && c > d",
        "<script>alert(1)</script>",
        "&amp; &lt;",
        "> not a quote",
        "- not a list",
        "a  b\n   c\n\nd \"e\" 'f'",
    ],
)
def test_typed_text_is_never_markup(words: str) -> None:
    html = convert(words, "plain", "html")
    assert "<script" not in html
    assert convert(html, "html", "plain") == words


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        ("<ul><li>a<li>b<ol><li>c</ol></ul>", "- a\n- b\n  1. c"),
        ("<blockquote>q<p>r</blockquote>s", "> q\n>\n> r\n\ns"),
        ("<table><tr><th>x<th>y<tr><td>1<td>2</table>", "x | y\n1 | 2"),
        ("<pre>\n  if a &lt; b:\n    c</pre>", "  if a < b:\n    c"),
        ('see <a href="https://e.example/?a=1&amp;b">here</a>', "see here (https://e.example/?a=1&b)"),
        ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ("<style>p {}</style><script>x()</script><p>kept</p>", "kept"),
        ("a\n  b&nbsp; c", "a b  c"),
        ("<h1>Title</h1>text<hr>", "Title\n\ntext\n\n---"),
        ("<b>unclosed <i>both", "unclosed both"),
        ('a < b and <b c="', 'a < b and <b c="'),
    ],
)
def test_html_as_words(html: str, words: str) -> None:
    assert convert(html, "html", "plain") == words
    again = convert(html, "html", "html")
    assert convert(again, "html", "html") == again
    assert convert(again, "html", "plain") == words


@pytest.mark.parametrize(
    "html",
    [
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" java&#10;script:alert(1)">x</a>',
        '<a href="//evil.example">x</a>',
        '<img src="https://track.example/p.gif" onerror="alert(1)">',
        '<p style="x" onclick="y">z</p>',
        "<svg><script>alert(1)</script></svg>",
        "<iframe src=https://evil.example></iframe>",
        '<math><mi xlink:href="data:x,<script>alert(1)</script>">',
        '<form action="https://evil.example"><input type=password></form>',
    ],
)
def test_nothing_active_is_left(html: str) -> None:
    out = convert(html, "html", "html")
    for word in ("script", "evil", "onclick", "style", "<img", "<svg", "<form", "<input", "onerror"):
        assert word not in out


@pytest.mark.parametrize(
    "bad",
    [
        '<a "' * 200_000,
        "<" * 500_000,
        "<!--" * 200_000,
        "<b>x" * 20_000,
        "<ul><li>" * 20_000,
        "<div>" * 2_000 + "x",
        "x" * 10**6,
    ],
)
def test_hostile_html_costs_little_and_stays_shallow(bad: str) -> None:
    began = time.perf_counter()
    out = convert(bad, "html", "html")
    assert time.perf_counter() - began < 3
    assert out.count("<ul>") <= 32


def test_unknown_formats_and_texts_over_the_cap_are_refused() -> None:
    with pytest.raises(TextError, match="no text format 'rtf'"):
        convert("x", "rtf", "plain")
    with pytest.raises(TextError, match="longer than"):
        convert("x" * (text.MAX_TEXT + 1), "plain", "html")


def test_plain_text_keeps_its_words_and_loses_its_trailing_blanks() -> None:
    assert convert("a \r\n\r\n\r\nb\t\r\n", "plain", "plain") == "a\n\n\nb"
