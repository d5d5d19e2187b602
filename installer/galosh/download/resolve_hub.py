"""Finds out what an `hf:` source is: commit, files, sizes, hashes, and whether we may have them.

Owns the questions to the hub's API. Rules: a branch is resolved to its commit once and pinned;
the token goes to the endpoint's origin only; the hub's answers must agree with each other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urljoin

from galosh.base.errors import GaloshError
from galosh.download.ask import REDIRECT_STATUSES, Answer, Asker, Question
from galosh.download.plan import ByteSource, Plan, url_origin
from galosh.download.repo import RepoFile, choose, read_tree
from galosh.download.resolved import Pin, Resolved
from galosh.download.source_text import HubText, is_sha256, safe_file_name

DEFAULT_ENDPOINT = "https://huggingface.co"

_COMMIT = re.compile(r"[0-9a-f]{40}")
_PAGES_MAX = 200


@dataclass(frozen=True)
class HubAccess:
    """Which hub to ask, and as whom. The token is never printed or stored."""

    endpoint: str = DEFAULT_ENDPOINT
    token: str | None = field(default=None, repr=False)

    def token_for(self, url: str) -> str | None:
        """The token, if `url` is at the endpoint itself."""
        return self.token if url_origin(url) == url_origin(self.endpoint) else None


def find_hub(environ: Mapping[str, str] | None = None) -> HubAccess:
    """The hub of `HF_ENDPOINT` and the token of `HF_TOKEN` or the token file."""
    environ = os.environ if environ is None else environ
    endpoint = environ.get("HF_ENDPOINT", "").strip().rstrip("/") or DEFAULT_ENDPOINT
    token = environ.get("HF_TOKEN") or environ.get("HUGGING_FACE_HUB_TOKEN")
    return HubAccess(endpoint, _clean(token) or _clean(_read(_token_file(environ))))


def resolve_hub(
    text: HubText, source: str, asker: Asker, hub: HubAccess, pin: Pin | None = None
) -> Resolved:
    """Plans for the files that `text` means, of one commit.

    Raises GaloshError `download-gated`, `download-gated-refused`, `download-token-refused`,
    `download-repo-unknown`, `download-repo-hidden`, `download-revision-unknown`, what `choose`
    and `Asker.ask` raise, and `download-sources-disagree`.
    """
    repo = _Repo(text, hub, asker)
    commit = repo.commit()
    choice = choose(text.repo, repo.files(commit), text.choice)
    whole = len(choice.files) == 1
    plans: list[Plan] = []
    for number, file in enumerate(choice.files):
        url = repo.address(commit, file.path)
        # One look at the first file tells whether we may have them, before any part begins.
        kind = repo.look(url, file) if number == 0 else plans[0].sources[0].kind
        plans.append(_plan(file, url, kind, source, commit, hub, pin if whole else None))
    sizes = [plan.size_bytes for plan in plans]
    return Resolved(
        source=source,
        file_name=plans[0].file_name,
        plans=tuple(plans),
        size_bytes=sum(s for s in sizes if s is not None) if None not in sizes else None,
        sha256=plans[0].sha256 if whole else None,
        page=f"{hub.endpoint}/{text.repo}",
    )


class _Repo:
    """One repository's questions and their refusals."""

    def __init__(self, text: HubText, hub: HubAccess, asker: Asker) -> None:
        self._text = text
        self._hub = hub
        self._asker = asker
        self._page = f"{hub.endpoint}/{text.repo}"

    def commit(self) -> str:
        """The commit that the revision names now."""
        if _COMMIT.fullmatch(self._text.revision):
            return self._text.revision
        facts = self._json(f"revision/{quote(self._text.revision, safe='')}")[0]
        commit = facts.get("sha") if isinstance(facts, dict) else None
        if not isinstance(commit, str) or _COMMIT.fullmatch(commit) is None:
            raise GaloshError("download-answer-unclear", host=_host(self._hub.endpoint))
        return commit

    def files(self, commit: str) -> list[RepoFile]:
        """All files of the commit, page by page."""
        found: list[RepoFile] = []
        document, answer = self._json(f"tree/{commit}?recursive=true")
        for _ in range(_PAGES_MAX):
            found += read_tree(document)
            target = _next_page(answer)
            if target is None or url_origin(target) != url_origin(answer.url):
                break
            document, answer = self._get(target)
        return found

    def address(self, commit: str, path: str) -> str:
        """Where a file of the commit is."""
        return f"{self._page}/resolve/{commit}/{quote(path)}"

    def look(self, url: str, file: RepoFile) -> str:
        """Ask for a file's headers; `hub`, or `mirror` if it lacks the hub's own headers.

        Raises the refusal, or `download-sources-disagree` if they contradict the tree.
        """
        token = self._hub.token_for(url)
        answer = self._asker.ask(
            Question(url, "HEAD", token=token, follow=False, body_wanted=False)
        )
        if answer.status not in REDIRECT_STATUSES and answer.status != 200:
            raise self._refused(answer)
        linked = answer.headers.get("x-linked-size", "")
        digest = answer.headers.get("x-linked-etag", "").strip('"').lower()
        size = int(linked) if linked.isascii() and linked.isdigit() else None
        if _differ(size, file.size_bytes) or (is_sha256(digest) and _differ(digest, file.sha256)):
            raise GaloshError(
                "download-sources-disagree",
                file_name=file.path,
                host=answer.host,
                planned_bytes=file.size_bytes,
                offered_bytes=size,
            )
        return "hub" if "x-repo-commit" in answer.headers else "mirror"

    def _json(self, route: str) -> tuple[object, Answer]:
        return self._get(f"{self._hub.endpoint}/api/models/{self._text.repo}/{route}")

    def _get(self, url: str) -> tuple[object, Answer]:
        token = self._hub.token_for(url)
        answer = self._asker.ask(Question(url, token=token, accept="application/json"))
        if answer.status != 200:
            raise self._refused(answer)
        return answer.json(), answer

    def _refused(self, answer: Answer) -> GaloshError:
        code = answer.headers.get("x-error-code", "")
        repo, known = self._text.repo, self._hub.token is not None
        facts = {"repo": repo, "page": self._page, "status": answer.status}
        if code == "GatedRepo" or (answer.status == 403 and known):
            return GaloshError("download-gated-refused" if known else "download-gated", **facts)
        if code == "RevisionNotFound":
            return GaloshError("download-revision-unknown", revision=self._text.revision, **facts)
        if code == "EntryNotFound":
            file = self._text.choice or "?"
            return GaloshError("download-file-unknown", repo=repo, file=file, known="-")
        if answer.status == 401 and known and not code:
            return GaloshError("download-token-refused", **facts)
        if answer.status in (401, 403, 404):
            return GaloshError(
                "download-repo-unknown" if known else "download-repo-hidden", **facts
            )
        return GaloshError("download-answer-odd", host=answer.host, status=answer.status)


def _plan(
    file: RepoFile,
    url: str,
    kind: str,
    source: str,
    commit: str,
    hub: HubAccess,
    pin: Pin | None,
) -> Plan:
    pinned = pin.sha256 if pin else None
    digest = file.sha256 if is_sha256(file.sha256) else None
    if pinned is not None and _differ(pinned, digest):
        raise GaloshError(
            "download-sources-disagree",
            file_name=file.path,
            host=_host(hub.endpoint),
            planned_bytes=pin.size_bytes if pin else None,
            offered_bytes=file.size_bytes,
        )
    own = ByteSource(
        url, "hub" if kind == "hub" else "mirror", token=hub.token_for(url),
        remote_size_bytes=file.size_bytes,
    )  # fmt: skip
    authority = pin.authority if pin and pinned else ("hub" if digest else "none")
    return Plan(
        file_name=(pin.file_name if pin else None) or safe_file_name(file.path),
        size_bytes=file.size_bytes,
        sha256=pinned or digest,
        authority=authority,
        sources=(own,),
        origin=source,
        commit=commit,
        expects="gguf",
    )


def _next_page(answer: Answer) -> str | None:
    for link in answer.headers.get("link", "").split(","):
        match = re.match(r'\s*<([^>]+)>\s*;.*rel="?next"?', link)
        if match is not None:
            return urljoin(answer.url, str(match[1]))
    return None


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other


def _host(url: str) -> str:
    return url_origin(url)[1]


def _token_file(environ: Mapping[str, str]) -> Path:
    given = environ.get("HF_TOKEN_PATH")
    if given:
        return Path(given)
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or str(Path.home()))
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    return Path(environ.get("HF_HOME") or cache / "huggingface").expanduser() / "token"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")[:4096]
    except (OSError, UnicodeDecodeError):
        return None


def _clean(token: str | None) -> str | None:
    """A token as it may stand in a header; None for anything else."""
    token = (token or "").strip()
    return token if token and re.fullmatch(r"[\x21-\x7e]+", token) else None
