"""When does a signed URL end? Read from the URL itself, where the signers write it. Pure."""

from __future__ import annotations

from datetime import datetime, timezone
from urllib.parse import parse_qsl, urlsplit


def expiry_seconds(url: str) -> float | None:
    """Wall-clock seconds since 1970 at which `url` stops working; None if it does not say.

    Knows `Expires=<epoch>` (CloudFront, S3 v2, GCS v2), `X-Amz-Date` + `X-Amz-Expires`,
    `X-Goog-Date` + `X-Goog-Expires` and Azure's `se`.
    """
    query = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
    for vendor in ("amz", "goog"):
        start = _time(query.get(f"x-{vendor}-date", ""), "%Y%m%dT%H%M%SZ")
        life = query.get(f"x-{vendor}-expires", "")
        if start is not None and life.isascii() and life.isdigit():
            return start + int(life[:9])
    epoch = query.get("expires", "")
    if epoch.isascii() and epoch.isdigit() and len(epoch) <= 11:
        return float(epoch)
    return _time(query.get("se", ""), "%Y-%m-%dT%H:%M:%SZ")


def _time(text: str, form: str) -> float | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None
