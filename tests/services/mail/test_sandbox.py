"""A template cannot run a program, cannot take much memory or time, and its faults have a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mail.sandbox import LONGEST_OUTPUT, LONGEST_VALUE, TemplateFault, compile_template

VARIABLES = {"code": str, "user_id": str, "minutes": int}
VALUES = {"code": "123456", "user_id": "ada", "minutes": 10}

#: Each would take a gigabyte, run for minutes, or reach Python's objects, in Jinja's sandbox or without it.
BOMBS = [
    "{{ 'a' * 10**9 }}",
    "{{ code * 1000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ 9 // 0 }}",
    "{{ code + code }}",
    "{{ code ~ code }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%*d' % (999999999, 1) }}",
    "{{ '{:>999999999}'.format(1) }}",
    "{{ '{:>999999999}'.format_map({}) }}",
    "{{ '{0.__class__}'.format(code) }}",
    "{{ 'a'.center(10**9) }}",
    "{{ 'a'.ljust(1000000000) }}",
    "{{ 'a'.rjust(1000000000) }}",
    "{{ '7'.zfill(1000000000) }}",
    "{{ 'a\tb'.expandtabs(1000000000) }}",
    "{{ 'aaaa'.replace('a', code) }}",
    "{{ code.join(['a', 'b']) }}",
    "{{ 'a'.translate({97: code}) }}",
    "{{ code.encode() }}",
    "{{ (1).to_bytes(1000000000, 'big') }}",
    "{{ code['__class__'] }}",
    "{{ code.__class__.__mro__ }}",
    "{{ code|attr('__class__') }}",
    "{{ code|center(1000000000) }}",
    "{{ 'a'|center(1000000000) }}",
    "{{ code|indent(1000000000) }}",
    "{{ code|replace('1', code) }}",
    "{{ '%999999999d'|format(1) }}",
    "{{ code|tojson(1000000000) }}",
    "{{ code|list|join(code) }}",
    "{{ code|batch(1000000000, code)|list }}",
    "{{ code|slice(1000000000)|list }}",
    "{{ [code]|map('center', 1000000000)|list }}",
    "{{ code|wordwrap(1) }}",
    "{{ code|safe }}",
    "{{ code|e(1) }}",
    "{{ code|upper(*[1]) }}",
    "{{ range(1000000000)|list }}",
    "{{ lipsum(1000000000) }}",
    "{{ cycler(1) }}",
    "{{ dict(a=1) }}",
    "{{ namespace(a=1) }}",
    "{% for _ in range(1000000) %}{{ code }}{% endfor %}",
    "{% for a in code %}{% for b in code %}{{ a }}{% endfor %}{% endfor %}",
    "{% set a = code %}{{ a }}",
    "{% set a %}{{ code }}{{ code }}{% endset %}",
    "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "{% call f() %}{% endcall %}",
    "{% filter upper %}{{ code }}{% endfilter %}",
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{% with a = code %}{{ a }}{% endwith %}",
    "{% include '/etc/passwd' %}",
    "{% import '/etc/passwd' as a %}",
    "{% from '/etc/passwd' import a %}",
    "{% extends '/etc/passwd' %}",
    "{% autoescape false %}{{ code }}{% endautoescape %}",
    "{{ code is defined }}",
    "{{ self }}",
    "{{ loop }}",
    "{{ [code, code] }}",
    "{{ (code, code) }}",
    "{{ {'a': code} }}",
    "{{ code[0] }}",
    "{{ code[:1] }}",
    "{{ -minutes }}",
    "{{ 'a' in code }}",
    "{{ 1 in minutes }}",
    "{{ code > 5 }}",
    "{{ 'a' if 'b' < minutes else 'c' }}",
    "{{ code == 'a' < 5 }}",
]


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("is_html", [False, True])
def test_what_is_no_text_is_refused_with_its_line(bomb: str, is_html: bool) -> None:
    with pytest.raises(TemplateFault) as fault:
        compile_template(f"first\n\n{bomb}\nlast", VARIABLES, is_html=is_html)
    assert fault.value.line == 3
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "(" * 5_000 + "code" + ")" * 5_000 + " }}",
        "{{ " + "not " * 5_000 + "code }}",
        "{{ " + "code or " * 5_000 + "code }}",
        "{{ code" + "|upper" * 5_000 + " }}",
        "{{ code" + " == code" * 5_000 + " }}" + "{{ [ }}",
        "{{ " + "code if code else " * 5_000 + "code }}",
        "{% if code %}" * 200 + "{% endif %}" * 200,
        "{% if code %}" * 5_000 + "{% endif %}" * 5_000,
        "{% if code %}a" + "{% elif code %}b" * 3_500 + "{% endif %}",
        "{{ " + "9" * 10_000 + " }}",
        "{{ 0x" + "f" * 10_000 + " }}",
        "{{ 1e" + "9" * 10_000 + " }}",
        "{{ " + "[" * 10_000,
        "{{ " + "-" * 10_000 + "1 }}",
    ],
    ids=lambda source: source[:20],
)
def test_source_that_is_nested_too_deeply_or_has_huge_numbers_is_refused(source: str) -> None:
    with pytest.raises(TemplateFault) as fault:
        compile_template(f"\n{source}", VARIABLES, is_html=False)
    assert fault.value.line == 2
    assert len(str(fault.value)) < 200


@pytest.mark.parametrize(
    "source", ["{{ code", "{{ }}", "{% if %}", "{% if code %}", "{% nonsense %}", "{{ 'a }}", "{# a"]
)
def test_wrong_syntax_is_refused_with_its_line(source: str) -> None:
    with pytest.raises(TemplateFault) as fault:
        compile_template(f"\n\n\n{source}", VARIABLES, is_html=False)
    assert fault.value.line == 4


WORDS = [
    *[
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "-",
        "if",
        "elif",
        "else",
        "endif",
        "for",
        "in",
        "set",
        "raw",
        "endraw",
        "code",
        "minutes",
        "cod",
        "'a'",
        '"',
        "9",
        "1.5",
        "0x1",
        "true",
        "none",
    ],
    *[
        "==",
        "<",
        "*",
        "**",
        "~",
        "|",
        "upper",
        "urlencode",
        "(",
        ")",
        "[",
        "]",
        "not",
        "and",
        "or",
        ".",
        "__class__",
        "ü",
        "\\",
        ",",
        ":",
        "is",
        "defined",
    ],
    "\n",
]


@given(words=st.lists(st.sampled_from(WORDS), max_size=30), is_html=st.booleans())
def test_any_source_is_refused_with_a_line_or_renders(words: list[str], is_html: bool) -> None:
    source = " ".join(words)
    line, template = 1, None
    try:
        template = compile_template(source, VARIABLES, is_html=is_html)
    except TemplateFault as fault:
        line = fault.line
    assert 1 <= line <= source.count("\n") + 1
    for minutes in (1, 10):
        assert template is None or len(template.render(VALUES | {"minutes": minutes})) <= LONGEST_OUTPUT


def test_an_unknown_variable_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(TemplateFault, match="unknown variable 'cod'; there are code, minutes, user_id") as fault:
        compile_template("a\n{% if false %}\n{{ cod }}{% endif %}", VARIABLES, is_html=False)
    assert fault.value.line == 3


@pytest.mark.parametrize("is_html", [False, True])
@pytest.mark.parametrize("filters", ["|urlencode|urlencode", "|e", "|upper", "", "|urlencode|e"])
def test_no_values_make_a_mail_longer_than_the_limit(is_html: bool, filters: str) -> None:
    expression = "{{ code" + filters + " }}"
    with pytest.raises(TemplateFault, match="longer than"):
        compile_template(expression * 2_000, VARIABLES, is_html=is_html)
    count = 1
    while _is_accepted(expression * count * 2, is_html=is_html):
        count *= 2
    template = compile_template(expression * count, VARIABLES, is_html=is_html)
    for character in ('"', "😀", "\u0390", "%"):
        assert len(template.render(VALUES | {"code": character * LONGEST_VALUE})) <= LONGEST_OUTPUT


def _is_accepted(source: str, *, is_html: bool) -> bool:
    try:
        compile_template(source, VARIABLES, is_html=is_html)
    except TemplateFault:
        return False
    return True


def test_what_a_text_needs_works() -> None:
    source = (
        "{# a comment #}Hello {{ user_id|upper }}: {{ code }}\n"
        "{% if minutes == 1 %}\nshort\n{% elif minutes > 5 and minutes <= 60 %}\nlong\n{% else %}\nother\n{% endif %}\n"
        "{% raw %}{{ code }}{% endraw %} {{ 'a' if not (minutes != 10) else 'b' }} {{ 'ö &'|urlencode }}\n"
    )
    rendered = compile_template(source, VARIABLES, is_html=False).render(VALUES)
    assert rendered == "Hello ADA: 123456\nlong\n{{ code }} a %C3%B6%20%26\n"


def test_values_are_escaped_in_html_alone() -> None:
    values = VALUES | {"user_id": "<script>&\"'"}
    assert compile_template("{{ user_id }}", VARIABLES, is_html=False).render(values) == "<script>&\"'"
    html = compile_template("<b>{{ user_id }}</b>{{ user_id|e|lower }}", VARIABLES, is_html=True).render(values)
    assert html == "<b>&lt;script&gt;&amp;&#34;&#39;</b>&lt;script&gt;&amp;&#34;&#39;"
