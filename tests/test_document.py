"""Reading YAML: every mistake is told in its administrator's words, at its line, and none stops the reading."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualitywatch.document import (
    Problems,
    Section,
    compile_bounded,
    compile_selector,
    format_duration,
    load_document,
    parse_duration_s,
)
from qualitywatch.errors import ConfigError


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def loaded(text: str) -> tuple[Section, Problems]:
    problems = Problems()
    section = load_document(text, "f.yml", problems)
    assert section is not None, problems.lines()
    return section, problems


def refusal(text: str) -> str:
    """The one problem of a text that cannot be read as YAML."""
    problems = Problems()
    assert load_document(text, "f.yml", problems) is None
    (line,) = problems.lines()
    return line


# --- values that are right --------------------------------------------------------------------------------------------


def test_reads_every_kind_of_value() -> None:
    section, problems = loaded(
        """
text: plain
quoted: "105"
integer: -7
number: 2.5
exponent: 1e3
yes: true
off: off
short: 90
long: 1m30s
percent: 5%
colour: blue
list: [a, b]
single: a
map: {a: x, 7: "y"}
pattern: SIP/61*
inner: {deep: {deeper: 1}}
items:
  - {n: 1}
  - {n: 2}
"""
    )
    assert section.text("text") == "plain"
    assert section.text("quoted") == "105"
    assert section.integer("integer") == -7
    assert section.number("number") == 2.5
    assert section.number("exponent") == 1000
    assert section.boolean("yes") is True
    assert section.boolean("off") is False
    assert section.duration_s("short") == 90
    assert section.duration_s("long") == 90
    assert section.percent("percent") == 5
    assert section.choice("colour", Colour) is Colour.BLUE
    assert section.texts("list") == ("a", "b")
    assert section.texts("single") == ("a",)
    assert section.text_map("map") == {"a": "x", "7": "y"}
    assert section.pattern("pattern").matches("SIP/6117")
    inner = section.section("inner")
    assert inner is not None
    assert [(key, deep.path, deep.integer("deeper")) for key, deep in inner.entries()] == [("deep", "inner.deep", 1)]
    assert [item.integer("n") for item in section.sections("items")] == [1, 2]
    section.close()
    assert problems.lines() == []


def test_text_has_one_line_unless_several_are_allowed() -> None:
    section, problems = loaded("a: |\n  one\n  two\nb:\n  en: |\n    one\n    two\n  de: x\n")
    assert section.text("a", multiline=True) == "one\ntwo\n"
    assert section.text_map("b", choices=("en", "ru"), multiline=True) == {"en": "one\ntwo\n"}
    section.text("a")
    section.close()
    assert problems.lines() == ["f.yml:1: a: must be one line of text", "f.yml:8: b.de: unknown key; known here: en, ru"]


def test_absent_keys_give_their_defaults_without_a_problem() -> None:
    section, problems = loaded("# nothing here\n")
    assert section.text("a", None) is None
    assert section.text("a", "x") == "x"
    assert section.integer("a", 5) == 5
    assert section.number("a", 0.5) == 0.5
    assert section.boolean("a", True) is True
    assert section.duration_s("a", 30) == 30
    assert section.percent("a", 3) == 3
    assert section.choice("a", Colour, Colour.RED) is Colour.RED
    assert section.pattern("a", None) is None
    assert section.texts("a") == ()
    assert section.patterns("a") == ()
    assert section.text_map("a") == {}
    assert section.section("a") is None
    assert section.sections("a") == []
    section.close()
    assert problems.lines() == []


def test_a_section_with_everything_commented_out_counts_as_absent() -> None:
    section, problems = loaded("names:\n  # SIP/1: Anna\nitems:\n  # - a\n")
    assert section.text_map("names") == {}
    assert section.sections("items") == []
    assert section.texts("items") == ()
    section.close()
    assert problems.lines() == []


def test_merge_keys_and_anchors_fill_in_what_is_not_given() -> None:
    section, problems = loaded("base: &base {a: 1, b: 2}\nuse:\n  <<: *base\n  b: 3\n")
    base, use = section.section("base"), section.section("use")
    assert base is not None
    assert use is not None
    assert (use.integer("a"), use.integer("b")) == (1, 3)
    assert (base.integer("a"), base.integer("b")) == (1, 2)
    section.close()
    assert problems.lines() == []


# --- values that are wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("on", "must be text, but YAML reads this as true/false: put it in quotes"),
        ("No", "must be text, but YAML reads this as true/false: put it in quotes"),
        ("105", "must be text, but YAML reads this as a number: put it in quotes"),
        ("1.5", "must be text, but YAML reads this as a number: put it in quotes"),
        ("2024-01-01", "must be text, but YAML reads this as a date: put it in quotes"),
        ("", "has no value; write text or remove the key"),
        ("~", "has no value; write text or remove the key"),
        ("''", "is empty"),
        ("[a]", "must be text, not a list"),
        ("{a: b}", "must be text, not a section of keys"),
        ("!secret x", "must be text, without a !tag; text that begins with ! must stand in quotes"),
        ("!!python/object:os.system x", "must be text, without a !tag; text that begins with ! must stand in quotes"),
        ('"a\\nb"', "must be one line of text"),
        ('"a\\0b"', "holds a control character or broken Unicode"),
        ('"\\ud800"', "holds a control character or broken Unicode"),
    ],
)
def test_wrong_text(value: str, reason: str) -> None:
    section, problems = loaded(f"\nkey: {value}\n")
    assert section.text("key") == ""
    if "!!python" in value:  # a tag YAML itself expands
        reason = "must be text, but YAML reads this as something else: put it in quotes"
    assert problems.lines() == [f"f.yml:2: key: {reason}"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("x", 'must be a number, not "x"'),
        ("'5'", "must be a number, not text: take the quotes away"),
        ("true", 'must be a number, not "true"'),
        (".nan", 'must be a number, not ".nan"'),
        (".inf", 'must be a number, not ".inf"'),
        ("1e999", "must be a finite number"),
        ("010", 'must be a number, not "010"'),
        ("0x10", 'must be a number, not "0x10"'),
        ("1_000", 'must be a number, not "1_000"'),
        ("1:30", 'must be a number, not "1:30"'),
        ("9" * 5000, "must be a number, not a long text"),
        ("", "has no value; write a number or remove the key"),
        ("[1]", "must be a number, not a list"),
        ("0", "must be between 1 and 10, not 0"),
        ("10.5", "must be between 1 and 10, not 10.5"),
    ],
)
def test_wrong_number(value: str, reason: str) -> None:
    section, problems = loaded(f"key: {value}")
    assert section.number("key", 4.0, minimum=1, maximum=10) == 4.0
    assert problems.lines() == [f"f.yml:1: key: {reason}"]


def test_each_bound_is_named() -> None:
    section, problems = loaded("a: -1\nb: 0\nc: 9\nd: 9\ne: 9\nf: 70000")
    section.number("a", minimum=0)
    section.number("b", above=0)
    section.number("c", maximum=8.5)
    section.number("d", below=9)
    section.number("e", above=1, maximum=5)
    section.integer("f", minimum=1, maximum=65535)
    assert problems.lines() == [
        "f.yml:1: a: must be at least 0, not -1",
        "f.yml:2: b: must be more than 0, not 0",
        "f.yml:3: c: must be at most 8.5, not 9",
        "f.yml:4: d: must be less than 9, not 9",
        "f.yml:5: e: must be more than 1 and at most 5, not 9",
        "f.yml:6: f: must be between 1 and 65535, not 70000",
    ]


def test_bounds_include_what_they_name() -> None:
    section, problems = loaded("a: 1\nb: 10\nc: 0.001\nd: 9.999")
    assert section.number("a", minimum=1, maximum=10) == 1
    assert section.number("b", minimum=1, maximum=10) == 10
    assert section.number("c", above=0) == 0.001
    assert section.number("d", below=10) == 9.999
    assert problems.lines() == []


def test_wrong_whole_numbers_booleans_percentages_and_choices() -> None:
    section, problems = loaded("a: 5.0\nb: 'yes'\nc: 1\nd: 150%\ne: five\nf: blu\ng: green\nh: off\ni: 3 %")
    section.integer("a")
    section.boolean("b")
    section.boolean("c")
    section.percent("d")
    section.percent("e")
    section.choice("f", Colour)
    section.text("g", choices=("red", "blue"))
    section.choice("h", Colour)
    assert section.percent("i") == 3
    assert problems.lines() == [
        'f.yml:1: a: must be a whole number, not "5.0"',
        "f.yml:2: b: must be true or false, not text: take the quotes away",
        "f.yml:3: c: must be true or false, not a number",
        "f.yml:4: d: must be between 0 and 100, not 150",
        'f.yml:5: e: must be a percentage, not "five"',
        'f.yml:6: f: must be one of red, blue, not "blu", did you mean "blue"?',
        'f.yml:7: g: must be one of red, blue, not "green"',
        "f.yml:8: h: must be one of red, blue, not true/false",
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("soon", 'must be a duration such as 30s, 2m, 1h or 1m30s, not "soon"'),
        ("1:30", 'must be a duration such as 30s, 2m, 1h or 1m30s, not "1:30"'),
        ("30s1m", 'must be a duration such as 30s, 2m, 1h or 1m30s, not "30s1m"'),
        ("-5", 'must be a duration such as 30s, 2m, 1h or 1m30s, not "-5"'),
        ("'90'", 'must be a duration such as 30s, 2m, 1h or 1m30s, not "90"'),
        ("5 s", 'must be a duration such as 30s, 2m, 1h or 1m30s, not "5 s"'),
        ("1s", "must be between 10s and 1d, not 1s"),
        ("2d", "must be between 10s and 1d, not 2d"),
        ("100000", "must be between 10s and 1d, not 1d3h46m40s"),
    ],
)
def test_wrong_duration(value: str, reason: str) -> None:
    section, problems = loaded(f"key: {value}")
    assert section.duration_s("key", 60, minimum=10, maximum=86_400) == 60
    assert problems.lines() == [f"f.yml:1: key: {reason}"]


def test_required_keys_are_missed_at_the_line_of_their_section() -> None:
    section, problems = loaded("a: 1\nitems:\n  - {x: 1}\n  - x: 2\n    y: 3\nlist: []\nnone:\n")
    section.text("gone")
    section.section("gone2", required=True)
    section.texts("list", required=True)
    section.sections("none", required=True)
    for item in section.sections("items"):
        item.integer("y", minimum=1)
    assert problems.lines() == [
        "f.yml:1: gone: missing",
        "f.yml:1: gone2: missing",
        "f.yml:3: items[0].y: missing",
        "f.yml:6: list: is empty; fill it in or remove it",
        "f.yml:7: none: is empty; fill it in or remove it",
    ]


def test_sections_and_lists_of_the_wrong_shape() -> None:
    section, problems = loaded("a: [1]\nb: {x: 1}\nc:\n  - 5\n  - {x: 1}\nd: {x: [1], y: 2}\ne: [ok, 5]\n")
    assert section.section("a") is None
    assert section.sections("b") == []
    assert len(section.sections("c")) == 1
    assert section.text_map("d") == {"x": "", "y": ""}
    assert section.texts("e") == ("ok",)
    assert problems.lines() == [
        'f.yml:1: a: must be a section of keys ("key: value"), not a list',
        'f.yml:2: b: must be a list (each item begins with "- "), not a section of keys',
        'f.yml:4: c[0]: must be a section of keys ("key: value"), not a number',
        "f.yml:6: d.x: must be text, not a list",
        "f.yml:6: d.y: must be text, but YAML reads this as a number: put it in quotes",
        "f.yml:7: e[1]: must be text, but YAML reads this as a number: put it in quotes",
    ]


def test_unknown_keys_are_reported_everywhere_with_the_likely_one() -> None:
    section, problems = loaded("nmae: a\ninner:\n  prot: 5\n  zzzzzz: 1\n")
    section.text("name", None)
    inner = section.section("inner")
    assert inner is not None
    inner.integer("port", None)
    inner.text("host", None)
    section.close()
    section.close()
    assert problems.lines() == [
        'f.yml:1: nmae: unknown key, did you mean "name"?',
        'f.yml:3: inner.prot: unknown key, did you mean "port"?',
        "f.yml:4: inner.zzzzzz: unknown key; known here: port, host",
    ]


def test_a_forgotten_space_is_named_without_telling_what_follows() -> None:
    section, problems = loaded("{secret:hunter2, token:hunter3}")
    section.text("secret", None)
    section.close()
    assert problems.lines() == [
        "f.yml:1: secret: a space is missing after the colon",
        "f.yml:1: token: a space is missing after the colon; known here: secret",
    ]


def test_keys_given_twice_and_keys_that_are_none() -> None:
    section, problems = loaded('a: 1\nb: 2\na: 3\n? [x]\n: 1\n~: 1\n<<: 5\n"": 1\n')
    assert section.integer("a") == 1
    section.integer("b")
    section.close()
    assert problems.lines() == [
        "f.yml:3: a: given twice, first in line 1",
        "f.yml:4: a key must be plain text, not a list",
        "f.yml:6: a key must be plain text, not empty",
        'f.yml:7: "<<": must name a section of keys, or a list of them',
        "f.yml:8: a key must be plain text, not text",
    ]


def test_callers_add_problems_of_their_own_at_the_right_line() -> None:
    section, problems = loaded("a:\n  - x: 1\n    SIP/1@h: 2\n")
    (item,) = section.sections("a")
    item.problem("SIP/1@h", "is odd")
    item.problem("", "is odd too")
    assert problems.lines() == ["f.yml:2: a[0]: is odd too", 'f.yml:3: a[0]."SIP/1@h": is odd']


def test_problems_come_all_at_once_sorted_and_once_each() -> None:
    problems = Problems()
    problems.raise_if_any()
    problems.add("b.yml", 2, "k", "r")
    problems.add("a.yml", 10, "k", "r")
    problems.add("a.yml", 9, "z", "first found")
    problems.add("a.yml", 9, "a", "second found")
    problems.add("a.yml", None, "", "whole file")
    problems.add("a.yml", 10, "k", "r")
    problems.add("c\x1b[2J.yml", 1, "", "one\nline")
    with pytest.raises(ConfigError) as caught:
        problems.raise_if_any()
    assert caught.value.problems == [
        "a.yml: whole file",
        "a.yml:9: z: first found",
        "a.yml:9: a: second found",
        "a.yml:10: k: r",
        "b.yml:2: k: r",
        "c\\x1b[2J.yml:1: one\\nline",
    ]


# --- texts that are not YAML, or too much of it -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a:\n\t- b", "2: a tab stands where only spaces may: indent with spaces"),
        ("a: 1\nb:\tx", "2: a tab stands where only spaces may: indent with spaces"),
        ("a: b: c", '1: a ": " is not expected here: check the indentation, or put the text in quotes'),
        ("a: 1\n  b: 2", '2: a ": " is not expected here: check the indentation, or put the text in quotes'),
        ("a: 1\n\nb\nc: 2", '3: a key without ": " after it, or a line that is not indented like its neighbours'),
        ("a: 1\nb\n", '2: a key without ": " after it, or a line that is not indented like its neighbours'),
        ("x: 1\na: 'b\nc: d\n", "2: a quote is opened here and never closed"),
        ("x: 1\na: [1, 2\nb: 3\n", "2: the { or [ opened here is not closed, or a comma is missing in it"),
        ("a:\n  b: 1\n c: 2\n", "3: the indentation does not fit the lines above"),
        ("x: 1\na: @b", "2: text that begins with @ must stand in quotes"),
        ("a: %b", "1: text that begins with % must stand in quotes"),
        ("a: *hunter2", "1: text that begins with * must stand in quotes (to YAML it is an undefined alias)"),
        ("a: !hun!ter2 x", "1: text that begins with ! must stand in quotes (to YAML it is an unknown tag)"),
        ('a: "\\d"', "1: an unknown \\ escape within \"...\": use '...' or write \\\\"),
        ("a: 1\n---\nb: 2", "2: only one document per file: remove the second ---"),
        ("a: &x 1\nb: &x 2", "2: the same &anchor is used twice"),
        ("a: 1\nb: \x00", "2: a control character or broken Unicode; save the file as plain UTF-8 text"),
        ('a: "\\UFFFFFFFF"', "1: not valid YAML: an escape or directive makes no sense"),
        ("a: |hunter2", "1: not valid YAML: expected chomping or indentation indicators, but found 'h'"),
        ("- a", '1: must be "key: value" lines, not a list'),
        ("\n\nhello", '3: must be "key: value" lines, not text'),
        ("a: &a [*a]", "1: an alias (*name) contains itself"),
        ("a: &a {<<: *a}", "1: an alias (*name) contains itself"),
        ("a: " + "[" * 5000, "1: nested more than 40 levels deep"),
        ("a: " + "{a: " * 200 + "}" * 200, "1: nested more than 40 levels deep"),
        ("#" * 1_000_001, " too large: 1000001 characters, at most 1000000 are read"),
    ],
)
def test_unreadable_text(text: str, problem: str) -> None:
    assert refusal(text) == f"f.yml:{problem}"


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert refusal("\n".join(lines)) == "f.yml:5: too much content: more than 100000 values once aliases are filled in"


def test_a_byte_order_mark_and_windows_line_ends_are_no_problem() -> None:
    section, problems = loaded("\ufeffa: 1\r\nb: 2\r\nc: x\r\n")
    assert (section.integer("a"), section.integer("b"), section.integer("c", 9)) == (1, 2, 9)
    assert problems.lines() == ['f.yml:3: c: must be a whole number, not "x"']


# fmt: off
YAML_PIECES = [
    "a", "b", ": ", ":", "- ", "[", "]", "{", "}", ",", "&a ", "*a", "<<: ", "!", "!!str ", "!x ", "!<", "'", '"', "|", ">",
    "---", "...", "%YAML 1.1", "%FF", " ", "#", "? ", "\\", '"\\x', "\\U00110000", "~", "1", "0x1", "1:30", ".inf", "@", "`",
    "%", "\n", "\n  ", "\t", "\r", "\x85", "\u2028", "\ufeff", "é", "\x00", "1" * 40,
]
# fmt: on


@given(st.text() | st.lists(st.sampled_from(YAML_PIECES), max_size=25).map("".join))
def test_any_text_gives_values_or_problems_and_nothing_else(text: str) -> None:
    problems = Problems()
    section = load_document(text, "f.yml", problems)
    if section is not None:
        for key in section:
            section.text(key)
            section.number(key, None)
            section.integer(key, None)
            section.boolean(key, None)
            section.percent(key, None)
            section.duration_s(key, None)
            section.patterns(key)
            section.text_map(key)
            section.sections(key)
        section.close()
    else:
        assert len(problems.lines()) == 1
    for line in problems.lines():
        assert line.startswith("f.yml:")
        assert line.isprintable()


# --- durations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("2m", 120),
        ("1h", 3600),
        ("1d", 86_400),
        ("1m30s", 90),
        ("1d2h3m4.5s", 93_784.5),
        ("0s", 0),
        ("1.5h", 5400),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "30", "30 s", "-1s", "1s2m", "1m1m", "1H", "1.s", "٣s", "1m30", "30s\n"])
def test_no_durations(text: str) -> None:
    assert parse_duration_s(text) is None


@given(st.integers(0, 10**9))
def test_a_duration_survives_being_written_and_read(seconds: int) -> None:
    assert parse_duration_s(format_duration(seconds)) == seconds


@given(st.floats(0, 1e8))
def test_a_duration_is_written_to_the_millisecond(seconds: float) -> None:
    read = parse_duration_s(format_duration(seconds))
    assert read == pytest.approx(seconds, abs=0.000_6)


@given(st.integers(0, 99), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_a_duration_is_the_sum_of_its_parts(days: int, hours: int, minutes: int, seconds: int) -> None:
    expected = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    assert parse_duration_s(f"{days}d{hours}h{minutes}m{seconds}s") == expected


@given(st.text())
def test_any_text_is_a_duration_or_is_not(text: str) -> None:
    seconds = parse_duration_s(text)
    assert seconds is None or seconds >= 0


# --- selectors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "selected", "not_selected"),
    [
        ("SIP/6117", ["SIP/6117", "sip/6117"], ["SIP/61170", "XSIP/6117", ""]),
        ("SIP/61*", ["SIP/61", "SIP/6117"], ["SIP/16117", "PJSIP/6117"]),
        ("SIP/61??", ["SIP/6117"], ["SIP/611", "SIP/61177"]),
        ("*", ["", "anything\nat all"], []),
        ("SIP/a.b[1](x)", ["SIP/a.b[1](x)"], ["SIP/aXb[1](x)"]),
        ("/^SIP\\/61[0-9]+$/", ["SIP/6117"], ["SIP/61", "sip/6117", "PJSIP/6117"]),
        ("/61/", ["SIP/6117", "PJSIP/761"], ["SIP/16"]),
        ("/(?i)sip/", ["SIP/1", "PJSIP/1"], ["IAX2/1"]),
        ("/", ["/"], ["x"]),
    ],
)
def test_selectors(selector: str, selected: list[str], not_selected: list[str]) -> None:
    compiled = compile_selector(selector)
    assert [text for text in selected + not_selected if compiled.matches(text)] == selected
    assert str(compiled) == selector


@given(st.text(min_size=1, max_size=50).filter(lambda text: not set(text) & set("*?/")))
def test_plain_text_selects_itself(text: str) -> None:
    assert compile_selector(text).matches(text)
    assert not compile_selector(text).matches(text + "x")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("selector", "almost"),
    [
        ("*a" * 40 + "*b", "a" * 500),
        ("*?a?" * 20 + "b*", "a" * 500),
        ("*a*" * 99 + "b", "aA" * 99),
        ("*" * 999 + "b", "a" * 99),
    ],
)
def test_wildcards_take_no_longer_the_more_there_are(selector: str, almost: str) -> None:
    assert not compile_selector(selector).matches(almost)
    assert compile_selector(selector).matches(almost + "b")


@given(
    st.text(alphabet="ab*?", min_size=1, max_size=8),
    st.text(alphabet="abAB\n", max_size=8),
)
def test_wildcards_mean_what_they_always_meant(selector: str, text: str) -> None:
    said = "".join({"*": ".*", "?": "."}.get(char, char) for char in selector)
    assert compile_selector(selector).matches(text) is bool(re.fullmatch(said, text, re.IGNORECASE | re.DOTALL))


@pytest.mark.parametrize(
    "selector",
    [
        "SIP/61*",
        "*a" * 40,
        r"/^SIP\/61[0-9]+$/",
        r"/^(SIP|PJSIP)\/(61|62)\d{2}$/",
        r"/(?i)^sip\/(?!6117$)61\d\d?$/",
        r"/office.*phone.*6/",
        r"/^10\.\d+\.\d+\.\d+$/",
        r"/^\d+\.\d+\.\d+\.\d+$/",
        r"/^(\d{1,3}\.){3}\d{1,3}$/",
        r"/^[a-z]+(-[0-9]{4})*$/",
        r"/(ab){2}c+?(?=d)(?<!e)\b/",
        r"/(.)\1(x)?(?(2)y|z)/",
        r"/(a++)+$/",
        r"/(?>a+)*b/",
    ],
)
def test_expressions_that_end_soon_are_taken(selector: str) -> None:
    assert compile_bounded(selector).source == selector


@pytest.mark.parametrize(
    "selector",
    [
        r"/(a+)+$/",
        r"/(a*)*b/",
        r"/(a?){40}b/",
        r"/^(\w+\s?)*$/",
        r"/(a|aa)+$/",
        r"/(?:aa|a|ab){1,40}b/",
        r"/((a{1,9}){1,9}){1,9}b/",
        r"/.*a.*a.*a.*a.*b/",
        r"/a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaaaaaaaaaaaaa/",
        r"/x(?=(a+)+$)/",
        r"/(a)?(?(1)(b+)+|c)d/",
        r"/(?>(a+)+)$/",
        r"/" + "(" * 300 + "a" + "+)" * 300 + "/",
        r"/(/",
        "",
    ],
)
def test_expressions_that_might_not_end_are_refused(selector: str) -> None:
    with pytest.raises(ValueError, match=r"^(may take too long|is not a regular expression|is empty)"):
        compile_bounded(selector)


def test_wrong_selectors() -> None:
    section, problems = loaded(f"a: /(/\nb: [SIP/*, //, '', 5, '/[[a]/']\nc: {'x' * 1001}\nd: /a{{5,1}}/\n")
    section.pattern("a")
    assert [str(found) for found in section.patterns("b")] == ["SIP/*"]
    section.pattern("c")
    section.pattern("d", None)
    assert problems.lines() == [
        "f.yml:1: a: is not a regular expression: missing ), unterminated subpattern at position 0",
        "f.yml:2: b[1]: is an empty regular expression",
        "f.yml:2: b[2]: is empty; write * to select everything",
        "f.yml:2: b[3]: must be text, but YAML reads this as a number: put it in quotes",
        "f.yml:2: b[4]: is not a regular expression: Possible nested set at position 1",
        "f.yml:3: c: is longer than 1000 characters",
        "f.yml:4: d: is not a regular expression: min repeat greater than max repeat at position 2",
    ]
