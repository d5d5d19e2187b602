"""Schemas become grammars that allow just what fits, or are refused with the reason."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galosh.worker import digits
from galosh.worker.fault import WorkerFault
from galosh.worker.grammar import json_grammar, schema_grammar
from tests.worker.gbnf import Grammar

# DEL may be in JSON, but no model needs it.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=8)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner),
    max_leaves=10,
)
PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 20},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "kind": {"enum": ["cat", "dog", 'a "b"', None]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
    },
    "required": ["name", "kind"],
    "additionalProperties": False,
}
TREE = {"type": "object", "properties": {"next": {"$ref": "#"}, "n": {"type": "null"}}}


def fits(schema: object, value: object) -> bool:
    return Grammar(schema_grammar(schema)).fits(json.dumps(value, ensure_ascii=False))


def refused(schema: object) -> WorkerFault:
    begun = time.monotonic()
    with pytest.raises(WorkerFault) as caught:
        schema_grammar(schema)
    assert time.monotonic() - begun < 1.0
    return caught.value


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(TEXT, JSON_VALUES, max_size=4))
def test_any_object_fits_the_grammar_of_json(value: dict[str, object]) -> None:
    grammar = Grammar(json_grammar())
    assert grammar.fits(json.dumps(value))
    assert grammar.fits(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    assert not grammar.fits(json.dumps(value)[:-1])


@pytest.mark.parametrize(
    "text", ["[]", "1", '{"a": 01}', '{"a": .5}', '{"a" 1}', '{"a": "\\ud800"}', '{"a": "\n"}']
)
def test_what_is_no_object_or_no_json_does_not_fit(text: str) -> None:
    assert not Grammar(json_grammar()).fits(text)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (True, [1, "a", None, {"a": [1]}], []),
        ({"type": "boolean"}, [True, False], [None, 1, "true"]),
        ({"type": ["string", "null"]}, ["x", None], [1, []]),
        ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "я👋\n"], ["a", "abcd"]),
        ({"const": {"a": [1, "\u2028"]}}, [], [{"a": 1}]),
        ({"enum": [1, "1", True, None]}, [1, "1", True, None], [False, 2]),
        ({"enum": ["a", 1], "type": "string"}, ["a"], [1]),
        ({"type": "integer", "minimum": -5, "maximum": 12}, [-5, 0, 9, 12], [-6, 13, 1.5]),
        ({"type": "number", "minimum": 0, "maximum": 1}, [0, 0.5, 1, 1.0], [1.1, -0.5, 2]),
        ({"type": "number", "exclusiveMinimum": 0}, [0.001, 7, 123456], [0, 0.0, -1]),
        ({"type": "number", "multipleOf": 1}, [3, -3], [3.5]),
        ({"type": "array", "items": {"type": "null"}}, [[], [None], [None] * 9], [[1], None]),
        ({"type": "array", "items": {"type": "null"}, "minItems": 2, "maxItems": 3},
         [[None] * 2, [None] * 3], [[], [None], [None] * 4]),
        ({"prefixItems": [{"type": "null"}, {"const": 1}]}, [[None, 1]], [[1, None], [None]]),
        ({"prefixItems": [{"const": 1}], "items": {"const": 2}}, [[1], [1, 2, 2]], [[], [2]]),
        ({"items": [{"const": 1}], "minItems": 2}, [[1, "x"]], [[1]]),
        ({"type": "array", "items": False}, [[]], [[1]]),
        ({"type": "array", "maxItems": 1, "uniqueItems": True}, [[], [1]], [[1, 2]]),
        ({"type": "object", "additionalProperties": {"type": "null"}},
         [{}, {"a": None}, {"a": None, "b": None}], [{"a": 1}]),
        ({"type": "object", "maxProperties": 1, "minProperties": 1}, [{"a": 1}],
         [{}, {"a": 1, "b": 2}]),
        ({"type": "object", "additionalProperties": False}, [{}], [{"a": 1}]),
        ({"required": ["a"]}, [{"a": [1]}], [{}, {"b": 1}]),
        (PERSON,
         [{"name": "Bo", "kind": "cat"}, {"name": "Bo", "age": 150, "kind": 'a "b"'},
          {"name": "я", "kind": None, "tags": ["x", "y"]}],
         [{"name": "", "kind": "cat"}, {"name": "Bo"}, {"kind": "cat", "name": "Bo"},
          {"name": "Bo", "age": 151, "kind": "cat"}, {"name": "Bo", "kind": "cat", "x": 1}]),
        (TREE, [{}, {"next": {"next": {}, "n": None}}], [{"next": 1}, {"n": None, "next": {}}]),
        ({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/x"}], "$defs": {"x": {"const": "y"}}},
         [None, "y"], ["n"]),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, [1, "a"], [1.5]),
        ({"allOf": [PERSON, {"properties": {"name": {"maxLength": 2}}}]},
         [{"name": "Bo", "kind": "dog"}], [{"name": "Bob", "kind": "dog"}]),
        ({"allOf": [{"type": "integer", "minimum": 1}, {"type": "number", "maximum": 3}]},
         [1, 3], [0, 4, 1.5]),
        ({"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}},
          "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
         [{"a": 1}, {"b": 2}, {"a": 1, "b": 2}], [{}]),
        ({"type": "string", "format": "date"}, ["2024-02-29", "2025-12-31", "2000-02-29"],
         ["2023-02-29", "1900-02-29", "2025-04-31", "2025-13-01"]),
        ({"type": "string", "format": "date-time"}, ["2024-05-31T23:59:59Z"], ["2024-05-31"]),
        ({"type": "string", "format": "ipv4"}, ["127.0.0.1", "255.9.99.100"], ["256.1.1.1"]),
        ({"type": "string", "format": "email"}, ["a.b@c-d.org"], ["a@b", "@c.de"]),
        ({"type": "string", "format": "uuid"}, ["0" * 8 + "-aaaa-BBBB-1234-" + "f" * 12], ["1"]),
    ],
)  # fmt: skip
def test_what_a_schema_allows(schema: object, good: list[object], bad: list[object]) -> None:
    assert [value for value in good if not fits(schema, value)] == []
    assert [value for value in bad if fits(schema, value)] == []


@settings(deadline=None, max_examples=300)
@given(st.integers(-2000, 2000), st.integers(0, 3000), st.integers(-6000, 6000), st.booleans())
def test_integers_between_any_limits(low: int, width: int, value: int, opened: bool) -> None:
    high = low + width + 2
    limits = digits.Limits(low, opened, high, opened)
    rule = digits.integers(limits)
    assert rule is not None
    inside = low < value < high if opened else low <= value <= high
    assert Grammar(f"root ::= {rule}").fits(str(value)) == inside


@settings(deadline=None, max_examples=300)
@given(
    st.integers(-50, 50), st.integers(0, 60), st.booleans(), st.booleans(),
    st.decimals(-120, 120, places=3),
)  # fmt: skip
def test_decimals_between_any_whole_limits(
    low: int, width: int, low_open: bool, high_open: bool, value: Any
) -> None:
    high = low + width
    rule = digits.numbers(digits.Limits(low, low_open, high, high_open))
    above = low < value if low_open else low <= value
    below = value < high if high_open else value <= high
    # Nothing is written as -0.0 or with an exponent.
    text = f"{value or abs(value):.3f}"
    assert (rule is not None and Grammar(f"root ::= {rule}").fits(text)) == (above and below)


@pytest.mark.parametrize(
    ("schema", "code", "keyword"),
    [
        ({"type": "string", "pattern": "a+"}, "unsupported", "pattern"),
        ({"not": {}}, "unsupported", "not"),
        ({"patternProperties": {}}, "unsupported", "patternProperties"),
        ({"type": "string", "format": "regex"}, "unsupported", "format: regex"),
        ({"type": "number", "minimum": 0.5}, "unsupported", "minimum / maximum"),
        ({"type": "number", "multipleOf": 0.1}, "unsupported", "multipleOf"),
        ({"type": "array", "uniqueItems": True}, "unsupported", "uniqueItems"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "unsupported", "oneOf"),
        ({"$ref": "https://example.org/x"}, "unsupported", "$ref: https://example.org/x"),
        ({"$ref": "file:///etc/passwd"}, "unsupported", "$ref: file:///etc/passwd"),
        ({"$ref": "#/$defs/none"}, "wrong", "$ref: #/$defs/none"),
        ({"type": "strin"}, "wrong", "type"),
        ({"properties": []}, "wrong", "properties"),
        ({"minimum": True}, "wrong", "minimum"),
        ({"maximum": math.inf}, "wrong", "maximum"),
        ({"minLength": -1}, "wrong", "minLength"),
        ({"anyOf": []}, "wrong", "anyOf"),
        ({"enum": ["\ud800"]}, "wrong", "Unicode"),
        ("object", "wrong", "str"),
        ({"type": "string", "minLength": 10**9}, "too-big", "minLength"),
        ({"type": "array", "maxItems": 10**9}, "too-big", "maxItems"),
        ({"enum": ["x" * 70_000]}, "too-big", "characters"),
        ({"enum": list(range(3000))}, "too-big", "enum"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_by_name(schema: object, code: str, keyword: str) -> None:
    fault = refused(schema)
    assert (fault.code, fault.facts["keyword"]) == (f"worker-schema-{code}", keyword)
    assert str(fault.facts["path"]).startswith("$")


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"allOf": [{"type": "string"}, {"type": "null"}]},
        {"allOf": [{"enum": [1]}, {"enum": [True]}]},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
        {"type": "array", "minItems": 2, "maxItems": 1},
        {"type": "array", "items": False, "minItems": 1},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"properties": {"a": False}, "required": ["a"]},
        {"$ref": "#"},
        {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        {"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"},
    ],
)
def test_what_no_value_fits_is_said_to_be_impossible(schema: object) -> None:
    assert refused(schema).code == "worker-schema-impossible"


def nested(levels: int, step: str = "items") -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "null"}
    for _ in range(levels):
        schema = {step: [schema]} if step == "anyOf" else {step: schema}
    return schema


def doubling(levels: int) -> dict[str, Any]:
    """A small document that stands for 2**levels nodes."""
    defs: dict[str, Any] = {"d0": {"type": "object"}}
    for level in range(1, levels):
        inner = {"$ref": f"#/$defs/d{level - 1}"}
        defs[f"d{level}"] = {"allOf": [inner, inner]}
    return {"$defs": defs, "$ref": f"#/$defs/d{levels - 1}", "title": "x"}


@pytest.mark.parametrize(
    "schema",
    [
        nested(2000),
        nested(2000, "anyOf"),
        nested(2000, "not"),
        {"const": nested(2000)},
        doubling(30),
        {"properties": {f"p{n}": {"type": "string"} for n in range(3000)}},
        {"anyOf": [{"properties": {f"p{n}": {}}} for n in range(3000)]},
        {"oneOf": [{"enum": [f"{n}-{m}" for m in range(256)]} for n in range(256)]},
        {"properties": {f"p{n}": {"type": "string", "maxLength": 1000} for n in range(9)}},
        {"allOf": [{"properties": {f"p{n}-{m}": {} for m in range(200)}} for n in range(200)]},
    ],
    ids=range(10),
)
def test_hostile_schemas_are_refused_within_a_second(schema: object) -> None:
    assert refused(schema).code in ("worker-schema-too-big", "worker-schema-unsupported")


@settings(deadline=None, max_examples=200)
@given(
    st.recursive(
        st.booleans()
        | st.sampled_from([{}, {"type": "string"}, {"type": "integer", "minimum": 3}, 1, None, "x"])
        | st.builds(dict, enum=st.lists(JSON_VALUES, max_size=3)),
        lambda inner: (
            st.builds(dict, properties=st.dictionaries(st.text(max_size=3), inner, max_size=3),
                      required=st.lists(st.text(max_size=3), max_size=2))
            | st.builds(dict, items=inner, minItems=st.integers(0, 3))
            | st.builds(dict, anyOf=st.lists(inner, max_size=3))
            | st.builds(dict, allOf=st.lists(inner, max_size=3))
            | st.builds(dict, oneOf=st.lists(inner, max_size=3))
        ),
        max_leaves=8,
    )
)  # fmt: skip
def test_whatever_is_asked_gives_a_grammar_that_reads_or_a_stated_fault(schema: object) -> None:
    try:
        text = schema_grammar(schema)
    except WorkerFault:
        return
    Grammar(text)
