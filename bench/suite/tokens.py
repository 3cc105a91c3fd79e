"""LiveKit access tokens: a JWT signed with HMAC-SHA256 (RFC 7519), as the server's docs describe."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass

VALID_SECONDS = 6 * 3600


@dataclass(frozen=True)
class Credentials:
    """The server's key pair."""

    key: str
    secret: str

    def mint(self, room: str, identity: str, attributes: dict[str, str] | None = None, seconds: int = VALID_SECONDS) -> str:
        """A token to join this room, to send data and to receive everything."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self.key,
            "sub": identity,
            "nbf": now - 10,
            "exp": now + seconds,
            "video": {
                "room": room,
                "roomJoin": True,
                "canPublish": True,
                "canPublishData": True,
                "canSubscribe": True,
            },
        }
        if attributes:
            claims["attributes"] = attributes
        body = b".".join(_encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).digest()
        return (body + b"." + _encode(signature)).decode()


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
