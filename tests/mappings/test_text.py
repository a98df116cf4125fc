"""Long text between formats: what is said survives, what is active does not, and a second pass changes nothing."""

import json
import time
from collections import Counter
from typing import Any

import adf_bridge
import nh3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings import text
from mappings.richtext.tree import Document
from mappings.text import TextError, convert
from tests.mappings import corpus, trees

FORMATS = sorted(text.READERS)
LONG = 100_000


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


def test_what_is_no_text_is_refused_and_text_is_taken_for_adf() -> None:
    with pytest.raises(TextError, match="int is no html"):
        convert(7, "html", "plain")
    assert convert("from a webhook", "adf", "plain") == "from a webhook"


def test_plain_text_keeps_its_words_and_loses_its_trailing_blanks() -> None:
    assert convert("a \r\n\r\n\r\nb\t\r\n", "plain", "plain") == "a\n\n\nb"


# mail and length ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mail", "kept"),
    [
        (
            "It works now.\n\nOn Mon, 3 Nov 2026 at 10:12, Ana <a@b.example> wrote:\n> Please try.\n>\n> Ana",
            "It works now.",
        ),
        ("Ya funciona.\n\nEl lun, 3 nov 2026 a las 10:12, Ana (<a@b.example>)\nescribió:\n\n> Pruebe.", "Ya funciona."),
        ("Работает.\n\n3 нояб. 2026 г. в 10:12, Анна пишет:\n> Проверьте.", "Работает."),
        ("Done.\n\n-----Original Message-----\nFrom: Ana\nold text", "Done."),
        ("Hecho.\n\nDe: Ana\nEnviado el: lunes\nAsunto: VPN\n\ntexto", "Hecho."),
        ("Готово.\n\nОт: Анна\nДата: понедельник\n\nтекст", "Готово."),
        ("Thanks!\n\n-- \nBob\n+34 600 000 000", "Thanks!"),
        ("Ok\n\nSent from my iPhone", "Ok"),
        ("Vale\n\nEnviado desde mi Samsung", "Vale"),
        ("Хорошо\n\nОтправлено с iPhone", "Хорошо"),
        ("Ok\n\nOn Monday Ana wrote:\n> try\n\n-- \nBob", "Ok"),
        ("> quoted first\nanswer below", "> quoted first\nanswer below"),
        ("On Monday Ana wrote:\n> q\nno, it was me\nbye", "On Monday Ana wrote:\n> q\nno, it was me\nbye"),
        ("> only a quote", "> only a quote"),
        ("From: the start it failed\nand then again", "From: the start it failed\nand then again"),
        ("", ""),
    ],
)
def test_a_reply_is_what_its_author_wrote(mail: str, kept: str) -> None:
    written, rest = text.reply(mail)
    assert written == kept
    assert [line for line in f"{written}\n{rest}".split("\n") if line.strip()] == [
        line for line in mail.split("\n") if line.strip()
    ]


@pytest.mark.parametrize(
    ("form", "mail", "kept"),
    [
        ("mail", "It works.\n\nOn Mon, 3 Nov 2026 at 10:12, Ana <a@b.example> wrote:\n> Try.", "<p>It works.</p>"),
        ("html_mail", "<p>Funciona <b>ya</b>.</p>", "<p>Funciona <strong>ya</strong>.</p>"),
        (
            "html_mail",
            "<div>Funciona <b>ya</b>.</div><div>El lun, 3 nov 2026 a las 10:12, Ana (a@b.example) escribió:</div>"
            "<blockquote>Pruebe.</blockquote>",
            "<p>Funciona ya.</p>",
        ),
        ("html_mail", "<p>Работает.</p><p>Отправлено с iPhone</p>", "<p>Работает.</p>"),
    ],
)
def test_an_e_mail_is_read_as_what_its_author_wrote(form: str, mail: str, kept: str) -> None:
    assert convert(mail, form, "html") == kept


@settings(max_examples=200, deadline=None)
@given(words=st.text(st.sampled_from("ab \n☂."), max_size=80), most=st.integers(2, 30))
def test_long_text_is_split_and_never_cut(words: str, most: int) -> None:
    parts = text.split(words, most)
    assert all(len(part) <= most for part in parts)
    assert all(part.endswith("…") for part in parts[:-1])
    assert "".join("".join(part.removesuffix("…") for part in parts).split()) == "".join(words.split())


def test_parts_end_between_paragraphs_where_they_can() -> None:
    assert text.split("one two\n\nthree four\nfive", 14) == ["one two…", "three four…", "five"]


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", ["html", "markdown", "plain"])
def test_a_long_text_goes_in_parts_of_any_format(source: str, target: str) -> None:
    snippets = [each for each in corpus.snippets(source) if isinstance(each, str) and len(each) < 500]
    whole = "\n\n".join(snippets)
    for most, head in ((900, ""), (400, "Ana wrote ({} of {}):")):
        parts = text.parts(whole, source, target, most, head)
        assert len(parts) > 3
        assert all(len(part) <= most for part in parts)
        told = [text.read(json.loads(part) if target == "adf" else part, target) for part in parts]
        assert not lost(text.read(whole, source), tuple(block for document in told for block in document))
        if head:
            firsts = [text.write(document[:1], "plain") for document in told]
            assert firsts == [head.format(at, len(parts)) for at in range(1, len(parts) + 1)]


def test_a_text_that_fits_is_one_part_and_a_part_without_room_is_refused() -> None:
    assert text.parts("**a**\n\nb", "markdown", "html", 50) == ["<p><strong>a</strong></p>\n<p>b</p>"]
    with pytest.raises(TextError, match="no room"):
        text.parts("a long enough text", "plain", "plain", 20, "{} of {} and much more")


# the corpus -----------------------------------------------------------------------------------------------------------


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert sum(len(corpus.snippets(name)) for name in FORMATS) >= 300
    assert all(corpus.CONSTRUCTS[name].keys() == corpus.CONSTRUCTS["html"].keys() for name in FORMATS)


def lost(before: Document, after: Document) -> Counter[str]:
    """The letters that are gone (plain text adds some: addresses behind words)."""
    return Counter(trees.said(before)) - Counter(trees.said(after))


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_there_and_back_is_a_fixpoint_after_one_pass(source: str, target: str) -> None:
    for snippet in corpus.snippets(source):
        if isinstance(snippet, str) and len(snippet) > LONG:
            continue
        once = convert(convert(snippet, source, target), target, source)
        assert convert(convert(once, source, target), target, source) == once, snippet


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_format_writes_it_reads(name: str) -> None:
    for snippet in corpus.snippets(name):
        tree = text.read(snippet, name)
        assert text.read(text.write(tree, name), name) == text.read(text.write(tree, name), name)
        once = text.read(text.write(tree, name), name)
        assert text.read(text.write(once, name), name) == once
        assert text.write(tree, name) == text.write(tree, name)


@pytest.mark.parametrize("name", FORMATS)
def test_every_construct_says_the_same_words_in_every_format(name: str) -> None:
    for construct in corpus.CONSTRUCTS[name].values():
        for phrase in corpus.PHRASES.values():
            written = construct.replace("{w}", corpus.TYPED[name](phrase))
            tree = text.read(json.loads(written) if name == "adf" else written, name)
            for target in FORMATS:
                assert not lost(tree, text.read(text.write(tree, target), target)), (written, target)


@pytest.mark.parametrize("name", ["html", "markdown", "wiki", "textile", "adf"])
def test_the_structure_survives_in_the_format_that_has_it(name: str) -> None:
    kinds = {"heading": "Heading", "list": "Listing", "quote": "Quote", "table": "Table", "pre": "Code", "rule": "Rule"}
    for construct, kind in kinds.items():
        written = corpus.CONSTRUCTS[name][construct].replace("{w}", "words")
        tree = text.read(json.loads(written) if name == "adf" else written, name)
        assert kind in {type(block).__name__ for block in tree}, (construct, tree)


# random documents -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=trees.documents)
def test_a_written_document_loses_no_letter_and_is_a_fixpoint(name: str, document: Document) -> None:
    once = text.read(text.write(document, name), name)
    assert not lost(document, once)
    assert text.read(text.write(once, name), name) == once


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=trees.documents)
def test_html_keeps_the_whole_tree(document: Document) -> None:
    assert text.read(text.write(document, "html"), "html") == document


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=trees.documents)
def test_adf_is_what_the_schema_allows(document: Document) -> None:
    adf_bridge.validate_adf(text.write(document, "adf"))


@settings(max_examples=100, deadline=None)
@given(words=trees.text)
@pytest.mark.parametrize("name", FORMATS)
def test_typed_text_stays_text_in_every_format(name: str, words: str) -> None:
    """Nothing that is typed becomes a mark, a link, a mention or a block."""
    tree = text.read(words, "plain")
    assert text.read(text.write(tree, name), name) == tree


@pytest.mark.parametrize("name", FORMATS)
def test_every_snippet_becomes_adf_that_the_schema_allows(name: str) -> None:
    for snippet in [*corpus.snippets(name), *(corpus.XSS if name != "adf" else ())]:
        adf_bridge.validate_adf(convert(snippet, name, "adf"))


def test_a_schema_oracle_that_can_fail() -> None:
    with pytest.raises(adf_bridge.AdfBridgeError):
        adf_bridge.validate_adf(
            {"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": [{"type": "no"}]}]}
        )


# hostile input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "adf"])
def test_no_input_of_any_format_gives_active_html(name: str) -> None:
    tags = {
        "p",
        "br",
        "strong",
        "em",
        "u",
        "s",
        "code",
        "pre",
        "a",
        "ul",
        "ol",
        "li",
        "table",
        "tr",
        "td",
        "th",
        "blockquote",
        "hr",
        "img",
    }
    allowed = {"a": {"href"}, "img": {"src", "alt"}, "code": {"class"}}
    for attack in corpus.XSS:
        html = convert(attack, name, "html")
        kept = nh3.clean(
            html,
            tags=tags,
            attributes=allowed,
            link_rel=None,
            url_schemes={"http", "https", "mailto", "tel", "attachment", "cid"},
        )
        assert text.read(kept, "html") == text.read(html, "html"), attack
        assert '<img src="http' not in html
        assert 'href="//' not in html


@pytest.mark.parametrize("name", ["markdown", "plain", "textile", "wiki"])
def test_hostile_text_costs_little_in_every_format(name: str) -> None:
    for attack in corpus.HOSTILE:
        began = time.process_time()
        text.write(text.read(attack, name), name)
        assert time.process_time() - began < 3, attack[:20]


def test_deep_json_is_not_looked_into() -> None:
    node: dict[str, Any] = {"type": "text", "text": "deep"}
    for kind in ("blockquote", "x"):
        inner = node
        for _ in range(800):
            inner = {"type": kind, "content": [inner]}
        assert convert({"type": "doc", "content": [inner]}, "adf", "plain") == ""


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_text_gives_the_same_answer(name: str) -> None:
    tree = text.read(corpus.CONSTRUCTS["html"]["list"].replace("{w}", "x"), "html")
    assert text.write(tree, name) == text.write(tree, name)
