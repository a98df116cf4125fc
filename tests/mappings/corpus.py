# ruff: noqa: E501 -- snippets stand on one line each
"""What people write in tickets: every construct in every format, in five scripts, and the awkward ones apart."""

import json

PHRASES = {
    "en": "The VPN drops at 10:15, see file_name.txt & <tag>",
    "es": "¿Se corta la conexión? Sí: «mañana» también (100 %)",
    "ru": "Не работает принтер на 2-м этаже, срочно!",
    "he": "הדפסה לא עובדת 3/4",
    "emoji": "👩‍💻 ☂ broken 🇪🇸 again *really*",
}
TYPED = {
    "html": lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
    "markdown": lambda text: text.replace("*", "\\*").replace("<", "\\<").replace("_", "\\_"),
    "wiki": lambda text: text.replace("*", "\\*"),
    "textile": lambda text: text.replace("*", "&#42;").replace("<", "&lt;"),
    "plain": lambda text: text,
    "adf": lambda text: json.dumps(text)[1:-1],
}
"""How a careful person types each phrase as text in each format."""

CONSTRUCTS = {
    "html": {
        "paragraphs": "<p>{w}</p><p>{w}<br>second line</p>",
        "strong": "<p>a <b>{w}</b> b</p>",
        "emphasis": "<p><em>{w}</em></p>",
        "struck": "<del>{w}</del> stays",
        "underlined": "<u>{w}</u>",
        "code": "<p>run <code>ls -l *_x</code> now</p>",
        "pre": '<pre><code class="language-sh">for f in *; do\n\techo "$f" | cat\ndone</code></pre>',
        "link": '<a href="https://kb.example/a?b=1&amp;c=(2)">{w}</a>',
        "list": "<ul><li>{w}</li><li>two<ol><li>deep {w}</li></ol></li></ul>",
        "quote": "<blockquote><p>{w}</p><p>more</p></blockquote><p>answer</p>",
        "table": "<table><tr><th>a | b</th><th>{w}</th></tr><tr><td>1</td><td></td></tr></table>",
        "heading": "<h2>{w}</h2><p>text</p>",
        "image": '<p>see <img src="cid:part1@mail" alt="screen {w}"></p>'.replace("{w}", "shot"),
        "rule": "<p>{w}</p><hr><p>b</p>",
    },
    "markdown": {
        "paragraphs": "{w}\n\n{w}  \nsecond line",
        "strong": "a **{w}** b",
        "emphasis": "*{w}* and _another_",
        "struck": "~~{w}~~ stays",
        "underlined": "snake_case_name stays",
        "code": "run `ls -l *_x` and ``a`b`` now",
        "pre": "```sh\nfor f in *; do\n\techo \"$f\" | cat\ndone\n```",
        "link": "[{w}](<https://kb.example/a?b=1&c=(2)> \"title\") <https://x.example>",
        "list": "- {w}\n- two\n  1. deep {w}\n  2. more\n\n     second paragraph",
        "quote": "> {w}\n>\n> more\n\nanswer",
        "table": "| a \\| b | {w} |\n| --- | :-: |\n| 1 |  |",
        "heading": "## {w} ##\ntext",
        "image": "see ![screen shot](attachment:part1.png)",
        "rule": "{w}\n\n***\n\nb",
    },
    "wiki": {
        "paragraphs": "{w}\n\n{w}\nsecond line",
        "strong": "a *strong words* b {w}",
        "emphasis": "_{{w}}_".replace("{{w}}", "words") + " {w}",
        "struck": "-gone- stays {w}",
        "underlined": "+here+ {w}",
        "code": "run {{ls -l}} now {w}",
        "pre": "{code:sh}\nfor f in *; do\n\techo \"$f\" | cat\ndone\n{code}",
        "link": "[words here|https://kb.example/a?b=1&c=2] {w}",
        "list": "* {w}\n* two\n*# deep {w}\n*# more",
        "quote": "{quote}\n{w}\n\nmore\n{quote}\nanswer",
        "table": "||a||{w}||\n|1| |",
        "heading": "h2. {w}\ntext",
        "image": "see !part1.png|alt=screen shot!",
        "rule": "{w}\n----\nb",
    },
    "textile": {
        "paragraphs": "{w}\n\n{w}\nsecond line",
        "strong": "a *strong words* b {w}",
        "emphasis": "_words_ {w}",
        "struck": "-gone- stays {w}",
        "underlined": "+here+ {w}",
        "code": "run @ls -l *_x@ now {w}",
        "pre": "<pre><code class=\"sh\">\nfor f in *; do\n\techo \"$f\" | cat\ndone\n</code></pre>",
        "link": "\"words here\":https://kb.example/a?b=1&c=2. {w}",
        "list": "* {w}\n* two\n*# deep {w}\n*# more",
        "quote": "> {w}\n>\n> more\n\nanswer",
        "table": "|_. a|_. {w}|\n|1| |",
        "heading": "h2. {w}\n\ntext",
        "image": "see !part1.png(screen shot)!",
        "rule": "{w}\n\n---\n\nb",
    },
    "plain": {
        "paragraphs": "{w}\n\n{w}\nsecond line",
        "strong": "a *{w}* b",
        "emphasis": "/{w}/ _x_",
        "struck": "~~{w}~~ -x-",
        "underlined": "+x+ {w}",
        "code": "run `ls -l *_x` now",
        "pre": "    for f in *; do\n        echo \"$f\" | cat\n    done",
        "link": "{w}: https://kb.example/a?b=1&c=(2)",
        "list": "- {w}\n- two\n  1. deep",
        "quote": "> {w}\n> more\n\nanswer",
        "table": "| a | {w} |\n|---|---|\n| 1 | |",
        "heading": "# {w}\nh2. text",
        "image": "!part1.png! [image]",
        "rule": "{w}\n----\n***\nb",
    },
    "adf": {
        name: '{"version":1,"type":"doc","content":[' + body + "]}"
        for name, body in {
            "paragraphs": '{"type":"paragraph","content":[{"type":"text","text":"{w}"},{"type":"hardBreak"},{"type":"text","text":"x"}]}',
            "strong": '{"type":"paragraph","content":[{"type":"text","text":"{w}","marks":[{"type":"strong"}]}]}',
            "emphasis": '{"type":"paragraph","content":[{"type":"text","text":"{w}","marks":[{"type":"em"},{"type":"strong"}]}]}',
            "struck": '{"type":"paragraph","content":[{"type":"text","text":"{w}","marks":[{"type":"strike"}]}]}',
            "underlined": '{"type":"paragraph","content":[{"type":"text","text":"{w}","marks":[{"type":"underline"}]}]}',
            "code": '{"type":"paragraph","content":[{"type":"text","text":"ls -l *_x","marks":[{"type":"code"}]}]}',
            "pre": '{"type":"codeBlock","attrs":{"language":"sh"},"content":[{"type":"text","text":"a | b\\n\\tc"}]}',
            "link": '{"type":"paragraph","content":[{"type":"text","text":"{w}","marks":[{"type":"link","attrs":{"href":"https://kb.example"}}]}]}',
            "list": '{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"{w}"}]}]}]}',
            "quote": '{"type":"blockquote","content":[{"type":"paragraph","content":[{"type":"text","text":"{w}"}]}]}',
            "table": '{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableHeader","content":[{"type":"paragraph","content":[{"type":"text","text":"{w} | x"}]}]}]}]}',
            "heading": '{"type":"heading","attrs":{"level":2},"content":[{"type":"text","text":"{w}"}]}',
            "image": '{"type":"mediaSingle","content":[{"type":"media","attrs":{"type":"external","url":"https://x.example/a.png","alt":"shot"}}]}',
            "rule": '{"type":"rule"},{"type":"panel","attrs":{"panelType":"info"},"content":[{"type":"paragraph","content":[{"type":"mention","attrs":{"id":"7","text":"@Ana"}},{"type":"text","text":" {w} "},{"type":"emoji","attrs":{"shortName":":x:","text":"❌"}}]}]}',
        }.items()
    },
}  # fmt: skip
AWKWARD = {
    "html": [
        "<p>a\r\nb</p>", "x" * 1_000_000, "<div>" * 2_000 + "deep" + "</div>" * 2_000, "<b><i>cross</b></i>", "&nbsp;&lt;b&gt;",
        "<!-- c --><p>x</p><!doctype html>", "<ul>stray<li>x</ul>", "<table><td>1<td>2<tr><td>3</table>", "<pre>\n\n a\n\n</pre>",
        "<p>a</p>\n\n\n<p></p><p>b</p>", "<td>no table</td>", "</p></div>x", "<a href='https://x.example'>a<b>b</a>c</b>",
    ],
    "markdown": [
        "a\r\nb", "1. a\n1. b\n\n1) c", "* a\n\n  b\n* c", "- - a", "> > deep\n> less", "````\n```\n````", "~~~\na\n~~~", "a\n===\nb\n---",
        "![x](javascript:alert(1))", "[x](javascript:alert(1))", "<script>alert(1)</script>", "\\*not\\*", "**bold*mixed***", "_a_b_",
        "|a|\n|-|\n|b|c|", "\tcode", "- a\n\tb", "``` `\nx", "#no\n# ", "`" * 50, "[[[a](b)", "x" * 1_000_000, "***", "&copy; &nope; &#0;",
    ],
    "wiki": [
        "a\r\nb", "{code}\n{quote}\n{code}", "{quote}\n{code}\n{quote}\n{code}\n{quote}", "*a* *b*", "a*b*c", "{*}a{*}b", "\\\\server\\x",
        "[x|javascript:alert(1)]", "|a|b\n|c|", "||x|y|", "** deep first", "bq. quoted\nnot", "[~accountid:abc-1] hi", "{color:red}x{color}",
        "-a -b- c-", "{noformat}", "!x", "x" * 1_000_000,
    ],
    "textile": [
        "a\r\nb", "<pre>\n</code>\n</pre>x", "*a* *b*", "a*b*c", "\"x\":javascript:alert(1)", "|a|b\nc|", "** deep first", "bq. quoted\nmore",
        "@a@b@ c@x.example", "[\"a\":https://x.example]b", "!<script>!", "> > deep\n> less", "p. para", "fn1. note", "<pre>", "x" * 1_000_000,
    ],
    "plain": ["a\r\n\r\n\r\n\r\nb", " lead", "tab\there", "\u200b\ufeff\x00x\x1b[1m", "e\u0301", "x" * 1_000_000, "a\n \nb", "\n\n"],
    "adf": ["{}", "[]", "7", '{"content":[{"type":"text","text":"stray"}]}', '{"content":[{"type":"x","content":[{"type":"text","text":"in"}]}]}'],
}  # fmt: skip


def snippets(name: str) -> list[object]:
    """Every snippet of one format; ADF ones as decoded JSON."""
    found = [
        template.replace("{w}", TYPED[name](phrase))
        for template in CONSTRUCTS[name].values()
        for phrase in PHRASES.values()
    ]
    found += AWKWARD[name]
    return [json.loads(each) for each in found] if name == "adf" else list(dict.fromkeys(found))


XSS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '<a href="javascript:alert(1)">x</a>', "<svg/onload=alert(1)>",
    '<a href="jAvAsCrIpT&colon;alert(1)">x</a>', "<iframe srcdoc='<script>1</script>'>", "<math><mtext><table><mglyph><style><img src=x onerror=1>",
    '<a href="data:text/html,<script>1</script>">x</a>', "<body onload=alert(1)>", "<details open ontoggle=alert(1)>", "<p><noscript><p title='</noscript><img src=x onerror=1>'>",
    '<a href="https://x.example/\"onmouseover=alert(1)">x</a>', "<form><button formaction=javascript:1>", "<a href='//evil.example'>x</a>", "<img src='https://t.example/p.gif'>",
    "[x](javascript:alert(1))", "![x](javascript:alert(1))", "<javascript:alert(1)>", "[x|javascript:alert(1)]", '"x":javascript:alert(1)', "!javascript:alert(1)!",
    "[x](https://a.example\" onclick=\"alert(1))", "{{7*7}}", "&lt;script&gt;alert(1)&lt;/script&gt;", "<<script>script>alert(1)<</script>/script>",
]  # fmt: skip

HOSTILE = [
    "*" * 20_000, "**a " * 6_000, "_a*" * 6_000, "[" * 20_000, "[a](" * 6_000, "`" * 20_000, "`a``" * 6_000, ">" * 10_000, "> " * 4_000,
    "- " * 4_000, "* a\n" * 4_000, "|" * 20_000, "|a" * 10_000, "\\" * 20_000, "{" * 20_000, "{{a" * 6_000, "{code}\n" * 4_000,
    "{quote}\n" * 4_000, '"a":' * 6_000, "@a" * 10_000, "!a" * 10_000, "&" * 20_000, "#" * 20_000, "1. " * 6_000, " " * 20_000 + "x",
    "# a" + " " * 20_000 + "b", "```" + "x" * 20_000 + "`", "<pre>" * 4_000, "~~" * 10_000, "\n> a" * 4_000, "a\n" * 10_000, "|a|\n" * 4_000, "h1. " * 6_000,
]  # fmt: skip
