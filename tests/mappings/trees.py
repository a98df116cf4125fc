# ruff: noqa: E501 -- a table of awkward words
"""Random documents, canonical as every reader makes them, for the laws every format keeps."""

from hypothesis import strategies as st

from mappings.richtext import tree
from mappings.richtext.blocks import code_block
from mappings.richtext.tree import Block, Break, Heading, Image, Inline, Listing, Paragraph, Quote, Rule, Span

NASTY = [
    "*", "_", "~~", "`", "[", "]", "(", ")", "<", ">", "&", "&amp;", "\\", "#", "-", "+", "=", "|", "!", "1.", "2)", " ",
    "  ", "a", "b", "ñ", "☂", "ש", "foo", "bar_baz", "{", "}", "^", "@", "\"", "'", ":", "://", "http://x.example/a_b",
    "{code}", "{quote}", "h1.", "bq.", "----", "||", "<br>", "<b>", "&nbsp;", "&#42;", "%", "?", "??", "\t", ".", ",", "0",
]  # fmt: skip
text = st.lists(st.sampled_from(NASTY), min_size=1, max_size=6).map("".join)
marks = st.sampled_from(["", "", "", "b", "i", "s", "bi", "bs", "is", "bis", "c"])
hrefs = st.sampled_from(["", "", "", "https://e.example/?a=1&b=(2)_*x*", "mailto:a@b.example", "http://x.example"])
spans = st.builds(Span, text, marks, hrefs)
inlines = st.one_of(
    spans, spans, spans, st.just(Break()), st.builds(Image, st.just("attachment:a1.png"), st.just("an alt"))
)
lines: st.SearchStrategy[tuple[Inline, ...]] = st.lists(inlines, min_size=1, max_size=5).map(tree.runs).filter(bool)
one_line = st.lists(st.one_of(spans, spans), min_size=1, max_size=4).map(tree.runs).filter(bool)
code = st.builds(
    lambda parts, language: code_block("".join(parts), language),
    st.lists(st.sampled_from([*NASTY, "\n", "\n  ", "```"]), min_size=1, max_size=8),
    st.sampled_from(["", "sh", "python"]),
).filter(bool).map(lambda found: found[0])  # fmt: skip
leaves: st.SearchStrategy[Block] = st.one_of(
    st.builds(Paragraph, lines), st.builds(Paragraph, lines), st.builds(Heading, st.integers(1, 6), one_line), code,
    st.just(Rule()),
)  # fmt: skip
tables = st.builds(
    lambda rows, header: list(tree.table(rows, header)),
    st.lists(st.lists(st.one_of(st.just(()), lines), min_size=1, max_size=3), min_size=1, max_size=3),
    st.booleans(),
).filter(bool).map(lambda found: found[0])  # fmt: skip


def containers(inner: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    blocks = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Quote, blocks), st.builds(Listing, st.booleans(), st.lists(blocks, min_size=1, max_size=3).map(tuple))
    )


blocks = st.recursive(st.one_of(leaves, leaves, tables), containers, max_leaves=8)
documents = st.lists(blocks, min_size=0, max_size=4).map(tuple)


def said(blocks: tuple[Block, ...]) -> list[str]:
    """Every letter a document says, in no order: what no conversion may lose."""
    return sorted(sign for word in _words(blocks) for sign in word if sign.isalpha())


def _words(blocks: tuple[Block, ...]) -> list[str]:
    found: list[str] = []
    for block in blocks:
        if isinstance(block, Paragraph | Heading):
            found += map(_letters, block.runs)
        elif isinstance(block, tree.Code):
            found.append(block.text)
        elif isinstance(block, Quote):
            found += _words(block.blocks)
        elif isinstance(block, Listing):
            found += [word for item in block.items for word in _words(item)]
        elif isinstance(block, tree.Table):
            found += [_letters(part) for row in block.rows for cell in row for part in cell]
    return found


def _letters(part: Inline) -> str:
    if isinstance(part, Span):
        return part.text
    return part.alt if isinstance(part, Image) else ""
