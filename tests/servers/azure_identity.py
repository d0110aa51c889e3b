# SPDX-License-Identifier: Apache-2.0
"""Tokens of Microsoft's identity platform, which nobody signed, and the errors of the Resource Manager."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from tests.servers.run_command.edge import Reply, Request, json_reply

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
VALID_S = 3_600


def token(resource: str, *, expired: bool = False) -> tuple[str, int]:
    """A token for a resource, and when it ends (seconds since 1970)."""
    now = int(time.time())
    expires = now - 60 if expired else now + VALID_S
    claims = {"aud": resource, "iss": f"https://sts.windows.net/{SUBSCRIPTION}/", "nbf": now - 7200, "iat": now - 7200}
    claims |= {"exp": expires, "oid": SUBSCRIPTION, "tid": SUBSCRIPTION, "ver": "1.0", "sub": SUBSCRIPTION}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)] + [b"unsigned"]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), expires


def refusal(request: Request) -> Reply | None:
    """The Resource Manager's answer to who has no token, or one that is over."""
    given = request.headers.get("Authorization", "")
    if not given.startswith("Bearer "):
        return error(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    if _claims(given).get("exp", 0) < time.time():
        return error(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now.")
    return None


def error(status: int, code: str, message: str) -> Reply:
    """An error in the form that all of Azure's services have."""
    return json_reply(status, {"error": {"code": code, "message": message}})


def _claims(authorization: str) -> dict[str, Any]:
    middle = authorization.removeprefix("Bearer ").split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return claims
