"""The galosh API: state, events with resume, models, settings, shutdown."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest

from galosh.api import Happening
from galosh.base.errors import GaloshError
from galosh.server import routes_galosh
from tests.fakes.serving import Running, wait_until

if sys.platform == "win32":
    pytest.skip("signals and Unix sockets are POSIX", allow_module_level=True)


def test_status_names_the_daemon_and_the_worker(running: Running) -> None:
    status = running.client.status()
    daemon = status["daemon"]
    assert isinstance(daemon, dict)
    assert daemon["pid"] == running.facts.pid
    assert daemon["port"] == running.port
    assert daemon["socket"] == str(running.paths.socket)
    assert daemon["uptime_seconds"] >= 0
    assert status["worker"] == {"state": "no-model", "model": None}


def test_health(running: Running) -> None:
    assert running.client._call("GET", "/galosh/v1/health") == {"ok": True}


def test_models_come_are_used_and_go(running: Running, tmp_path: Path) -> None:
    client = running.client
    file = tmp_path / "моя модель.gguf"
    assert client.add_model(file)["path"] == str(file)
    assert [model["id"] for model in client.models()][-1] == "моя модель"
    assert client.use_model("other")["model_id"] == "other"
    assert running.supervisor.current == "other"
    assert client.use_model(None)["model_id"] == "starter"
    client.unload()
    assert running.supervisor.current is None
    client.remove_model("other")
    assert "other" not in running.supervisor.models.known


def test_broken_models_are_listed_for_galosh_only(running: Running) -> None:
    assert "broken" in {model["id"] for model in running.client.models()}
    found = running.client._call("GET", "/v1/models")["data"]
    assert isinstance(found, list)
    assert [model["id"] for model in found] == ["starter", "other"]


@pytest.mark.parametrize("model_id", ["nobody", "../../etc/passwd", "a/b", "%2e%2e", "a?b#c"])
def test_unknown_models_keep_their_name_on_the_way(running: Running, model_id: str) -> None:
    with pytest.raises(GaloshError) as caught:
        running.client.remove_model(model_id)
    assert caught.value.code == "store-model-unknown"
    assert caught.value.facts["model_id"] == model_id
    with pytest.raises(GaloshError) as caught:
        running.client.use_model(model_id)
    assert caught.value.facts["model_id"] == model_id


def test_a_relative_path_is_nobodys(running: Running) -> None:
    with pytest.raises(GaloshError) as caught:
        running.client._call("POST", "/galosh/v1/models", {"path": "model.gguf"})
    assert caught.value.facts["field"] == "path"


def test_settings(running: Running) -> None:
    client = running.client
    assert client.settings()["model.context_tokens"] == 4096
    assert client.change_setting("model.context_tokens", 2048)["model.context_tokens"] == 2048
    assert "context_tokens = 2048" in running.paths.settings_file.read_text()
    assert running.supervisor.settings is not None
    assert running.supervisor.settings.number("model.context_tokens") == 2048
    with pytest.raises(GaloshError) as caught:
        client.change_setting("model.context_tokens", "many")
    assert caught.value.code == "base-setting-wrong"
    with pytest.raises(GaloshError) as caught:
        client.change_setting("model.contxt", 1)
    assert caught.value.code == "base-setting-unknown"


def test_opening_inference_works_at_once(running: Running) -> None:
    ask = f"GET /v1/models HTTP/1.1\r\nHost: localhost:{running.port}\r\nConnection: close\r\n\r\n"
    for value, status in ((True, b"401"), (False, b"200"), (True, b"401")):
        running.client.change_setting("api.require_token", value)
        with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
            connection.sendall(ask.encode())
            assert connection.recv(100).split()[1] == status


def test_tokens_are_counted(running: Running) -> None:
    assert running.client.count_tokens("abc") == 3


def test_events_begin_with_the_state_and_go_on(running: Running) -> None:
    events = running.client.events()
    first = next(events)
    assert (first.name, first.number) == ("status", None)
    assert first.facts["worker"] == {"state": "no-model", "model": None}
    wait_until(lambda: running.supervisor.events.watchers == 1)
    running.client.use_model("other")
    event = next(events)
    assert (event.name, event.facts["facts"]) == ("model.ready", {"model": "other"})
    assert event.number is not None
    events.close()
    wait_until(lambda: running.supervisor.events.watchers == 0)


def test_events_resume_after_the_last_one_seen(running: Running) -> None:
    for model_id in ("other", "starter", "other"):
        running.client.use_model(model_id)
    seen = [event.number for event in running.supervisor.events._history]
    again = running.client.events(after=seen[1])
    assert [next(again).number, next(again).number] == seen[2:]
    again.close()


def test_heartbeats_come_only_while_somebody_listens(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes_galosh, "_HEARTBEAT_SECONDS", 0.02)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(running.paths.socket))
        connection.sendall(b"GET /galosh/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        found = b""
        while found.count(b": still here") < 2:
            found += connection.recv(4096)
    wait_until(lambda: running.supervisor.events.watchers == 0)


def test_a_stop_ends_the_event_stream_in_order(running: Running) -> None:
    events = running.client.events()
    next(events)
    running.client.shutdown()
    rest: list[Happening] = list(events)
    assert rest == []


def test_bad_requests_to_every_management_route(running: Running) -> None:
    for method, path, body in (
        ("PUT", "/galosh/v1/model", {"id": 7}),
        ("PUT", "/galosh/v1/model", {"model": "x"}),
        ("POST", "/galosh/v1/models", {}),
        ("POST", "/galosh/v1/models", {"path": "/a\0b"}),
        ("POST", "/galosh/v1/models", {"path": "/a", "copy": "yes"}),
        ("PUT", "/galosh/v1/settings", {"name": "api.port"}),
        ("PUT", "/galosh/v1/settings", {"name": "api.port", "value": {}}),
        ("POST", "/galosh/v1/tokenize", {"text": 1}),
    ):
        with pytest.raises(GaloshError) as caught:
            running.client._call(method, path, body)
        assert caught.value.code == "server-bad-request", (path, body)
    assert json.dumps(running.client.status())


def test_the_home_of_a_user_there_is_not_is_a_wrong_path(running: Running) -> None:
    """Found by schemathesis: it was an internal error."""
    with pytest.raises(GaloshError) as caught:
        running.client._call("POST", "/galosh/v1/models", {"path": "~nobody-here/model.gguf"})
    assert caught.value.code == "server-bad-request"
