"""Compiles the text of a template, whose author may write texts but no programs.

Of Jinja's language a template has variables, ``if``, comparisons and a few filters without arguments. It has no loops,
calls, attributes, arithmetic or assignments. So the size of its output and the work for it have a bound that is known
before it runs, which a sandbox alone cannot promise: Jinja's sandbox forbids ``{{ ''.__class__ }}``, but not
``{{ 'a' * 10**9 }}``, ``{{ 'a'.ljust(10**9) }}``, ``{{ 'a'|center(10**9) }}`` or ``{{ '%999999999d' % 1 }}``.
The templates run in Jinja's sandbox all the same, as a second barrier.
"""

from collections.abc import Iterator, Mapping

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

#: Characters of a value. A longer one is cut.
LONGEST_VALUE = 1_000
#: Characters that a template may render to, whatever its values: more than any mail program shows at once.
LONGEST_OUTPUT = 1_000_000
#: Levels of ``if`` and parentheses, and branches of one ``if``, which Python compiles to levels. It allows 100.
DEEPEST = 40
#: How many characters a filter makes of one, at most: ``&#34;``, ``%F0%9F%98%80``, and capital letters such as those of
#: U+0390.
FILTERS = {"e": 5, "escape": 5, "lower": 3, "trim": 1, "upper": 3, "urlencode": 12}
#: What autoescaping makes of one character.
ESCAPED = 5
LARGEST_NUMBER = 10**9
ALLOWED = (
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Filter,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Scope,  # has no line; it is only around ``autoescape``, which has one and is refused
)
#: Comparisons that accept values of every type. The others accept whole numbers only.
EQUALITY = ("eq", "ne")
ORDER = ("lt", "lteq", "gt", "gteq")


class TemplateFault(Exception):
    """A template cannot be used. ``line`` counts from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(" ".join(reason.split()))
        self.line = line


def compile_template(source: str, variables: Mapping[str, type], *, is_html: bool) -> Template:
    """Compile a template that uses only these variables, by their types. Values are escaped in HTML.

    Raises :class:`TemplateFault`.
    """
    environment = _HTML if is_html else _TEXT
    tree = _parse(environment, source)
    for node, depth in _walk(tree):
        _check(node, depth, variables)
    if _longest_of(tree.body, is_html=is_html) > LONGEST_OUTPUT:
        raise TemplateFault(f"a mail may become longer than {LONGEST_OUTPUT} characters", 1)
    return environment.from_string(tree)


def _environment(*, is_html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=is_html,
        undefined=StrictUndefined,
        loader=None,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=0,
    )
    environment.globals.clear()
    return environment


_TEXT, _HTML = _environment(is_html=False), _environment(is_html=True)


def _parse(environment: ImmutableSandboxedEnvironment, source: str) -> nodes.Template:
    _check_numbers(environment, source)
    parser = Parser(environment, source)
    try:
        return parser.parse()
    except TemplateSyntaxError as error:
        raise TemplateFault(error.message or "wrong syntax", error.lineno) from None
    except RecursionError:
        raise TemplateFault("nested too deeply", parser.stream.current.lineno) from None


def _check_numbers(environment: ImmutableSandboxedEnvironment, source: str) -> None:
    """Refuse long numbers before they are parsed, because Python refuses those of thousands of digits."""
    try:
        for line, token, text in environment.lexer.tokeniter(source, None):
            if token in ("integer", "float") and len(text) > len(str(LARGEST_NUMBER)):
                raise TemplateFault("a number is too long", line)
    except TemplateSyntaxError as error:
        raise TemplateFault(error.message or "wrong syntax", error.lineno) from None


def _walk(tree: nodes.Template) -> Iterator[tuple[nodes.Node, int]]:
    """Every node below the root with its depth, without recursion."""
    waiting = [(node, 1) for node in tree.body]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]


def _check(node: nodes.Node, depth: int, variables: Mapping[str, type]) -> None:
    if not isinstance(node, ALLOWED):
        raise TemplateFault(f"{_described(node)} cannot be used in a template of a mail", node.lineno)
    if depth > DEEPEST:
        raise TemplateFault("nested too deeply", node.lineno)
    match node:
        case nodes.If(elif_=branches) if len(branches) > DEEPEST:
            raise TemplateFault(f"more than {DEEPEST} times elif", node.lineno)
        case nodes.Name(name=name) if name not in variables:
            raise TemplateFault(f"unknown variable {name!r}; there are {', '.join(sorted(variables))}", node.lineno)
        case nodes.Filter():
            _check_filter(node)
        case nodes.Compare():
            _check_comparison(node, variables)


def _check_filter(node: nodes.Filter) -> None:
    if node.name not in FILTERS:
        raise TemplateFault(f"unknown filter {node.name!r}; there are {', '.join(sorted(FILTERS))}", node.lineno)
    if node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise TemplateFault(f"the filter {node.name!r} takes no arguments", node.lineno)


def _check_comparison(node: nodes.Compare, variables: Mapping[str, type]) -> None:
    names = [operand.op for operand in node.ops]
    values = [node.expr, *(operand.expr for operand in node.ops)]
    if not set(names) <= {*EQUALITY, *ORDER}:
        raise TemplateFault("'in' cannot be used in a template of a mail", node.lineno)
    if set(names) & set(ORDER) and not all(_is_number(value, variables) for value in values):
        raise TemplateFault("only numbers have an order", node.lineno)


def _is_number(node: nodes.Node, variables: Mapping[str, type]) -> bool:
    match node:
        case nodes.Const(value=value):
            return isinstance(value, int | float)
        case nodes.Name(name=name):
            return variables.get(name) is int
    return False


def _described(node: nodes.Node) -> str:
    words = {nodes.For: "a loop", nodes.Call: "a call", nodes.Getattr: "an attribute", nodes.Getitem: "an item"}
    return words.get(type(node), f"'{type(node).__name__.lower()}'")


def _longest_of(body: list[nodes.Node], *, is_html: bool) -> int:
    """The characters to which these nodes render, at most. Their depth has been checked."""
    return sum(_longest(node, is_html=is_html) for node in body)


def _longest(node: nodes.Node, *, is_html: bool) -> int:
    match node:
        case nodes.TemplateData(data=data):
            return len(data)
        case nodes.Output():
            return sum(
                _longest(child, is_html=is_html)
                * (ESCAPED if is_html and not isinstance(child, nodes.TemplateData) else 1)
                for child in node.nodes
            )
        case nodes.If():
            return _longest_of([*node.body, *node.elif_, *node.else_], is_html=is_html)
        case nodes.Const(value=value):
            return len(str(value))
        case nodes.Filter(node=nodes.Expr() as inner, name=name):
            return FILTERS[name] * _longest(inner, is_html=is_html)
    values = [_longest(child, is_html=is_html) for child in node.iter_child_nodes()]
    return max(LONGEST_VALUE, *values) if values else LONGEST_VALUE
