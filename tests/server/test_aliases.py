"""Ollama's copy and create: names with settings of their own, and what a request makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import ollama
import pytest

from tests.fakes.serving import Running

TALK = [{"role": "user", "content": "hello"}]


@pytest.fixture
def client(running: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[ollama.Client]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = ollama.Client(
        host=f"http://127.0.0.1:{running.port}",
        headers={"Authorization": f"Bearer {running.token}"},
    )
    yield made
    made._client.close()  # it has no way of its own to let go


def test_a_copy_is_another_name(client: ollama.Client, running: Running) -> None:
    client.copy("other", "mine")
    assert "mine" in [model.model for model in client.list().models]
    client.chat("mine", TALK)
    assert running.supervisor.requests[0].model_id == "other"
    client.delete("mine")
    assert "mine" not in [model.model for model in client.list().models]
    assert "other" in running.supervisor.models.known


def test_created_with_settings_of_its_own(client: ollama.Client, running: Running) -> None:
    found = client.create(
        "poet", from_="other", system="Rhyme.", parameters={"temperature": 1.5, "num_ctx": 2048}
    )
    assert found.status == "success"
    client.chat("poet", TALK)
    client.chat("poet", [{"role": "system", "content": "Be plain."}, *TALK],
                options={"temperature": 0.1})  # fmt: skip
    first, second = running.supervisor.requests
    assert first.messages is not None
    assert second.messages is not None
    assert first.messages[0] == {"role": "system", "content": "Rhyme."}
    assert (first.model_id, first.sampling) == ("other", {"temperature": 1.5})
    assert second.messages[0] == {"role": "system", "content": "Be plain."}
    assert second.sampling == {"temperature": 0.1}
    assert len(client.embed("poet", "x").embeddings) == 1


def test_an_alias_of_an_alias_points_to_the_model(client: ollama.Client, running: Running) -> None:
    client.create("poet", from_="other", system="Rhyme.")
    client.create("calm", from_="poet", parameters={"temperature": 0.1})
    client.delete("poet")
    client.chat("calm", TALK)
    [asked] = running.supervisor.requests
    assert (asked.model_id, asked.sampling) == ("other", {"temperature": 0.1})
    assert asked.messages is not None
    assert asked.messages[0]["content"] == "Rhyme."


def test_what_is_refused(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="gpt-9"):
        client.copy("gpt-9", "mine")
    with pytest.raises(ollama.ResponseError, match="starter"):
        client.copy("other", "starter")
    with pytest.raises(ollama.ResponseError, match="template"):
        client.create("mine", from_="other", template="{{ x }}")
    with pytest.raises(ollama.ResponseError, match="destination"):
        client.copy("other", "../mine")


def test_a_damaged_file_is_no_aliases(client: ollama.Client, running: Running) -> None:
    client.copy("other", "mine")
    path = running.paths.data / "aliases.json"
    found = json.loads(path.read_text())
    found["aliases"] |= {
        "odd": {"model": 7},
        "worse": [],
        "hot": {"model": "other", "sampling": {"temperature": "x"}},
    }
    path.write_text(json.dumps(found))
    names = [model.model for model in client.list().models]
    assert "mine" in names
    assert not {"odd", "worse", "hot"} & set(names)
    path.write_text("no json")
    assert "mine" not in [model.model for model in client.list().models]
