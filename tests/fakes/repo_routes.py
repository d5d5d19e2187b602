"""The model hub's routes: resolve with signed redirects, tree, revision, gates.

Owns repositories and the life of signed URLs. Never sends a file but through `Exchange`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.bodies import Served

if TYPE_CHECKING:
    from tests.fakes.hub import Exchange

_PAGE = 4  # entries per page of a tree, so that small repositories need paging


@dataclasses.dataclass
class Repo:
    """One model repository.

    gated: needs an accepted licence. private: hidden without a token. token: the one that
    opens it. revisions: names (branches, tags) of the one commit. small: files kept in git
    itself, answered without a redirect. cdn: base URL the redirects lead to, if not the
    hub's own second name. signature_seconds: life of a signed URL.
    """

    name: str
    files: dict[str, Served]
    commit: str
    gated: bool = False
    private: bool = False
    token: str | None = None
    token_granted: bool = True
    revisions: tuple[str, ...] = ("main",)
    small: tuple[str, ...] = ()
    cdn: str | None = None
    signature_seconds: float = 3600.0

    def replace(self, file: str, content: bytes) -> None:
        """New contents under the same name and a new commit."""
        self.files[file] = _served(content)
        self.commit = _commit(self.name + self.files[file].sha256)


class Repos:
    """All repositories of the hub and the signatures it has given out."""

    def __init__(self) -> None:
        self._repos: dict[str, Repo] = {}
        self._lock = threading.Lock()
        self._signatures: dict[str, float] = {}
        self._given = 0

    def add(self, name: str, files: Mapping[str, bytes | Path], facts: Mapping[str, Any]) -> Repo:
        """Add a repository."""
        served = {path: _served(content) for path, content in files.items()}
        repo = Repo(name, served, _commit(name), **facts)
        self._repos[name] = repo
        return repo

    def expire_signatures(self) -> None:
        """Every signed URL given out so far ends now."""
        with self._lock:
            self._signatures.clear()

    def answer(self, exchange: Exchange) -> bool:
        """Answer a hub route; False if the path is none."""
        path = exchange.request.path
        if path.startswith("/cdn/"):
            self._cdn(exchange, path)
            return True
        if path.startswith("/api/models/"):
            return self._api(exchange, path[len("/api/models/") :])
        pieces = path.lstrip("/").split("/")
        if len(pieces) >= 5 and pieces[2] == "resolve":
            self._resolve(exchange, "/".join(pieces[:2]), pieces[3], "/".join(pieces[4:]))
            return True
        return False

    def _resolve(self, exchange: Exchange, name: str, revision: str, file: str) -> None:
        repo = self._open(exchange, name, revision)
        if repo is None:
            return
        served = repo.files.get(file)
        if served is None:
            _fail(exchange, 404, "EntryNotFound", "Entry not found", repo.commit)
            return
        headers = {"X-Repo-Commit": repo.commit}
        if file in repo.small:
            small = dataclasses.replace(served, etag=f'"{_git_oid(served)}"', headers=headers)
            exchange.send_served(small)
            return
        exchange.send(
            302,
            {
                **headers,
                "X-Linked-Size": str(served.size_bytes),
                "X-Linked-Etag": f'"{served.sha256}"',
                "Location": self._sign(repo, file, exchange.hub.cdn_url),
                "Content-Type": "text/plain",
            },
            b"Found. Redirecting to the store." * 30,
        )

    def _sign(self, repo: Repo, file: str, cdn_url: str) -> str:
        until = time.time() + repo.signature_seconds
        with self._lock:
            self._given += 1
            signature = f"signature-{self._given}"
            self._signatures[signature] = until
        query = urllib.parse.urlencode({"Expires": int(until), "Signature": signature})
        return f"{repo.cdn or cdn_url}/cdn/{repo.name}/{urllib.parse.quote(file)}?{query}"

    def _cdn(self, exchange: Exchange, path: str) -> None:
        pieces = path[len("/cdn/") :].split("/")
        repo = self._repos.get("/".join(pieces[:2]))
        served = repo.files.get("/".join(pieces[2:])) if repo else None
        if served is None:
            exchange.send(404, {"Content-Type": "text/plain"}, b"no such key")
            return
        with self._lock:
            until = self._signatures.get(exchange.query().get("Signature", ""), 0.0)
        if time.time() > until:
            body = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"
            exchange.send(403, {"Content-Type": "application/xml"}, body)
            return
        # The store's own ETag has nothing to do with the hub's.
        store = dataclasses.replace(served, etag=f'"store-{served.sha256[:20]}"')
        exchange.send_served(store)

    def _open(
        self, exchange: Exchange, name: str, revision: str | None, *, gate: bool = True
    ) -> Repo | None:
        """The repository, if the request may see it; else answers why not."""
        token = exchange.request.headers.get("authorization", "").removeprefix("Bearer ") or None
        repo = self._repos.get(name)
        if repo is None or (repo.private and token != repo.token):
            status = 404 if token else 401
            _fail(exchange, status, "RepoNotFound", "Repository not found", None)
            return None
        if token is not None and token != repo.token:
            _fail(exchange, 401, None, "Invalid credentials in Authorization header", None)
            return None
        if gate and repo.gated and not (token and repo.token_granted):
            status = 403 if token else 401
            message = f"Access to model {name} is restricted."
            _fail(exchange, status, "GatedRepo", message, repo.commit)
            return None
        if revision is not None and revision not in (repo.commit, *repo.revisions):
            _fail(exchange, 404, "RevisionNotFound", f"Invalid rev id: {revision}", None)
            return None
        return repo

    def _api(self, exchange: Exchange, rest: str) -> bool:
        pieces = rest.split("/")
        name = "/".join(pieces[:2])
        kind = pieces[2] if len(pieces) > 2 else None
        revision = "/".join(pieces[3:]) or None
        if kind not in (None, "revision", "tree"):
            return False
        # As on the real hub, a gated repository shows its list of files to everyone.
        repo = self._open(exchange, name, revision, gate=False)
        if repo is None:
            return True
        if kind == "tree":
            self._tree(exchange, repo)
        else:
            _json(exchange, _facts(repo), {})
        return True

    def _tree(self, exchange: Exchange, repo: Repo) -> None:
        entries = [_entry(path, repo) for path in sorted(repo.files)]
        at = int(exchange.query().get("cursor", 0))
        headers = {}
        if at + _PAGE < len(entries):
            query = urllib.parse.urlencode({"recursive": "true", "cursor": at + _PAGE})
            link = f"{exchange.hub.url}{exchange.request.path}?{query}"
            headers["Link"] = f'<{link}>; rel="next"'
        _json(exchange, entries[at : at + _PAGE], headers)


def _facts(repo: Repo) -> dict[str, Any]:
    return {
        "id": repo.name,
        "modelId": repo.name,
        "sha": repo.commit,
        "private": repo.private,
        "gated": "manual" if repo.gated else False,
        "tags": [],
        "siblings": [{"rfilename": path} for path in sorted(repo.files)],
    }


def _entry(path: str, repo: Repo) -> dict[str, Any]:
    served = repo.files[path]
    entry: dict[str, Any] = {
        "type": "file",
        "path": path,
        "size": served.size_bytes,
        "oid": _git_oid(served),
    }
    if path not in repo.small:
        entry["lfs"] = {"oid": served.sha256, "size": served.size_bytes, "pointerSize": 135}
    return entry


def _served(content: bytes | Path) -> Served:
    return Served(content)


def _commit(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def _git_oid(served: Served) -> str:
    return hashlib.sha1(served.sha256.encode()).hexdigest()


def _json(exchange: Exchange, document: object, headers: dict[str, str]) -> None:
    body = json.dumps(document).encode()
    exchange.send(200, {"Content-Type": "application/json", **headers}, body)


def _fail(
    exchange: Exchange, status: int, code: str | None, message: str, commit: str | None
) -> None:
    headers = {"Content-Type": "application/json", "X-Error-Message": message}
    if code is not None:
        headers["X-Error-Code"] = code
    if commit is not None:
        headers["X-Repo-Commit"] = commit
    exchange.send(status, headers, json.dumps({"error": message}).encode())
