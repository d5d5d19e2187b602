"""What newer clients ask for beside plain words: chances, thoughts, echo, vectors, cuts."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import anthropic
import ollama
import openai
import pytest

from galosh.api.connection import Exchange, connect_unix
from tests.fakes.serving import Running

THINKING: list[Any] = [{"role": "user", "content": "<think> hmm so </think> yes"}]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def gpt(running: Running) -> Iterator[openai.OpenAI]:
    address = f"http://127.0.0.1:{running.port}/v1"
    with openai.OpenAI(base_url=address, api_key=running.token, max_retries=0) as client:
        yield client


@pytest.fixture
def llama(running: Running) -> Iterator[ollama.Client]:
    made = ollama.Client(
        f"http://127.0.0.1:{running.port}", headers={"Authorization": f"Bearer {running.token}"}
    )
    yield made
    made._client.close()  # it has no way of its own to let go


def ask(running: Running, path: str, body: object) -> tuple[int, str]:
    with Exchange(connect_unix(str(running.paths.socket), 5)) as exchange:
        exchange.send("POST", path, {"Host": "localhost"}, json.dumps(body).encode())
        return exchange.status, exchange.read().decode()


def told(running: Running, path: str, **body: object) -> dict[str, Any]:
    status, text = ask(running, path, body)
    assert status == 200, text
    found: dict[str, Any] = json.loads(text)
    return found


class TestOpenAi:
    def test_one_model(self, gpt: openai.OpenAI) -> None:
        assert gpt.models.retrieve("other").id == "other"
        for name in ("gpt-9", "broken"):
            with pytest.raises(openai.NotFoundError, match="starter"):
                gpt.models.retrieve(name)

    def test_chances(self, gpt: openai.OpenAI, running: Running) -> None:
        answer = gpt.chat.completions.create(
            model="starter", messages=[{"role": "user", "content": "hello big"}],
            logprobs=True, top_logprobs=2,
        )  # fmt: skip
        chances = answer.choices[0].logprobs
        assert chances is not None
        assert chances.content is not None
        assert [(one.token, one.logprob) for one in chances.content] == [
            ("hello ", -0.5), ("big ", -0.5),
        ]  # fmt: skip
        assert chances.content[0].bytes == list(b"hello ")
        assert [one.token for one in chances.content[0].top_logprobs] == ["0", "1"]
        assert running.supervisor.requests[0].options == {"logprobs": 2}
        with pytest.raises(openai.BadRequestError, match="logprobs"):
            gpt.chat.completions.create(
                model="starter", messages=[{"role": "user", "content": "x"}], top_logprobs=2
            )

    def test_chances_of_a_completion(self, gpt: openai.OpenAI) -> None:
        answer = gpt.completions.create(model="starter", prompt="a bc d", logprobs=1)
        chances = answer.choices[0].logprobs
        assert chances is not None
        assert chances.tokens == ["a ", "bc ", "d "]
        assert chances.text_offset == [0, 2, 5]
        assert chances.top_logprobs == [{"0": -1.0}] * 3

    def test_thoughts(self, gpt: openai.OpenAI) -> None:
        answer = gpt.chat.completions.create(model="starter", messages=THINKING)
        message = answer.choices[0].message
        assert message.content == "yes "
        assert message.to_dict()["reasoning_content"] == " hmm so "
        chunks = gpt.chat.completions.create(model="starter", messages=THINKING, stream=True)
        deltas = [chunk.choices[0].delta.to_dict() for chunk in chunks]
        assert "".join(str(delta.get("content") or "") for delta in deltas) == "yes "
        assert "".join(str(delta.get("reasoning_content", "")) for delta in deltas) == " hmm so "

    def test_an_echo(self, gpt: openai.OpenAI) -> None:
        answer = gpt.completions.create(model="starter", prompt="a b", echo=True)
        assert answer.choices[0].text == "a ba b "
        pieces = gpt.completions.create(model="starter", prompt="a b", echo=True, stream=True)
        assert "".join(piece.choices[0].text for piece in pieces) == "a ba b "

    def test_what_is_refused_by_name(self, gpt: openai.OpenAI) -> None:
        for field in ({"n": 2}, {"best_of": 3}, {"echo": True, "logprobs": 1}):
            with pytest.raises(openai.BadRequestError) as caught:
                gpt.completions.create(model="starter", prompt="x", **field)  # type: ignore[call-overload]
            assert caught.value.code == "server-unsupported"

    def test_a_suffix_and_a_cut_reach_the_worker(
        self, gpt: openai.OpenAI, running: Running
    ) -> None:
        gpt.completions.create(model="starter", prompt="a", suffix="c")
        answer = gpt.chat.completions.create(
            model="starter", messages=[{"role": "user", "content": "x"}],
            extra_body={"truncate": True},
        )  # fmt: skip
        assert [dict(one.options) for one in running.supervisor.requests] == [
            {"suffix": "c"}, {"truncate": True},
        ]  # fmt: skip
        ours = answer.to_dict()["galosh"]
        assert isinstance(ours, dict)
        assert ours["truncated"] == {"dropped_messages": 2, "dropped_tokens": 40}

    def test_vectors(self, gpt: openai.OpenAI) -> None:
        found = gpt.embeddings.create(model="starter", input=["one", "one two"])
        assert [round(one.embedding[1], 3) for one in found.data] == [0.8, -0.8]
        assert (found.usage.prompt_tokens, found.model) == (3, "starter")
        packed = gpt.embeddings.create(model="", input="one", encoding_format="base64")
        raw = base64.b64decode(str(packed.data[0].embedding))
        assert struct.unpack("<2f", raw)[0] == pytest.approx(0.6)
        many = gpt.embeddings.create(model="starter", input=["x"] * 40, encoding_format="float")
        assert [one.index for one in many.data] == list(range(40))

    def test_vectors_that_are_refused(self, gpt: openai.OpenAI) -> None:
        with pytest.raises(openai.BadRequestError, match="length that the model gives"):
            gpt.embeddings.create(model="starter", input="x", dimensions=64)
        with pytest.raises(openai.NotFoundError, match="starter"):
            gpt.embeddings.create(model="gpt-9", input="x")
        with pytest.raises(openai.BadRequestError, match=r"1200.*1000"):
            gpt.embeddings.create(model="starter", input="x " * 1200)
        with pytest.raises(openai.BadRequestError, match="/tokenize"):
            gpt.embeddings.create(model="starter", input=[1, 2])


class TestOllama:
    def test_vectors(self, llama: ollama.Client) -> None:
        found = llama.embed(model="starter", input=["one", "one two"])
        assert [round(vector[1], 3) for vector in found.embeddings] == [0.8, -0.8]
        assert found.prompt_eval_count == 3
        one = llama.embeddings(model="starter", prompt="one")
        assert one.embedding[0] == pytest.approx(0.6)
        with pytest.raises(ollama.ResponseError, match="1200"):
            llama.embed(model="starter", input="x " * 1200, truncate=False)
        with pytest.raises(ollama.ResponseError, match="1200"):
            llama.embeddings(model="starter", prompt="x " * 1200)
        assert len(llama.embed(model="starter", input="x " * 1200).embeddings) == 1

    def test_a_cut_text_is_told(self, running: Running) -> None:
        """Ollama's default cuts; nothing here is cut in silence."""
        found = told(running, "/api/embed", model="starter", input=["x " * 1200, "y"])
        assert found["galosh"]["truncated"] == {"dropped_messages": 0, "dropped_tokens": 200}
        found = told(running, "/v1/embeddings", model="starter", input="x " * 1200, truncate=True)
        assert found["galosh"]["truncated"]["dropped_tokens"] == 200
        assert "galosh" not in told(running, "/api/embed", model="starter", input="y")

    def test_thinking(self, llama: ollama.Client, running: Running) -> None:
        answer = llama.chat("starter", THINKING, think=True)
        assert (answer.message.content, answer.message.thinking) == ("yes ", " hmm so ")
        assert running.supervisor.requests[0].options == {"think": True}
        parts = list(llama.chat("starter", THINKING, think=False, stream=True))
        assert "".join(part.message.thinking or "" for part in parts) == " hmm so "

    def test_chances_and_a_suffix(self, running: Running) -> None:
        found = told(
            running, "/api/generate", model="starter", prompt="a", suffix="c", stream=False,
            logprobs=True, top_logprobs=1,
        )  # fmt: skip
        assert found["logprobs"] == [
            {"token": "a ", "logprob": -0.5, "bytes": [97, 32],
             "top_logprobs": [{"token": "0", "logprob": -1.0, "bytes": [48]}]}
        ]  # fmt: skip
        assert running.supervisor.requests[0].options == {"logprobs": 1, "suffix": "c"}


class TestAnthropic:
    def test_thinking_blocks_and_the_stop_sequence(self, running: Running) -> None:
        address = f"http://127.0.0.1:{running.port}"
        with anthropic.Anthropic(base_url=address, api_key=running.token, max_retries=0) as claude:
            whole = claude.messages.create(
                model="starter", max_tokens=9, stop_sequences=["END"],
                messages=[{"role": "user", "content": "<think> hm </think> is stopped"}],
            )  # fmt: skip
            assert [block.type for block in whole.content] == ["thinking", "text"]
            assert (whole.stop_reason, whole.stop_sequence) == ("stop_sequence", "END")
            with claude.messages.stream(
                model="starter",
                max_tokens=9,
                messages=THINKING,
            ) as stream:
                final = stream.get_final_message()
        assert [block.type for block in final.content] == ["thinking", "text"]


class TestResponses:
    def test_a_thought_is_an_item_of_its_own(self, gpt: openai.OpenAI) -> None:
        whole = gpt.responses.create(model="starter", input=THINKING[0]["content"])
        assert [item.type for item in whole.output] == ["reasoning", "message"]
        with gpt.responses.stream(model="starter", input=THINKING[0]["content"]) as stream:
            final = stream.get_final_response()
        assert [item.type for item in final.output] == ["reasoning", "message"]
        assert final.output_text == "yes "


class TestLlamaCpp:
    def test_a_completion(self, running: Running) -> None:
        found = told(
            running, "/completion", prompt="a is stopped", n_predict=8, stop=["x"], n_probs=1,
            cache_prompt=False, json_schema={"type": "object"},
        )  # fmt: skip
        assert found["content"] == "a is stopped "
        assert (found["stop_type"], found["stopping_word"]) == ("word", "x")
        assert found["timings"]["predicted_ms"] == 500.0
        assert isinstance(found["completion_probabilities"], list)
        assert len(found["completion_probabilities"]) == 3
        [asked] = running.supervisor.requests
        assert asked.options == {
            "logprobs": 1, "json_schema": {"type": "object"}, "reuse": False,
        }  # fmt: skip

    def test_a_stream(self, running: Running) -> None:
        _, text = ask(running, "/completion", {"prompt": "a b", "stream": True})
        events = [json.loads(part[6:]) for part in text.split("\n\n") if part]
        assert [event["content"] for event in events] == ["a ", "b ", ""]
        assert [event["stop"] for event in events] == [False, False, True]

    def test_filling_in(self, running: Running) -> None:
        told(running, "/infill", input_prefix="def f():\n", input_suffix="\nreturn 1", prompt="x")
        [asked] = running.supervisor.requests
        assert (asked.prompt, asked.options) == ("def f():\nx", {"suffix": "\nreturn 1"})
        assert ask(running, "/infill", {"input_prefix": "a"})[0] == 400

    def test_tokens_there_and_back(self, running: Running) -> None:
        found = told(running, "/tokenize", content="day день")
        assert told(running, "/detokenize", tokens=found["tokens"]) == {"content": "day день"}
        for tokens in ("x", [-1], [1.5], [True], [2**40]):
            assert ask(running, "/detokenize", {"tokens": tokens})[0] == 400

    def test_health_and_props(self, running: Running) -> None:
        for path in ("/health", "/props"):
            with Exchange(connect_unix(str(running.paths.socket), 5)) as exchange:
                exchange.send("GET", path, {"Host": "localhost"}, b"")
                assert exchange.status == 200
                assert json.loads(exchange.read())

    @pytest.mark.parametrize(
        "field", [{"grammar": "root ::= x"}, {"samplers": ["top_k"]}, {"ignore_eos": True}]
    )
    def test_what_is_refused_by_name(self, running: Running, field: dict[str, object]) -> None:
        status, text = ask(running, "/completion", {"prompt": "x", **field})
        assert (status, json.loads(text)["error"]["param"]) == (400, next(iter(field)))
