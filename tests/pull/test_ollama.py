"""`/api/pull` with the real `ollama` client."""

from __future__ import annotations

from collections.abc import Iterator

import ollama
import pytest

from galosh.server.download_requests import ollama_source
from tests.pull.kit import FILE, Place


@pytest.fixture
def client(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[ollama.Client]:
    monkeypatch.setenv("HF_ENDPOINT", place.hub.url)
    facts = place.start()
    token = place.paths.token_file.read_text().strip()
    made = ollama.Client(
        host=f"http://127.0.0.1:{facts.port}", headers={"Authorization": f"Bearer {token}"}
    )
    yield made
    made._client.close()  # it has no way of its own to let go


def test_a_pull_in_ollamas_words(client: ollama.Client, place: Place) -> None:
    seen = list(client.pull("hf.co/me/little-GGUF:Q4_K_M", stream=True))
    assert seen[0].status == "pulling manifest"
    assert seen[-1].status == "success"
    moving = [one for one in seen if one.total]
    assert moving
    assert all(one.total == len(place.data) for one in moving)
    assert all((one.digest or "").startswith("sha256:") for one in moving)
    assert place.target.read_bytes() == place.data


def test_without_a_stream(client: ollama.Client, place: Place) -> None:
    assert client.pull("hf:me/little-GGUF:Q4_K_M").status == "success"
    assert place.target.name == FILE
    assert client.pull("hf:me/little-GGUF:Q4_K_M").status == "success"


def test_errors_are_ollamas(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        client.pull("hf.co/me/little-GGUF:Q5_K_M")
    assert "Q8_0" in str(caught.value)
    stream = client.pull("hf.co/me/little-GGUF:Q5_K_M", stream=True)
    with pytest.raises(ollama.ResponseError) as caught:
        list(stream)
    assert "Q8_0" in str(caught.value)


def test_it_asks_for_the_token_even_where_inference_does_not(place: Place) -> None:
    place.paths.settings_file.write_text("[api]\nport = 0\nrequire_token = false\n")
    facts = place.start()
    with pytest.raises(ollama.ResponseError) as caught:
        ollama.Client(host=f"http://127.0.0.1:{facts.port}").pull("smollm2-135m")
    assert caught.value.status_code == 401
    assert place.hub.requests() == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("qwen3.5-4b", "qwen3.5-4b"),
        ("qwen3.5-4b:latest", "qwen3.5-4b"),
        ("hf.co/a/b-GGUF:Q4_K_M", "hf:a/b-GGUF:Q4_K_M"),
        ("https://huggingface.co/a/b-GGUF", "hf:a/b-GGUF"),
        ("hf.co/a/b-GGUF:latest", "hf:a/b-GGUF"),
        ("hf:a/b:Q4_0", "hf:a/b:Q4_0"),
        ("https://huggingface.co/a/b/resolve/main/c.gguf",
         "https://huggingface.co/a/b/resolve/main/c.gguf"),
    ],
)  # fmt: skip
def test_names(name: str, source: str) -> None:
    assert ollama_source(name) == source
