"""The Jinja sandbox that a model file's chat template runs in. Pure: no clock, no thread.

A template is written by whoever made the file. Jinja's immutable sandbox keeps it from
Python's internals; this module also keeps it from sizes: every operation that can make a
long text or a big number out of a short template is checked before it runs, because such
an operation holds the interpreter and no time limit could stop it. Must never hand the
template anything but what JSON can hold, and the few functions that chat templates use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment

_MAX_CHARACTERS = 8 * 1024 * 1024
_MAX_ITEMS = 100_000
_MAX_BITS = 4096
_MAX_WIDTH = 1000
_DANGEROUS_FILTERS = ("batch", "center", "format", "urlize", "wordwrap", "xmlattr", "pprint")
_DANGEROUS_METHODS = ("format", "format_map", "translate")
_WIDTH_METHODS = ("center", "expandtabs", "ljust", "rjust", "zfill")


class RefusedError(Exception):
    """The template itself called raise_exception: the conversation does not suit it."""


class _Generator(CodeGenerator):
    """Makes `~` go through the size check."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.join_checked((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _GenerationTag(Extension):
    """`{% generation %}` marks training data; for an answer it changes nothing."""

    tags = {"generation"}  # noqa: RUF012 - Jinja reads a class attribute

    def parse(self, parser: Parser) -> list[nodes.Node]:
        parser.stream.skip(1)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment as Transformers uses it for chat templates, with sizes bounded."""

    code_generator_class = _Generator
    intercepted_binops = frozenset(["+", "*", "**", "%"])

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[_GenerationTag, loopcontrols],
        )
        for name in _DANGEROUS_FILTERS:
            self.filters.pop(name, None)
        self.globals.pop("lipsum", None)
        self.filters["tojson"] = _tojson
        self.filters["join"] = _join
        self.filters["replace"] = _replace
        self.filters["indent"] = _indent_checked(self.filters["indent"])

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Jinja's hook for the operators above."""
        _check_operation(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Jinja's hook for every call in a template."""
        owner = getattr(__obj, "__self__", None)
        if isinstance(owner, (str, bytes)):
            _check_method(owner, getattr(__obj, "__name__", ""), args)
        return super().call(__context, __obj, *args, **kwargs)

    def join_checked(self, parts: Sequence[object]) -> str:
        """What `~` does, unless the text would get too long."""
        texts = [str(part) for part in parts]
        _check_size(sum(map(len, texts)))
        return str_join(texts)


def compile_template(source: str) -> jinja2.Template:
    """The template, compiled; raises jinja2.TemplateSyntaxError."""
    return Sandbox().from_string(source)


def broken_line(error: BaseException) -> int | None:
    """Where a template is no template, if that is what the error says."""
    return error.lineno if isinstance(error, jinja2.TemplateSyntaxError) else None


def variables(
    messages: Sequence[Mapping[str, object]],
    bos: str,
    eos: str,
    now: Callable[[str], str],
    think: bool | None = None,
) -> dict[str, object]:
    """What a chat template may see."""
    # Qwen, GLM and others; Granite and DeepSeek have names of their own.
    thinking = {} if think is None else {"enable_thinking": think, "thinking": think}

    def raise_exception(message: object) -> None:
        raise RefusedError(str(message)[:200])

    def strftime_now(pattern: object) -> str:
        return now(str(pattern)[:64])

    return {
        "messages": list(messages),
        "bos_token": bos,
        "eos_token": eos,
        "add_generation_prompt": True,
        "raise_exception": raise_exception,
        "strftime_now": strftime_now,
        **thinking,
    }


def _check_size(characters: int) -> None:
    if characters > _MAX_CHARACTERS:
        raise SecurityError("text too long")


def _check_operation(operator: str, left: object, right: object) -> None:
    if operator == "+" and isinstance(left, (str, list, tuple)):
        other = len(right) if isinstance(right, (str, list, tuple)) else 0
        _check_size(len(left) + other)
    elif operator == "%" and isinstance(left, (str, bytes)):
        raise SecurityError("text formatting")
    elif operator == "**":
        small = isinstance(left, (int, float)) and isinstance(right, (int, float))
        if not small or abs(left) > 1_000_000 or abs(right) > 64:  # type: ignore[arg-type]
            raise SecurityError("power too big")
    elif operator == "*":
        _check_product(left, right)


def _check_product(left: object, right: object) -> None:
    if isinstance(left, int) and isinstance(right, int):
        if left.bit_length() + right.bit_length() > _MAX_BITS:
            raise SecurityError("number too big")
        return
    for many, times in ((left, right), (right, left)):
        if isinstance(many, (str, bytes, list, tuple)) and isinstance(times, int):
            if isinstance(many, (list, tuple)) and len(many) * times > _MAX_ITEMS:
                raise SecurityError("list too long")
            _check_size(len(many) * times)


def _check_method(owner: str | bytes, name: str, args: Sequence[Any]) -> None:
    if name in _DANGEROUS_METHODS:
        raise SecurityError(name)
    if name in _WIDTH_METHODS:
        for argument in args:
            if isinstance(argument, int) and argument > _MAX_WIDTH:
                raise SecurityError("width too big")
    elif name == "join" and args:
        # A generator is walked here and again by str.join, so only lists may pass.
        if not isinstance(args[0], (str, list, tuple, dict)):
            raise SecurityError("join of a generator")
        total = sum(len(part) for part in args[0] if isinstance(part, str))
        _check_size(total + len(owner) * len(args[0]))
    elif name == "replace" and len(args) >= 2:
        _check_replace(str(owner), str(args[0]), str(args[1]))


def _check_replace(text: str, old: str, new: str) -> None:
    _check_size(len(text) + text.count(old) * len(new))


def _replace(text: object, old: object, new: object, count: int | None = None) -> str:
    """The `replace` filter."""
    _check_replace(str(text), str(old), str(new))
    return str(text).replace(str(old), str(new), -1 if count is None else count)


def _join(value: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
    """The `join` filter."""
    parts: list[str] = []
    total = 0
    for item in value:
        if attribute is not None:
            item = item.get(attribute, "") if isinstance(item, dict) else ""
        part = str(item)
        total += len(part) + len(str(d))
        _check_size(total)
        parts.append(part)
    return str(d).join(parts)


def _indent_checked(indent: Callable[..., Any]) -> Callable[..., Any]:
    def checked(text: str, width: int | str = 4, first: bool = False, blank: bool = False) -> Any:
        size = len(width) if isinstance(width, str) else int(width)
        _check_size(len(text) + size * (text.count("\n") + 1))
        return indent(text, width, first, blank)

    return checked


def _tojson(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """The `tojson` filter as Transformers has it: no HTML escapes."""
    if indent is not None and not 0 <= int(indent) <= 16:
        raise SecurityError("indent too big")
    if separators is not None and not re.fullmatch(r".{1,8}", "".join(separators)):
        raise SecurityError("separators too long")
    return json.dumps(
        value,
        ensure_ascii=bool(ensure_ascii),
        indent=indent,
        separators=separators,
        sort_keys=bool(sort_keys),
    )
