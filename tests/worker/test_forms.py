"""Answers of the real engine held to a form: they parse, they fit, and nothing hostile kills."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.worker.client import WorkerProcess, answer
from tests.worker.hostile import ENDLESS_SCHEMA
from tests.worker.test_answers import GREEDY, SYSTEM

pytestmark = pytest.mark.engine

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 20},
        "country": {"enum": ["France", "Italy", "Spain"]},
        "people": {"type": "integer", "minimum": 1000, "maximum": 99_000_000},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "rivers": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 2},
        "note": {"type": ["string", "null"], "maxLength": 10},
    },
    "required": ["city", "country", "people", "share", "rivers"],
    "additionalProperties": False,
}
ASK: dict[str, Any] = {
    "messages": [SYSTEM, {"role": "user", "content": "Describe Paris as JSON."}],
    "max_tokens": 160,
}


def check_city(value: Any) -> None:
    assert set(value) - {"note"} == {"city", "country", "people", "share", "rivers"}
    assert [type(value[name]) for name in ("city", "people")] == [str, int]
    assert len(value["city"]) <= 20
    assert value["country"] in ("France", "Italy", "Spain")
    assert 1000 <= value["people"] <= 99_000_000
    assert type(value["share"]) in (int, float)
    assert 0 <= value["share"] <= 1
    assert len(value["rivers"]) <= 2
    assert all(type(river) is str and len(river) <= 12 for river in value["rivers"])
    assert value.get("note") is None or len(value["note"]) <= 10


@pytest.mark.parametrize(
    "sampling",
    [
        GREEDY,
        {"seed": 1, "temperature": 1.5, "top_k": 0, "top_p": 1, "min_p": 0},
        {"seed": 2, "temperature": 1.0, "typical_p": 0.5, "top_n_sigma": 1.0, "top_k": 0},
        {"seed": 3, "mirostat": 1},
        {"seed": 4, "mirostat": 2, "repeat_penalty": 1.3, "dry_multiplier": 1.0},
    ],
    ids=str,
)
def test_an_answer_fits_its_schema_whatever_the_sampler(
    worker: WorkerProcess, sampling: dict[str, Any]
) -> None:
    events = worker.generate(**ASK, json_schema=CITY, sampling=sampling)
    assert events[-1]["type"] == "done", events[-1]
    assert events[-1]["finish_reason"] == "stop"
    check_city(json.loads(answer(events)))


def test_json_of_any_form_is_an_object(worker: WorkerProcess) -> None:
    events = worker.generate(**ASK, json=True, sampling={"seed": 5, "temperature": 0.5})
    text = answer(events)
    assert text.startswith("{")
    if events[-1]["finish_reason"] == "stop":
        assert isinstance(json.loads(text), dict)


def test_a_seed_repeats_a_formed_answer(worker: WorkerProcess) -> None:
    sampling = {"seed": 11, "temperature": 1.2}
    first = answer(worker.generate(**ASK, json_schema=CITY, sampling=sampling))
    assert answer(worker.generate(**ASK, json_schema=CITY, sampling=sampling)) == first


def test_a_form_the_answer_already_has_changes_nothing(worker: WorkerProcess) -> None:
    question = {"prompt": 'The list of digits as JSON: {"digits": [1, 2, 3, 4, ', "max_tokens": 1}
    free = answer(worker.generate(**question, sampling=GREEDY))
    formed = answer(worker.generate(**question, sampling=GREEDY, json_schema={"type": "integer"}))
    assert formed == free


def test_a_form_without_end_ends_at_the_limit_and_says_so(worker: WorkerProcess) -> None:
    done = worker.generate(prompt="x", max_tokens=30, json_schema=ENDLESS_SCHEMA)[-1]
    assert (done["type"], done["finish_reason"], done["completion_tokens"]) == (
        "done",
        "length",
        30,
    )


def test_a_marker_of_the_model_is_no_part_of_a_form(worker: WorkerProcess) -> None:
    # Its text would be a string's, but it is not shown: the string would come out short.
    sampling = {**GREEDY, "logit_bias": {"1": 100}}
    schema = {"type": "string", "minLength": 5, "maxLength": 5}
    events = worker.generate(prompt="x", max_tokens=30, json_schema=schema, sampling=sampling)
    assert len(json.loads(answer(events))) == 5


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"grammar": 'root ::= "a"'}, "worker-option-wrong"),
        ({"json": 1}, "worker-option-wrong"),
        ({"json": True, "json_schema": {}}, "worker-option-wrong"),
        ({"json_schema": "root ::= x"}, "worker-schema-wrong"),
        ({"json_schema": {"type": "string", "minLength": 10**9}}, "worker-schema-too-big"),
        (
            {"json_schema": {"properties": {f"p{n}": {} for n in range(3000)}}},
            "worker-schema-too-big",
        ),
        ({"json_schema": {"type": "string", "pattern": "(a+)+$"}}, "worker-schema-unsupported"),
        ({"json_schema": {"$ref": "#"}}, "worker-schema-impossible"),
    ],
)
def test_hostile_forms_are_refused_within_a_second(
    worker: WorkerProcess, form: dict[str, Any], code: str
) -> None:
    begun = time.monotonic()
    error = worker.generate(prompt="x", max_tokens=4, **form)[-1]
    assert (error["type"], error.get("code")) == ("error", code)
    assert time.monotonic() - begun < 1.0


def test_a_deep_schema_is_refused_too(worker: WorkerProcess) -> None:
    schema: dict[str, Any] = {}
    for _ in range(400):
        schema = {"items": schema}
    error = worker.generate(prompt="x", max_tokens=4, json_schema=schema)[-1]
    assert error["code"] == "worker-schema-too-big"


def test_the_largest_forms_allowed_are_answered(worker: WorkerProcess) -> None:
    many = {f"property {n}": {"type": "string", "maxLength": 15} for n in range(256)}
    largest: list[dict[str, Any]] = [
        {"properties": many},
        {"enum": [f"{n}" * 200 for n in range(80)]},
        {"type": "string", "minLength": 1000},
        {"type": "array", "items": {"type": "string", "maxLength": 1000}, "maxItems": 1000},
    ]
    for schema in largest:
        done = worker.generate(prompt="x", max_tokens=6, json_schema=schema, sampling=GREEDY)[-1]
        assert done["type"] == "done"
