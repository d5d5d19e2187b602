"""What went wrong with a link, and what that means: retry, renew, hold, drop a source. Pure.

Owns the rules of section "every wait is named": a trouble becomes a reaction with a cause
code and its facts. Knows no socket and no exception of the HTTP library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from galosh.download.gate import Refusal


class Kind(Enum):
    """Where a link failed."""

    NETWORK = "network"  # no route, no name: probably no network at all
    CONNECT = "connect"  # this host did not take the connection
    STALL = "stall"  # no byte for too long
    CUT = "cut"  # the connection ended before the body did
    TLS = "tls"  # the certificate was not accepted
    PROXY = "proxy"  # the proxy could not be reached or did not connect us
    PROXY_PASSWORD = "proxy-password"  # noqa: S105 - a word, not a password
    REDIRECTS = "redirects"  # too many, or to a place we do not follow
    REFUSED = "refused"  # the gate refused the reply


@dataclass(frozen=True)
class Trouble:
    """One failure of one link.

    at_origin: the reply came from the source's own origin, not from where it redirects to.
    fresh: the redirect was followed just now, so an expired signature is no explanation.
    secure: every hop was TLS, so that no third party wrote the reply.
    """

    kind: Kind
    host: str
    refusal: Refusal | None = None
    status: int | None = None
    error_code: str | None = None
    detail: str = ""
    at_origin: bool = True
    fresh: bool = True
    secure: bool = False
    has_token: bool = False
    hub: bool = False
    wish_seconds: float | None = None


class Action(Enum):
    """What to do about it."""

    RETRY = "retry"  # back off, then the same source again
    RENEW = "renew"  # follow the redirect anew; not a retry
    HOLD = "hold"  # leave this host alone for a while
    WHOLE = "whole"  # this source ignores Range: one stream from the start
    STRIKE = "strike"  # a wrong reply; several make the source unusable
    DROP = "drop"  # this source cannot be used
    CHANGED = "changed"  # the remote file is another one now
    STOP = "stop"  # nothing can go on before the user acts


@dataclass(frozen=True)
class Reaction:
    """The action, the code that names the cause and its facts."""

    action: Action
    cause: str
    facts: Mapping[str, object] = field(default_factory=dict)
    seconds: float = 0.0


_WRONG = frozenset(
    {
        Refusal.WRONG_START, Refusal.WRONG_END, Refusal.WRONG_TOTAL, Refusal.RANGE_UNSTATED,
        Refusal.UNASKED_RANGE, Refusal.MULTIPART, Refusal.ENCODED, Refusal.UNSATISFIABLE,
        Refusal.ODD_STATUS, Refusal.NOT_MODEL,
    }
)  # fmt: skip
_SIGNATURE = frozenset({Refusal.BAD_REQUEST, Refusal.UNAUTHORIZED, Refusal.FORBIDDEN, Refusal.GONE})


def react(trouble: Trouble) -> Reaction:
    """The reaction to one trouble."""
    if trouble.kind is Kind.REFUSED and trouble.refusal is not None:
        return _react_refused(trouble, trouble.refusal)
    facts = {"host": trouble.host, "reason": trouble.detail}
    simple = {
        Kind.NETWORK: (Action.RETRY, "download-no-network"),
        Kind.CONNECT: (Action.RETRY, "download-host-unreachable"),
        Kind.STALL: (Action.RETRY, "download-link-stalled"),
        Kind.CUT: (Action.RETRY, "download-link-cut"),
        Kind.TLS: (Action.RETRY, "download-tls-untrusted"),
        Kind.PROXY: (Action.RETRY, "download-proxy-unreachable"),
        Kind.PROXY_PASSWORD: (Action.STOP, "download-proxy-password"),
        Kind.REDIRECTS: (Action.STRIKE, "download-redirects"),
    }
    action, cause = simple.get(trouble.kind, (Action.RETRY, "download-link-cut"))
    return Reaction(action, cause, facts)


def _react_refused(trouble: Trouble, refusal: Refusal) -> Reaction:
    facts: dict[str, object] = {
        "host": trouble.host,
        "status": trouble.status,
        "reason": trouble.detail or refusal.value,
    }
    if refusal is Refusal.RANGE_IGNORED:
        return Reaction(Action.WHOLE, "download-no-resume", facts)
    if refusal in (Refusal.CHANGED, Refusal.SIZE_DIFFERS, Refusal.UNSATISFIABLE_OTHER_SIZE):
        return Reaction(Action.CHANGED, "download-remote-changed", facts)
    if refusal is Refusal.WEB_PAGE:
        if trouble.secure:
            return Reaction(Action.STRIKE, "download-page-instead", facts)
        return Reaction(Action.RETRY, "download-sign-in", facts)
    if refusal in _WRONG:
        return Reaction(Action.STRIKE, "download-source-wrong", facts)
    if refusal is Refusal.PROXY_PASSWORD:
        return Reaction(Action.STOP, "download-proxy-password", facts)
    if refusal in (Refusal.TOO_MANY, Refusal.BUSY):
        return _react_busy(trouble, refusal, facts)
    if refusal in _SIGNATURE and not trouble.at_origin:
        if trouble.fresh:
            return Reaction(Action.STRIKE, "download-renewal-refused", facts)
        return Reaction(Action.RENEW, "download-renewal-refused", facts)
    # Only the origin itself may say that a file is not to be had.
    action = Action.DROP if trouble.at_origin else Action.STRIKE
    return Reaction(action, _denied(trouble, refusal), facts)


def _react_busy(trouble: Trouble, refusal: Refusal, facts: dict[str, object]) -> Reaction:
    limited = refusal is Refusal.TOO_MANY
    cause = "download-rate-held" if limited else "download-server-down"
    if trouble.wish_seconds is not None:
        return Reaction(Action.HOLD, cause, facts, trouble.wish_seconds)
    return Reaction(Action.RETRY, cause, facts)


def _denied(trouble: Trouble, refusal: Refusal) -> str:
    """The code for a refusal by the origin itself."""
    if trouble.error_code == "GatedRepo":
        return "download-licence"
    if refusal in (Refusal.NOT_FOUND, Refusal.GONE):
        return "download-not-found"
    if refusal is Refusal.UNAUTHORIZED:
        return "download-token-denied" if trouble.has_token else "download-needs-token"
    if refusal is Refusal.FORBIDDEN and trouble.hub:
        return "download-access-denied"
    return "download-refused"
