"""The package index's routes: PEP 691 JSON, or HTML as old mirrors have it.

Owns which wheels the index lists. Never serves the wheels themselves.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
from typing import TYPE_CHECKING, Any

from tests.fakes.model_files import sha256

if TYPE_CHECKING:
    from tests.fakes.hub import Exchange

_JSON_TYPE = "application/vnd.pypi.simple.v1+json"


@dataclasses.dataclass
class _Wheel:
    file_name: str
    path: str
    sha256: str
    size_bytes: int
    yanked: bool = False


class Index:
    """The wheels by project. `json = False` makes it an index that only knows HTML."""

    def __init__(self) -> None:
        self.json = True
        self.password: tuple[str, str] | None = None
        self._projects: dict[str, list[_Wheel]] = {}

    def add(self, file_name: str, content: bytes, path: str) -> None:
        """List a wheel under the project its file name states."""
        project = re.sub(r"[-_.]+", "-", file_name.split("-")[0]).lower()
        wheel = _Wheel(file_name, path, sha256(content), len(content))
        self._projects.setdefault(project, []).append(wheel)

    def answer(self, exchange: Exchange) -> bool:
        """Answer `/simple/PROJECT/`; False for any other path."""
        match = re.fullmatch(r"/simple/([^/]+)/?", exchange.request.path)
        if match is None:
            return False
        wheels = self._projects.get(match.group(1))
        if wheels is None:
            exchange.send(404, {"Content-Type": "text/plain"}, b"404 Not Found")
        elif self.json and _JSON_TYPE in exchange.request.headers.get("accept", ""):
            body = json.dumps(_document(match.group(1), wheels)).encode()
            exchange.send(200, {"Content-Type": _JSON_TYPE}, body)
        else:
            body = _page(wheels).encode()
            exchange.send(200, {"Content-Type": "text/html; charset=utf-8"}, body)
        return True


def _document(project: str, wheels: list[_Wheel]) -> dict[str, Any]:
    files = [
        {
            "filename": wheel.file_name,
            "url": f"../..{wheel.path}",
            "hashes": {"sha256": wheel.sha256},
            "size": wheel.size_bytes,
            "yanked": wheel.yanked,
        }
        for wheel in wheels
    ]
    return {"meta": {"api-version": "1.1"}, "name": project, "files": files}


def _page(wheels: list[_Wheel]) -> str:
    links = "".join(
        f'<a href="../..{html.escape(wheel.path)}#sha256={wheel.sha256}">'
        f"{html.escape(wheel.file_name)}</a><br>\n"
        for wheel in wheels
    )
    return f"<!DOCTYPE html><html><body>\n{links}</body></html>\n"
