"""Chat templates: as Transformers renders them, and hostile ones stopped in time."""

from __future__ import annotations

import time

import pytest

from galosh.worker.fault import WorkerFault
from galosh.worker.host import find_host
from galosh.worker.render import LIMIT_SECONDS, Segment, Template

CONTROLS = ("<|im_start|>", "<|im_end|>", "<s>", "</s>")
HELLO = (("user", "Hello"),)


def template(source: str | None, controls: tuple[str, ...] = CONTROLS) -> Template:
    return Template(find_host(), source, "<s>", "</s>", controls)


def text(source: str | None, messages: tuple[tuple[str, str], ...] = HELLO) -> str:
    return "".join(segment.text for segment in template(source).render(messages))


def stopped(source: str, messages: tuple[tuple[str, str], ...] = HELLO) -> WorkerFault:
    with pytest.raises(WorkerFault) as caught:
        template(source).render(messages)
    return caught.value


def test_what_a_template_may_use() -> None:
    source = (
        "{{ bos_token }}{% for m in messages -%}\n    [{{ m['role'] | upper }}] {{ m.content | trim"
        " }}{% if not loop.last %}, {% endif %}{%- endfor %}{% if add_generation_prompt %}>{% endif"
        " %}{{ eos_token }}"
    )
    assert text(source, (("user", " a "), ("assistant", "b"))) == "<s>[USER] a, [ASSISTANT] b></s>"


def test_json_loop_controls_and_generation_tags() -> None:
    source = (
        "{% for n in range(9) %}{% if n == 2 %}{% break %}{% endif %}{{ n }}{% endfor %}"
        "{% generation %}{{ {'a': '<я>'} | tojson }}{% endgeneration %}"
    )
    assert text(source) == '01{"a": "<я>"}'


def test_the_date_is_there_for_templates_that_want_it() -> None:
    assert text("{{ strftime_now('%Y') }}") == time.strftime("%Y")


def test_no_template_in_the_file_means_chatml_where_the_model_knows_it() -> None:
    found = template(None)
    assert found.kind == "chatml"
    assert text(None) == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"


def test_no_template_and_no_chatml_means_plain_with_its_own_stops() -> None:
    found = template(None, ())
    assert (found.kind, found.stops) == ("plain", ("\nUser:", "\nSystem:"))
    assert found.render(HELLO) == [Segment("User: Hello\n\nAssistant:", True)]


def test_a_marker_typed_by_the_user_is_plain_text() -> None:
    found = template(None).render((("user", "a<|im_end|>b"),))
    assert found == [
        Segment("<|im_start|>user\na", True),
        Segment("<|im_end|>", False),
        Segment("b<|im_end|>\n<|im_start|>assistant\n", True),
    ]


def test_markers_side_by_side_and_at_the_edges_are_plain_too() -> None:
    found = template("{{ messages[0].content }}").render((("user", "</s><s></s>"),))
    assert found == [Segment("</s>", False), Segment("<s>", False), Segment("</s>", False)]


def test_a_system_message_the_template_refuses_goes_before_the_question() -> None:
    source = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{{ messages[0].content }}"
    )
    assert text(source, (("system", "Be short."), ("user", "Hi"))) == "Be short.\n\nHi"


def test_a_refusal_tells_the_templates_words() -> None:
    fault = stopped("{{ raise_exception('roles must alternate') }}")
    assert (fault.code, fault.facts) == (
        "worker-template-refused",
        {"reason": "roles must alternate"},
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{{ (messages|attr('__class__')).mro() }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ self.__init__.__globals__ }}",
        "{% import 'os' as os %}",
        "{{ 'x' * 10**11 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ 'x'.ljust(10000000000) }}",
        "{{ 'x' | center(10000000000) }}",
        "{{ range(10000000) }}",
        "{{ lipsum(100000) }}",
        "{{ [1] * 1000000000 }}",
        "{{ messages | batch(10000000000, 'x') | list }}",
        "{{ messages | tojson(indent=1000000000) }}",
        "{{ 'a\n' | indent(10000000000) }}",
        "{% set n = namespace(s='xxxxxxxx') %}{% for i in range(60) %}"
        "{% set n.s = n.s ~ n.s %}{% endfor %}",
        "{% set n = namespace(s='xxxxxxxx') %}{% for i in range(60) %}"
        "{% set n.s = n.s + n.s %}{% endfor %}",
        "{% set n = namespace(s='xxxxxxxx') %}{% for i in range(60) %}"
        "{% set n.s = n.s.replace('x', n.s) %}{% endfor %}",
        "{% set n = namespace(s='xxxxxxxx') %}{% for i in range(60) %}"
        "{% set n.s = n.s | replace('x', n.s) %}{% endfor %}",
        "{% set n = namespace(s='xxxxxxxx') %}{% for i in range(60) %}"
        "{% set n.s = n.s.join([n.s, n.s, n.s]) %}{% endfor %}",
        "{% set n = namespace(s=3) %}{% for i in range(60) %}{% set n.s = n.s * n.s %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ " + "(" * 5000 + ")" * 5000 + " }}",
        "{% for",
        "{{ undefined_thing.attribute }}",
        "{% include 'x' %}",
    ],
)
def test_what_a_template_may_not_do_is_refused_at_once(source: str) -> None:
    begun = time.monotonic()
    fault = stopped(source)
    assert fault.code in ("worker-template-broken", "worker-template-too-long")
    assert "fatal" not in fault.facts
    assert time.monotonic() - begun < LIMIT_SECONDS + 1


# It needs the whole time that a template is given.
def test_a_loop_without_end_is_stopped_in_time() -> None:
    source = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    begun = time.monotonic()
    fault = stopped(source)
    assert (fault.code, fault.facts) == (
        "worker-template-endless",
        {"limit_seconds": LIMIT_SECONDS},
    )
    assert time.monotonic() - begun < LIMIT_SECONDS + 1


def test_a_template_that_floods_is_cut_off() -> None:
    fault = stopped("{% for a in range(99999) %}{{ 'x' * 1000 }}{% endfor %}")
    assert fault.code == "worker-template-too-long"


def test_a_fault_never_quotes_the_conversation() -> None:
    fault = stopped("{{ messages[0].content + 1 }}", (("user", "canary"),))
    assert "canary" not in str(fault.facts)


def test_a_stopped_template_leaves_nothing_behind_for_the_next() -> None:
    stopped("{% for a in range(99999) %}{{ 'x' * 1000 }}{% endfor %}")
    assert text("{{ messages[0].content }}") == "Hello"
