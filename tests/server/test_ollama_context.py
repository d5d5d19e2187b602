"""Ollama's `context`: a talk that goes on without messages."""

from __future__ import annotations

from collections.abc import Iterator

import ollama
import pytest

from galosh.base.errors import GaloshError
from galosh.server.messages import Message
from galosh.server.ollama_context import decode, encode
from tests.fakes.serving import Running


@pytest.fixture
def llama(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[ollama.Client]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    headers = {"Authorization": f"Bearer {running.token}"}
    client = ollama.Client(host=f"http://127.0.0.1:{running.port}", headers=headers)
    yield client
    client._client.close()


@pytest.mark.parametrize("stream", [False, True])
def test_a_talk_goes_on(llama: ollama.Client, running: Running, stream: bool) -> None:
    if stream:
        first = list(llama.generate("starter", "hello big world", system="Be brief.", stream=True))
        context = first[-1].context
    else:
        context = llama.generate("starter", "hello big world", system="Be brief.").context
    assert context
    llama.generate("starter", "привет", context=context)
    told = [(turn["role"], turn["content"]) for turn in running.supervisor.requests[-1].messages
            or ()]  # fmt: skip
    assert told == [
        ("system", "Be brief."), ("user", "hello big world"), ("assistant", "hello big world "),
        ("user", "привет"),
    ]  # fmt: skip
    llama.generate("starter", "x", context=context, system="Be long.")
    told = [(turn["role"], turn["content"]) for turn in running.supervisor.requests[-1].messages
            or ()]  # fmt: skip
    assert told[0] == ("system", "Be long.")
    assert [role for role, _ in told].count("system") == 1


def test_a_raw_prompt_has_none(llama: ollama.Client) -> None:
    answer = llama.generate("starter", "a b", raw=True)
    assert answer.context is None
    with pytest.raises(ollama.ResponseError, match="context"):
        llama.generate("starter", "a b", raw=True, context=encode([Message("user", "x")], "y"))


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "é😀\0", "x" * 1000])
def test_any_talk_comes_back(text: str) -> None:
    found = decode(encode([Message("user", text)], text))
    assert found == [{"role": "user", "content": text}, {"role": "assistant", "content": text}]


GOOD = encode([Message("user", "x")], "y")


@pytest.mark.parametrize(
    "value",
    ["x", {}, [1, 2, 3], ["a"], [GOOD[0]], GOOD[:-2], [GOOD[0], -1, *GOOD[2:]],
     [*GOOD[:-1], 2**24], [*GOOD[:-1], -1], [*GOOD[:-1], 1.5], [GOOD[0], "x", *GOOD[2:]],
     [True, *GOOD[1:]], encode([Message("tool", "x")], "y")],
    ids=range(13),
)  # fmt: skip
def test_what_is_no_context_of_ours_is_refused(value: object) -> None:
    with pytest.raises(GaloshError) as caught:
        decode(value)
    assert caught.value.code == "server-unsupported"
