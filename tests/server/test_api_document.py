"""The OpenAPI document: complete, current in the docs, and true of the running server.

Schemathesis makes requests from the document, good and bad ones; recorded requests of the
real clients are changed at random by Hypothesis. The usual run tries a few hundred;
`GALOSH_FUZZ_INPUTS=100000` asks for more. What really ran is printed at the end of the run.
"""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from galosh.api.connection import Exchange, connect_unix
from galosh.server import doorway
from galosh.server.api_document import OPERATIONS, document
from scripts import api_docs
from tests.fakes.serving import Running, serving
from tests.server.conftest import FUZZED

INPUTS = int(os.environ.get("GALOSH_FUZZ_INPUTS", "300"))
# Stopping the server, another token and endless streams have tests of their own; a download
# needs a network.
_LEFT_OUT = {
    "/galosh/v1/shutdown", "/galosh/v1/token/rotate", "/galosh/v1/events", "/api/pull",
}  # fmt: skip
_LEFT_OUT_METHODS = {("/galosh/v1/downloads", "POST"), ("/galosh/v1/settings", "PUT")}
_CHECKS: list[Any] = [
    status_code_conformance, content_type_conformance, response_schema_conformance,
]  # fmt: skip
# A generous limit: that it ends at all is the point, on a machine that is busy with others.
_ONE_REQUEST_SECONDS = 60
_HONEST = {501, 503, 507}


def quick(examples: int) -> settings:
    return settings(
        max_examples=max(1, examples), deadline=None, database=None,
        derandomize=INPUTS <= 300,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for all requests of this file."""
    from galosh.base.paths import Paths

    folder = tmp_path_factory.mktemp("api")
    with serving(Paths.under(folder)) as server:
        yield server


@pytest.fixture(scope="module")
def tally() -> Iterator[dict[str, int]]:
    counts: dict[str, int] = {}
    yield counts
    for kind in sorted({name.split(":")[0] for name in counts}):
        found = {n.split(":")[1]: c for n, c in sorted(counts.items()) if n.startswith(f"{kind}:")}
        FUZZED.append(f"api fuzz: {kind}: {sum(found.values())} requests, by status {found}")


def routes() -> dict[str, set[str]]:
    """What the doorway serves, as the document would write it."""
    found = {path: set(methods) for path, methods in {**doorway.ROUTES, **doorway.NAMED}.items()}
    return found | {f"{path}{{id}}": set(methods) for path, methods in doorway.TAILED.items()}


def test_every_route_has_an_entry_and_no_entry_is_made_up() -> None:
    assert {path: set(methods) for path, methods in OPERATIONS.items()} == routes()


def test_every_inference_route_has_an_entry() -> None:
    from galosh.server.gate import INFERENCE

    assert set(OPERATIONS) >= INFERENCE


def test_the_page_is_current() -> None:
    assert api_docs.TARGET.read_text(encoding="utf-8") == api_docs.render()


def test_the_server_gives_it_out(running: Running) -> None:
    with Exchange(connect_unix(str(running.paths.socket), 5)) as exchange:
        exchange.send("GET", "/galosh/v1/openapi.json", {"Host": "localhost"}, b"")
        found = json.loads(exchange.read())
    assert found["openapi"].startswith("3.1")
    assert set(found["paths"]) == set(OPERATIONS)


def known_names(value: Any) -> Any:
    """A request's shape with models that there are: made-up names end in a 404 at once."""
    if isinstance(value, list):
        return [known_names(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: known_names(one) for name, one in value.items()}
    if isinstance(found.get("properties"), dict) and "model" in found["properties"]:
        names = {"enum": ["starter", "other", "other", "gpt-9"]}
        found["properties"] = {**found["properties"], "model": names}
    return found


def operations() -> list[Any]:
    made: dict[str, Any] = document("0")
    for methods in made["paths"].values():
        if "requestBody" in methods.get("post", {}):
            methods["post"]["requestBody"] = known_names(methods["post"]["requestBody"])
    schema = schemathesis.openapi.from_dict(made)
    found: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    return [
        one for one in found
        if one.path not in _LEFT_OUT
        and (one.path, one.method.upper()) not in _LEFT_OUT_METHODS
    ]  # fmt: skip


def _try(operation: Any, mode: Any, examples: int, running: Running, tally: dict[str, int]) -> None:
    @quick(examples)
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        response = case.call(
            base_url=f"http://127.0.0.1:{running.port}",
            headers={"Authorization": f"Bearer {running.token}"},
            timeout=_ONE_REQUEST_SECONDS,
        )
        kind = f"schemathesis, {mode.value}:{response.status_code}"
        tally[kind] = tally.get(kind, 0) + 1
        checks = _CHECKS
        if response.status_code not in _HONEST:
            checks = [not_a_server_error, *_CHECKS]
        case.validate_response(response, checks=checks)

    run()


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.label)
def test_schemathesis_finds_nothing(
    operation: Any, running: Running, tally: dict[str, int]
) -> None:
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    if operation.body is None or not list(operation.body):
        modes = modes[:1]
    for mode in modes:
        _try(operation, mode, INPUTS // 30 if len(modes) == 2 else 2, running, tally)
    assert running.client.status()["daemon"]
    assert running.supervisor.running == 0


_TALK: list[Any] = [{"role": "user", "content": "hello big world"}]
_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
# What the clients of tests/clients were seen to send.
RECORDED: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {"model": "starter", "messages": _TALK, "temperature": 0.5,
                              "max_tokens": 9, "stop": ["x"], "seed": 7, "stream": False,
                              "response_format": {"type": "json_object"}, "n": 1,
                              "logprobs": True, "top_logprobs": 2,
                              "logit_bias": {"7": -100}, "user": "me"}),
    ("/v1/chat/completions", {"model": "starter", "messages": _TALK, "stream": True,
                              "stream_options": {"include_usage": True}, "tools": [_TOOL],
                              "tool_choice": "auto"}),
    ("/v1/completions", {"model": "starter", "prompt": "a b", "echo": True, "logprobs": None,
                         "suffix": None, "best_of": 1}),
    ("/v1/embeddings", {"model": "starter", "input": ["a", "b"], "encoding_format": "base64"}),
    ("/v1/responses", {"model": "starter", "input": _TALK, "instructions": "Be brief.",
                       "max_output_tokens": 9, "text": {"format": {"type": "text"}}}),
    ("/v1/messages", {"model": "starter", "max_tokens": 9, "messages": _TALK, "system": "x",
                      "thinking": {"type": "enabled", "budget_tokens": 1024}}),
    ("/api/chat", {"model": "starter", "messages": _TALK, "stream": True, "think": False,
                   "keep_alive": "5m", "format": "json", "options": {"num_predict": 9}}),
    ("/api/generate", {"model": "starter", "prompt": "a", "raw": True, "system": "x",
                       "stream": False, "options": {"temperature": 0.1, "num_ctx": 4096}}),
    ("/api/embed", {"model": "starter", "input": "a", "truncate": True}),
    ("/api/embeddings", {"model": "starter", "prompt": "a"}),
    ("/api/show", {"model": "starter", "verbose": True}),
    ("/completion", {"prompt": "a b", "n_predict": 9, "n_probs": 2, "stream": True}),
    ("/infill", {"input_prefix": "a", "input_suffix": "b", "prompt": ""}),
    ("/detokenize", {"tokens": [1, 2, 3]}),
]  # fmt: skip
_ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=5)), max_size=3),
    st.dictionaries(st.text(max_size=8), st.integers(), max_size=3),
    st.sampled_from(["\ud800", "\0", "-1", "1e999", 2**63, -(2**70), [[]], {"type": "text"}]),
)  # fmt: skip


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a request that something else could stand in."""
    found: list[tuple[Any, Any]] = []
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], (dict, list)):
            found += spots(value[key])
    return found


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """A recorded request with one to three places changed, or bytes cut out of it."""
    path, body = draw(st.sampled_from(RECORDED))
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(spots(body)))
        kind = draw(st.sampled_from(["replace", "remove", "add"]))
        if kind == "replace":
            holder[key] = draw(_ODD)
        elif kind == "remove":
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw(st.text(max_size=10))] = draw(_ODD)
        if not body:
            break
    data = json.dumps(body).encode()
    if draw(st.integers(0, 9)) == 0:
        start = draw(st.integers(0, len(data)))
        data = data[:start] + draw(st.binary(max_size=4)) + data[start + draw(st.integers(0, 3)) :]
    return path, data


@quick(INPUTS)
@given(request=mutated())
def test_recorded_requests_changed_at_random_get_honest_answers(
    request: tuple[str, bytes], running: Running, tally: dict[str, int]
) -> None:
    path, data = request
    with Exchange(connect_unix(str(running.paths.socket), _ONE_REQUEST_SECONDS)) as exchange:
        exchange.send("POST", path, {"Host": "localhost"}, data)
        body = exchange.read()
    kind = f"recorded and changed:{exchange.status}"
    tally[kind] = tally.get(kind, 0) + 1
    assert exchange.status < 500 or exchange.status in _HONEST, (path, data, body)
    assert b"Traceback" not in body
    if exchange.status >= 400:
        assert json.loads(body)["error"]


def test_nothing_is_left_running(running: Running) -> None:
    for _ in range(100):
        if not running.supervisor.running:
            break
        time.sleep(0.05)
    assert running.supervisor.running == 0
    assert running.client.status()["daemon"]
