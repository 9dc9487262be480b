"""Chat templates as transformers 5 runs them, within a budget.

The environment is that of `transformers.utils.chat_template_utils` (5.23): an immutable sandbox, trimmed blocks, loop
controls, `tojson` that escapes nothing, `raise_exception`, `strftime_now`, `{% generation %}`. The tree of a template
is given counting steps before it is compiled, so that nothing of it runs uncounted; see `budget`. The code that is made
of it (`template_code`) runs in this sandbox, and in the one of `traced`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any, NoReturn, cast

import jinja2
from jinja2 import nodes, pass_eval_context
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.nodes import EvalContext
from jinja2.parser import Parser
from jinja2.runtime import LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from markupsafe import escape

from ..errors import TemplateBudgetError, TemplateError
from . import budget, costs
from .guards import FILTERS, escapable, guarded, rule_of, ticked
from .template_code import METHODS, Program, program
from .template_errors import failed, malformed, placed
from .template_lexer import RunLexer
from .template_tree import BOUNDED, INSIDE, JOINED, STEP, tree_of

_get = cast("Any", dict).get
COUNTING, WORD = frozenset(("+", "-", "//", "%")), 1 << 60  # operators that make no large number of small ones
SCOPES = frozenset(("_loop_vars", "_block_vars"))  # what jinja's code passes to a call beside its arguments
READING = frozenset(("get", "items", "keys", "values"))  # methods of a dict that change nothing
Refused = jinja2.TemplateError  # what transformers raises for `raise_exception`


class Generation(Extension):
    """`{% generation %}`: what is between is what the model wrote; rendered as it is."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_said"), [], [], body).set_lineno(line)

    def _said(self, caller: Callable[[], str]) -> str:
        return caller()


class Sandbox(ImmutableSandboxedEnvironment):
    """See the head of this file. One for all templates; what is left of a render's budget is in `budget.current`."""

    text: type[str] = str  # what its strings are
    passed: frozenset[type] = frozenset((str, int, float, bool, type(None)))  # plain values
    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "**", "%"))
    intercepted_unops = frozenset("-")

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[Generation, "jinja2.ext.loopcontrols"],
            optimized=False,
        )
        self.printed: Callable[[int, Any], Any] = _printed
        self.escaped: Callable[[int, bool, Any], Any] = _escaped
        self.filters["tojson"] = tojson
        known: dict[str, Any] = self.globals  # pyright: ignore[reportAssignmentType]
        known |= {"raise_exception": _raise, "strftime_now": _now, "dict": _Dict(), "namespace": _Namespace}
        known.pop("lipsum")  # fills pages
        self.filters = {name: guarded(name, f) for name, f in self.filters.items() if name in FILTERS}
        self.filters |= {BOUNDED: budget.bounded, STEP: _stepped, JOINED: concatenated}

    @functools.cached_property
    def lexer(self) -> RunLexer:  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]
        """Its own: jinja's are shared by environments."""
        return RunLexer(self)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return tree_of(self, source)

    def concat(self, pieces: Iterable[str]) -> str:  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]
        """Joins what a template, a macro or a block wrote."""
        left = budget.current.get()
        most, total = left.limits.text, 0
        out: list[str] = []
        for piece in pieces:
            total += len(piece)
            if total > most:
                raise budget.beyond(pieces, total)
            out.append(piece)
        left.size(total)
        return "".join(out)

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A call from a template."""
        left = budget.current.get()
        left.step()
        if type(obj) is Macro:
            left.charge(budget.PIECE * len(args))
            return super().call(context, obj, *args, **kwargs)
        named = {} if kwargs.keys() <= SCOPES else {name: v for name, v in kwargs.items() if name not in SCOPES}
        budget.arguments((*args, *named.values()))
        of, rule = rule_of(obj)
        if rule is not None:
            args = rule(of, *args, **named) or args
        return self._made(of, super().call(context, obj, *args, **kwargs))

    def _made(self, of: Any, value: Any) -> Any:
        """What a method of `of` made, charged: if it is of pieces of a text, those too."""
        left = budget.current.get()
        if isinstance(of, (str, bytes)) and isinstance(value, (list, tuple)):
            left.charge(len(of) + budget.PIECE * len(cast("Any", value)))
            return cast("Any", value)
        return left.result(value)

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A filter that a template names while it runs: not one of ours, which are only for its code."""
        if name in INSIDE:
            raise SecurityError(f"{name!r} is not for templates")
        return super().call_filter(name, *args, **kwargs)

    def call_test(self, *args: Any, **kwargs: Any) -> bool:
        """A test, done by a filter."""
        budget.current.get().tick()
        return super().call_test(*args, **kwargs)

    def handle_exception(self, source: str | None = None) -> NoReturn:
        """What a template raised, as it is: its frames tell `template_errors` where it was."""
        raise

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`, of a mapping without an exception for each."""
        if attribute not in METHODS:
            return self.field(obj, attribute)
        if type(obj) is dict and attribute in READING:
            return getattr(cast("dict[Any, Any]", obj), attribute)
        return super().getattr(obj, attribute)

    def field(self, obj: Any, name: str) -> Any:
        """`obj.name`, which is no method of a mapping."""
        kind = type(obj)  # pyright: ignore[reportUnknownVariableType]
        if kind is dict:
            value = _get(obj, name, self)
            return self.undefined(obj=obj, name=name) if value is self else value
        if kind in OURS and name[0] != "_":
            value = getattr(obj, name, self)
            if type(value) in self.passed:
                return value
        return super().getattr(obj, name)

    def item(self, obj: Any, key: str) -> Any:
        """`obj["key"]`."""
        value = _get(obj, key, self) if type(obj) is dict else self
        return super().getitem(obj, key) if value is self else value

    seen, seen_item = field, item  # of which nothing is printed

    def shown(self, line: int, obj: Any, key: str, item: bool) -> Any:
        """What `{{ obj.key }}` writes, or `{{ obj["key"] }}`."""
        value = _get(obj, key, self) if type(obj) is dict else self
        if type(value) is str:
            return value
        return self.printed(line, self.item(obj, key) if item else self.field(obj, key))

    def part(self, line: int, obj: Any, key: str, item: bool) -> Any:
        """What it adds to a sum that is printed."""
        value = _get(obj, key, self) if type(obj) is dict else self
        if value is not self:
            return value
        return self.item(obj, key) if item else self.field(obj, key)

    def asked(self, context: Any, loop: Any, block: Any, method: str, obj: Any, *args: Any) -> Any:
        """`obj.method(...)`, for a method of strings."""
        if type(obj) is not self.text and type(obj) is not str:
            return self.call(context, self.getattr(obj, method), *args, _loop_vars=loop, _block_vars=block)
        left = budget.current.get()
        left.step()
        if args:
            budget.arguments(args)
        rule = costs.TEXT[method]
        if rule is not None:
            args = rule(obj, *args) or args
        out = getattr(obj, method)(*args)
        if isinstance(out, str):
            left.size(len(out))
            return out
        return out if type(out) is bool else self._made(obj, out)

    def added(self, context: Any, values: tuple[Any, ...]) -> Any:
        """`a + b + c`."""
        if budget.summed(values, str):
            return "".join(values)
        return functools.reduce(lambda left, right: self.call_binop(context, "+", left, right), values)

    def summed(self, context: Any, line: int, pieces: tuple[bool, ...], values: tuple[Any, ...]) -> Any:
        """What `{{ a + b + c }}` writes; some of it may be pieces already."""
        return self.printed(line, self.added(context, values))

    def joined(self, line: int, pieces: tuple[bool, ...], values: tuple[Any, ...]) -> Any:
        """What `{{ a ~ b ~ c }}` writes."""
        return _together(values)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """An operator."""
        if type(left) is int and type(right) is int and operator in COUNTING and -WORD < left < WORD > right > -WORD:
            return self.binop_table[operator](left, right)
        costs.operator(operator, left, right)
        return budget.current.get().result(super().call_binop(context, operator, left, right))

    def call_unop(self, context: Any, operator: str, arg: Any) -> Any:
        """A sign."""
        return budget.current.get().result(super().call_unop(context, operator, arg))

    def sliced(self, obj: Any, *bounds: Any) -> Any:
        """`obj[start:stop:step]`."""
        return budget.current.get().result(obj[slice(*bounds)])


def _printed(line: int, value: Any) -> str:
    """What `{{ value }}` writes."""
    return value if type(value) is str else budget.shown(value)


def _escaped(line: int, escaping: bool, value: Any) -> str:
    text = _printed(line, value)
    return str(escape(value if hasattr(value, "__html__") else escapable(text))) if escaping else text


@pass_eval_context
def concatenated(context: EvalContext, *values: Any) -> Any:
    """`a ~ b ~ c`; where output is escaped, a text that was escaped is not escaped again."""
    done = next((v for v in values if hasattr(v, "__html__")), None) if context.autoescape else None
    if done is None:
        return _together(values)
    texts = [value if isinstance(value, str) else budget.shown(value) for value in values]
    left = budget.current.get()
    left.fits(costs.markup(done) * sum(map(len, texts)))
    return left.result(done[:0].join(texts))


def _together(values: tuple[Any, ...]) -> str:
    texts = [value if isinstance(value, str) else budget.shown(value) for value in values]
    budget.current.get().size(sum(map(len, texts)))
    return "".join(texts)


def _stepped(made: int) -> bool:
    return budget.current.get().step(made)


class _Dict:
    """`dict` with one of its attributes, as transformers has it."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*map(_pairs, args), **kwargs)

    def fromkeys(self, keys: Any, value: Any = None) -> dict[Any, Any]:
        """One value under each key."""
        return dict.fromkeys(costs.counted(keys), value)


def _pairs(given: Any) -> Any:
    """What a dict is made of, the clock read between pairs. (An undefined value has none, and raises.)"""
    return cast("Any", given) if isinstance(given, (Mapping, jinja2.Undefined)) else ticked(given)


class _Namespace(Namespace):
    """`namespace` without names that begin with `_`, as transformers has it."""

    def __init__(*args: Any, **kwargs: Any) -> None:  # pyright: ignore[reportSelfClsParameterName]
        self, *rest = args
        given = budget.current.get().result(dict(*map(_pairs, rest), **kwargs))
        for name in given:
            _check_name(name)
        Namespace.__init__(self, given)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        super().__setitem__(name, value)


def _check_name(name: Any) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"a namespace takes no name that begins with an underscore: {name!r}")


OURS = frozenset((LoopContext, _Namespace))  # objects whose attributes are plain values, or for the sandbox to judge


def _raise(message: str) -> None:
    raise Refused(message)


def _now(format: str) -> str:
    costs.strftime(format)
    return datetime.now().strftime(format)


def tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """As transformers has it: nothing is escaped for HTML, letters stay."""
    if ensure_ascii or indent is not None or separators is not None or sort_keys:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False)


@functools.lru_cache(1)
def sandbox() -> Sandbox:
    """The environment, made on first use."""
    return Sandbox()


@functools.lru_cache(256)
def compiled(source: str) -> jinja2.Template:
    """A template ready to run. Raises `TemplateError` with the line of a syntax error."""
    made = program_of(source)
    return made.within(sandbox(), [literal.value for literal in made.literals])


def undeclared(source: str) -> frozenset[str]:
    """The variables that a template asks for, but for the sandbox's own."""
    return program_of(source).reads - sandbox().globals.keys()


@functools.lru_cache(256)
def program_of(source: str) -> Program:
    """The code of a template; raises as `compiled` does, and `TemplateBudgetError` for what takes long to compile."""
    token = budget.current.set(budget.Budget(budget.Limits()))
    try:
        return program(sandbox(), sandbox().parse(source))
    except jinja2.TemplateSyntaxError as e:
        raise malformed(e, source) from None
    except TemplateBudgetError as e:
        raise placed(e, source) from None
    finally:
        budget.current.reset(token)


RAISED = (
    jinja2.TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RuntimeError,
    AssertionError, NameError,
)  # fmt: skip
"""What a template raises, beside `TemplateError`, `RecursionError` and `MemoryError`."""


def render(
    source: str,
    variables: Mapping[str, Any],
    limits: budget.Limits = budget.Limits(),  # noqa: B008
    now: date | None = None,
    deadline: float | None = None,
) -> str:
    """The text of a template. `now` fixes what `strftime_now` says; `deadline`: of a render that has begun already.
    Raises `TemplateError` with the template's line, `TemplateBudgetError` when it uses more than `limits`."""
    given = _given(variables, now)
    template = compiled(source)
    token = budget.current.set(budget.Budget(limits, deadline))
    try:
        return template.render(given)
    except TemplateError as e:
        failed(e, sandbox(), source, given)
        raise
    except (RecursionError, MemoryError) as e:
        raise failed(e, sandbox(), source, given) from None
    except RAISED as e:
        raise failed(e, sandbox(), source, given) from e
    finally:
        budget.current.reset(token)


def shown(source: str, variables: Mapping[str, Any], limits: budget.Limits, now: date | None) -> str | None:
    """As `render`; None where it raises `TemplateError`. Why is not found out: that takes longer than most renders."""
    token = budget.current.set(budget.Budget(limits))
    try:
        return compiled(source).render(_given(variables, now))
    except TemplateBudgetError:
        raise
    except (TemplateError, MemoryError, *RAISED):
        return None
    finally:
        budget.current.reset(token)


def _given(variables: Mapping[str, Any], now: date | None) -> dict[str, Any]:
    given = dict(variables)
    if now is not None:
        given["strftime_now"] = now.strftime
    return given
