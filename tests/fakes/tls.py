"""A certificate for the fault server under TLS: made up, self-signed, worth nothing elsewhere.

Owns one key that everybody may know. Never trusted by anything but the tests.
"""

from __future__ import annotations

from pathlib import Path

_PEM = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+wXRONJz8MnUKQaf
SDwfwB4GzY+R6StzrBH9MXrgdYuhRANCAAQhGojAmyV+k9bdaRiw7Beaz7xiRpZo
1I3hnku7Ue4Eo1w9HCeKcnxCHemMijiwR8WCGumMIEIHORNr+HjdkdDJ
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBvDCCAWOgAwIBAgIUMFuuK6V+19ZXBkzlBG8BYLbQ6v8wCgYIKoZIzj0EAwIw
HTEbMBkGA1UEAwwSZ2Fsb3NoIHRlc3Qgc2VydmVyMCAXDTI2MTEyMjIzMjQxOVoY
DzIxMjYxMDI5MjMyNDE5WjAdMRswGQYDVQQDDBJnYWxvc2ggdGVzdCBzZXJ2ZXIw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQhGojAmyV+k9bdaRiw7Beaz7xiRpZo
1I3hnku7Ue4Eo1w9HCeKcnxCHemMijiwR8WCGumMIEIHORNr+HjdkdDJo38wfTAd
BgNVHQ4EFgQUgjPq0slGsRTHsBma/o51Cwxf2rYwHwYDVR0jBBgwFoAUgjPq0slG
sRTHsBma/o51Cwxf2rYwGgYDVR0RBBMwEYcEfwAAAYIJbG9jYWxob3N0MA8GA1Ud
EwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgKEMAoGCCqGSM49BAMCA0cAMEQCIEFI
PXXdzbbPnKqc9vZq80k8UowzvYxqPtEKt9SzTUMZAiBlQlGEyeHFa7F4rNO6DoU9
/e5h8DjfmYYsYsnJCoR5Kw==
-----END CERTIFICATE-----
"""


def write_certificate(folder: Path) -> Path:
    """Key and certificate for 127.0.0.1 and localhost as one file in `folder`."""
    path = folder / "server.pem"
    path.write_text(_PEM, encoding="ascii")
    return path
