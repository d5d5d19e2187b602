"""The only client of the daemon: blocking, light, over the socket or loopback TCP.

Rules: one connection per call, so that nothing has to be kept alive or cleaned up; leaving
an iterator early hangs up, which cancels the work; every failure is a GaloshError - the
daemon's own, as it stated it, or one of `api-…`.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.api.connection import Exchange
from galosh.api.find import reach
from galosh.api.papers import PaperCalls
from galosh.api.wire import Delta, Happening, parse_sse
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths

if TYPE_CHECKING:
    from galosh.base.settings import Value

_USUAL_SECONDS = 30.0
_OURS = "/galosh/v1"

Reply = Mapping[str, object]


class Client(PaperCalls):
    """Speaks to the daemon of these paths.

    Every method raises GaloshError: `api-daemon-away` when none runs, `api-daemon-lost` when
    the connection breaks, `api-timeout`, `api-unauthorized`, `api-protocol`, or the daemon's
    own error.
    """

    def __init__(self, paths: Paths, opened: Callable[[socket.socket], None] | None = None) -> None:
        """opened: told of every connection, for whoever may have to end it from elsewhere."""
        self._paths = paths
        self._opened = opened

    def status(self) -> Reply:
        """The daemon's and the worker's state."""
        return self._call("GET", f"{_OURS}/status")

    def models(self) -> list[Reply]:
        """Every stored model with what is known of it."""
        return _list(self._call("GET", f"{_OURS}/models"), "models")

    def use_model(self, model_id: str | None) -> Reply:
        """Make a model ready (None: the default one) and wait for it; returns its facts."""
        return _part(self._call("PUT", f"{_OURS}/model", {"id": model_id}, patient=True), "model")

    def unload(self) -> None:
        """Give the model's memory back."""
        self._call("DELETE", f"{_OURS}/model", patient=True)

    def forecast(self, model_id: str) -> Reply:
        """What a stored model needs on this PC now, and how fast it would be."""
        from urllib.parse import quote  # see remove_model

        return self._call("GET", f"{_OURS}/fit?model={quote(model_id, safe='')}", patient=True)

    def forecasts(self) -> list[Reply]:
        """The same of every sound model, each with its `id`, or an `error`."""
        return _list(self._call("GET", f"{_OURS}/fit", patient=True), "forecasts")

    def recommend(self) -> Reply:
        """The catalogue on this PC now, and the model to take."""
        return self._call("GET", f"{_OURS}/recommend", patient=True)

    def pause(self, *, paused: bool) -> None:
        """Hold no memory and answer nothing until told otherwise; or answer again."""
        self._call("POST", f"{_OURS}/models/{'pause' if paused else 'resume'}", patient=True)

    def add_model(self, path: Path, *, copy: bool = False, name: str | None = None) -> Reply:
        """Enter a GGUF file into the store; returns the model's facts.

        name: what to call one used in place, where its file's name says nothing.
        """
        body: dict[str, object] = {"path": str(path.absolute()), "copy": copy}
        if name is not None:
            body["name"] = name
        return _part(self._call("POST", f"{_OURS}/models", body, patient=True), "model")

    def remove_model(self, model_id: str) -> None:
        """Take a model out of the store."""
        from urllib.parse import quote  # costs more than all the rest of a status call

        self._call("DELETE", f"{_OURS}/models/{quote(model_id, safe='')}", patient=True)

    def settings(self) -> Reply:
        """Every setting with its value."""
        return _part(self._call("GET", f"{_OURS}/settings"), "settings")

    def change_setting(self, name: str, value: Value) -> Reply:
        """Change one setting; returns all of them."""
        body = {"name": name, "value": value}
        return _part(self._call("PUT", f"{_OURS}/settings", body), "settings")

    def make_link(self) -> Reply:
        """`url`: opens the notebook page in a browser once, within `expires_seconds`."""
        return self._call("POST", f"{_OURS}/links")

    def end_links(self) -> None:
        """Have the links that nobody opened yet open nothing."""
        self._call("DELETE", f"{_OURS}/links")

    def set_desktop(self, facts: Reply) -> None:
        """Tell what the desktop granted: pid, tray, hotkey. For the agent alone."""
        self._call("PUT", f"{_OURS}/desktop", facts)

    def rotate_token(self) -> None:
        """Have the TCP door ask for another token from now on."""
        self._call("POST", f"{_OURS}/token/rotate")

    def presets(self) -> dict[str, list[Reply]]:
        """Samplers, prompts, templates, and what is wrong with the user's own files."""
        found = self._call("GET", f"{_OURS}/presets")
        return {name: list(value) for name, value in found.items() if isinstance(value, list)}

    def count_tokens(self, text: str, model_id: str | None = None) -> int:
        """How many tokens the model makes of a text."""
        body = {"text": text, "model": model_id}
        count = self._call("POST", f"{_OURS}/tokenize", body, patient=True).get("count")
        return count if isinstance(count, int) else 0

    def embed(self, texts: Sequence[str], model_id: str | None = None) -> list[list[float]]:
        """A normalised vector for each text, as the model sees it."""
        body = {"input": list(texts), "model": model_id}
        found = self._call("POST", "/v1/embeddings", body, patient=True).get("data")
        found = found if isinstance(found, list) else []
        return [list(item["embedding"]) for item in found if isinstance(item, Mapping)]

    def ask_for_popup(self) -> bool:
        """Have the tray show the quick prompt; whether anybody watches who could hear it."""
        return self._call("POST", f"{_OURS}/popup").get("heard") is True

    def downloads(self) -> list[Reply]:
        """Every download: running, waiting, paused, in need of somebody, and the last done."""
        return _list(self._call("GET", f"{_OURS}/downloads"), "downloads")

    def pull(self, source: str, **options: object) -> Reply:
        """Queue a download, or go on with it; its facts. Returns at once.

        options: sha256, connections, max_rate_bytes, environ, recommended, replaces; None
        means not given.
        """
        body = {name: value for name, value in options.items() if value is not None}
        return _part(self._call("POST", f"{_OURS}/downloads", {"source": source, **body}),
                     "download")  # fmt: skip

    def set_download(self, download_id: str, *, running: bool) -> Reply:
        """Pause a download or go on with it; its facts."""
        body = {"state": "running" if running else "paused"}
        return _part(self._call("PUT", _download(download_id), body, patient=True), "download")

    def remove_download(self, download_id: str, *, keep_partial: bool = False) -> Reply:
        """End a download; what was fetched goes too, unless `keep_partial`."""
        path = f"{_download(download_id)}?keep={'partial' if keep_partial else 'remove'}"
        return _part(self._call("DELETE", path, patient=True), "download")

    def shutdown(self) -> None:
        """Ask the daemon to stop; `stop_daemon` also waits for it."""
        self._call("POST", f"{_OURS}/shutdown")

    def ask(
        self,
        messages: Sequence[Mapping[str, object]],
        *,
        silence_seconds: float | None = None,
        **options: object,
    ) -> Generator[Delta, None, None]:
        """Stream an answer; the last piece holds finish_reason and usage. Pieces without
        words may hold thoughts or a notice.

        options: fields of /v1/chat/completions (model, max_tokens, temperature, stop, …);
        None means not given. silence_seconds: give up after so long without a word; None
        waits for ever, as a big model on a slow disk may need.
        """
        body = {name: value for name, value in options.items() if value is not None}
        body |= {
            "messages": list(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
            "notices": True,
        }
        with self._exchange("POST", "/v1/chat/completions", body, silence_seconds) as exchange:
            yield from _deltas(exchange)

    def events(self, after: int | None = None) -> Generator[Happening, None, None]:
        """What happens in the daemon: its state first, or what came after the event `after`.

        Ends when the daemon stops; waits for ever otherwise.
        """
        extra = {} if after is None else {"Last-Event-ID": str(after)}
        with self._exchange("GET", f"{_OURS}/events", None, None, extra) as exchange:
            for event in parse_sse(exchange.lines()):
                number = event.event_id
                yield Happening(
                    number=int(number) if number and number.isdigit() else None,
                    name=event.name,
                    facts=_object(event.data.encode()),
                )

    def _call(
        self, method: str, path: str, body: Reply | None = None, *, patient: bool = False
    ) -> Reply:
        # Loading a model or reading a big file takes as long as it takes.
        with self._exchange(method, path, body, None if patient else _USUAL_SECONDS) as exchange:
            return _object(exchange.read())

    @contextmanager
    def _exchange(
        self,
        method: str,
        path: str,
        body: Reply | None,
        timeout_seconds: float | None,
        extra: Mapping[str, str] | None = None,
    ) -> Iterator[Exchange]:
        connection, facts = reach(self._paths)
        if self._opened is not None:
            self._opened(connection)
        connection.settimeout(timeout_seconds)
        data = b"" if body is None else json.dumps(body).encode()
        try:
            with Exchange(connection) as exchange:
                headers = {"Host": "localhost", **(extra or {})}
                if not facts.socket:
                    headers |= {"Host": f"127.0.0.1:{facts.port}", "Authorization": self._bearer()}
                exchange.send(method, path, headers, data)
                if exchange.status >= 400:
                    raise self._stated(exchange)
                yield exchange
        except TimeoutError as error:
            raise GaloshError("api-timeout", waited_seconds=timeout_seconds) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise GaloshError("api-daemon-lost", reason=reason) from error
        except ValueError as error:
            raise GaloshError("api-protocol", reason=str(error)[:60]) from error

    def _stated(self, exchange: Exchange) -> GaloshError:
        status = exchange.status
        if status == 401:
            return GaloshError("api-unauthorized", path=str(self._paths.token_file))
        return _error_in(_object(exchange.read())) or GaloshError(
            "api-protocol", reason=f"HTTP {status}"
        )

    def _bearer(self) -> str:
        try:
            token = self._paths.token_file.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise GaloshError("api-unauthorized", path=str(self._paths.token_file)) from error
        return f"Bearer {token}"


def _download(download_id: str) -> str:
    from urllib.parse import quote  # see remove_model

    return f"{_OURS}/downloads/{quote(download_id, safe='')}"


def _deltas(exchange: Exchange) -> Iterator[Delta]:
    """The pieces of a streamed answer, its ending and its counts in one last piece."""
    ending = Delta()
    for event in parse_sse(exchange.lines()):
        if event.data == "[DONE]":
            yield ending
            return
        chunk = _object(event.data.encode())
        error = _error_in(chunk)
        if error is not None:
            raise error
        delta = Delta.from_chunk(chunk)
        if delta.text or delta.thought or delta.notice:
            yield delta
        ending = Delta(
            model_id=delta.model_id or ending.model_id,
            finish_reason=delta.finish_reason or ending.finish_reason,
            usage=delta.usage or ending.usage,
        )
    raise GaloshError("api-daemon-lost", reason="end of stream")


def _error_in(answer: Reply) -> GaloshError | None:
    error = answer.get("error")
    ours = error.get("galosh") if isinstance(error, Mapping) else None
    return GaloshError.from_json(ours) if isinstance(ours, Mapping) else None


def _object(data: bytes) -> Reply:
    value: object = json.loads(data.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError(data[:60].decode("utf-8", "replace"))
    return value


def _part(answer: Reply, name: str) -> Reply:
    value = answer.get(name)
    return value if isinstance(value, Mapping) else {}


def _list(answer: Reply, name: str) -> list[Reply]:
    found = answer.get(name)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []
