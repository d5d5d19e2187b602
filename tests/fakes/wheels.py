"""Wheels that carry models, as PyPI holds them.

Owns the bytes of made-up wheels: stored or compressed members, RECORD with hashes.
Never talks to an index: `hub.py` serves what is made here.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence


def wheel(
    package: str,
    version: str,
    members: Mapping[str, bytes],
    *,
    stored: bool = False,
    requires: Sequence[str] = (),
    spoil_record: bool = False,
) -> tuple[str, bytes]:
    """(file name, bytes) of a wheel. `spoil_record` writes wrong hashes into RECORD."""
    name = package.replace("-", "_")
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    files = dict(members)
    files[f"{info}/METADATA"] = metadata.encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(_record_line(path, data, spoil_record) for path, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    buffer = io.BytesIO()
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for path, data in files.items():
            # A fixed time keeps the wheel's hash the same in every run.
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), data, method)
    return f"{name}-{version}-py3-none-any.whl", buffer.getvalue()


def _record_line(path: str, data: bytes, spoil: bool) -> str:
    digest = hashlib.sha256(data + b"!" if spoil else data).digest()
    text = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return f"{path},sha256={text},{len(data)}\n"
