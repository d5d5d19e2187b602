"""Two hundred mutated requests over the real socket: no 5xx, no hang, no lost daemon."""

from __future__ import annotations

import copy
import json
import random
import sys
from typing import Any

import pytest

from galosh.api.connection import Exchange, connect_unix
from tests.fakes.serving import Running

if sys.platform == "win32":
    pytest.skip("Unix sockets are POSIX", allow_module_level=True)

CHAT: dict[str, Any] = {
    "model": "starter",
    "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
    "temperature": 0.5,
    "top_p": 0.9,
    "stop": ["x"],
    "max_tokens": 5,
    "stream": False,
    "stream_options": {"include_usage": True},
    "logit_bias": {"1": 2},
    "n": 1,
    "tools": None,
}
ODD: list[Any] = [
    None, True, -1, 0, 2**63, 10**30, 1e308, -0.0, "", "\0", "a" * 5000, "\ud800", [], {}, [[]],
    [None], {"": None}, "ключ", "../..", [{"type": "image_url"}], {"type": "json_object"},
]  # fmt: skip


def body_parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects within a body, as far as they still are objects."""
    messages = body.get("messages")
    inner = [*(messages if isinstance(messages, list) else []), body.get("logit_bias")]
    return [part for part in inner if isinstance(part, dict)]


def mutated(rng: random.Random) -> bytes:
    body = copy.deepcopy(CHAT)
    for _ in range(rng.randint(1, 3)):
        spot = rng.choice([body, body, *body_parts(body)])
        spot[rng.choice([*spot, "odd", ""])] = rng.choice(ODD)
    data = json.dumps(body).encode()
    if rng.random() < 0.3:
        cut = rng.randrange(len(data))
        data = data[:cut] + bytes([rng.randrange(256)]) + data[cut + rng.randint(0, 2) :]
    return data


def test_mutated_requests_never_break_the_daemon(running: Running) -> None:
    rng = random.Random(20261122)  # half a second of real requests is the point of this test
    seen: dict[int, int] = {}
    for _ in range(200):
        path = rng.choice(
            ["/v1/chat/completions", "/v1/completions", "/galosh/v1/tokenize", "/galosh/v1/model"]
        )
        method = "PUT" if path.endswith("model") else "POST"
        with Exchange(connect_unix(str(running.paths.socket), 5)) as exchange:
            exchange.send(method, path, {"Host": "localhost"}, mutated(rng))
            body = json.loads(exchange.read())
        seen[exchange.status] = seen.get(exchange.status, 0) + 1
        assert exchange.status < 500, body
        assert (exchange.status < 400) or body["error"]["galosh"]["next_step"]
    assert seen[400] > 100
    assert running.client.status()["daemon"]
    assert running.supervisor.running == 0
