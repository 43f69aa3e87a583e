"""Pages and tables: whole lines, nothing hidden, narrow enough for a phone."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.chat.page import TEXT_LIMIT_UTF16, Page
from qualitywatch.chat.tables import TABLE_COLUMNS, columns_of, table
from qualitywatch.notify.legible import utf16_units

TEXT = st.text(max_size=400)


class _Tags(HTMLParser):
    """Fails where Telegram's parser would: a tag it does not know, or one that is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert tag in {"b", "pre"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def bare(html: str) -> str:
    for tag in ("b", "pre"):
        html = html.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    return unescape(html)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=60), st.lists(st.text(max_size=40), max_size=200))
def test_a_page_is_always_sendable(lines: list[tuple[str, str]], names: list[str]) -> None:
    page = Page("… {count} more")
    for bold, text in lines:
        page.line(text, bold=bold)
        page.blank()
    page.table(table([(name, "1") for name in names], flexible=0))
    answer = page.answer()
    assert utf16_units(answer.html) <= TEXT_LIMIT_UTF16
    assert utf16_units(answer.plain) <= TEXT_LIMIT_UTF16
    parser = _Tags()
    parser.feed(answer.html)
    parser.close()
    assert parser.open == []


def test_what_does_not_fit_is_counted_and_nothing_is_cut() -> None:
    page = Page("… {count} more")
    lines = [f"line {number} <&> " + "x" * 80 for number in range(100)]
    for line in lines:
        page.line(line)
    answer = page.answer()
    *shown, tail = answer.plain.split("\n")
    assert shown == lines[: len(shown)]
    assert tail == f"… {100 - len(shown)} more"
    assert len(shown) > 30
    assert bare(answer.html) == answer.plain


def test_strangers_text_is_escaped_and_on_one_line() -> None:
    page = Page("")
    page.line("<b>a</b>\n& \u202eb", bold="<i>")
    assert page.answer().html == "<b>&lt;i&gt;</b> &lt;b&gt;a&lt;/b&gt; &amp; b"
    assert page.answer().plain == "<i> <b>a</b> & b"


def test_a_table_is_one_block() -> None:
    page = Page("")
    page.line("above")
    page.table(["a  1", "b  2"])
    page.line("below")
    assert page.answer().html == "above\n<pre>a  1\nb  2</pre>\nbelow"


@given(st.lists(st.tuples(st.text(max_size=60), st.integers(0, 10**6).map(str), st.text(max_size=60)), min_size=1, max_size=8))
def test_a_table_is_never_wider_than_a_phone(rows: list[tuple[str, str, str]]) -> None:
    short = [(name[:10], count, text) for name, count, text in rows]
    lines = table(short, flexible=2)
    assert len(lines) == len(rows)
    assert all(columns_of(line) <= TABLE_COLUMNS for line in lines)


def test_columns_are_flush() -> None:
    rows = [("", "to", "from"), ("Loss", "5.45", "0.00"), ("  max", "10.90", "-")]
    assert table(rows, flexible=0) == [
        "          to  from",
        "Loss    5.45  0.00",
        "  max  10.90     -",
    ]
    assert table([("子", "1"), ("ab", "2")], flexible=0) == ["子  1", "ab  2"]


def test_the_flexible_column_gives_way() -> None:
    lines = table([("5.45", "x" * 60), ("12.30", "short")], flexible=1, left=frozenset({1}))
    assert lines == [" 5.45  " + "x" * 32 + "…", "12.30  short"]
