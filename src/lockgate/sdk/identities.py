"""The identity of the CI job that we run in, and the token that a server gives for it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from lockgate.errors import InvalidSetting, Unavailable
from lockgate.sdk.transport import TIMEOUT_S, Transport

GITHUB_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
GITHUB_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105  # the name of a variable


def job_identity(audience: str, environ: Mapping[str, str]) -> str:
    """Return the identity token that GitHub gives a job for an audience.

    Raises `InvalidSetting` where there is no such job, `Unavailable` when it is not given.
    """
    import httpx

    url, token = environ.get(GITHUB_URL), environ.get(GITHUB_TOKEN)
    if not url or not token:
        raise InvalidSetting(
            setting="oidc_token",
            detail="this is no job with an identity: on GitHub give it `permissions: id-token: "
            "write`, on GitLab `id_tokens: LOCKGATE_OIDC_TOKEN: aud: …`",
        )
    try:
        answer = httpx.get(
            httpx.URL(url).copy_merge_params({"audience": audience}),
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
        )
        answer.raise_for_status()
        return str(answer.json()["value"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise Unavailable(detail=f"The job's identity token cannot be had: {error}") from None


def exchange_identity(url: str, identity: str, timeout_s: float = TIMEOUT_S) -> str:
    """Return the token that a server gives for an identity token. Raises `Unauthenticated`."""
    transport = Transport(url, timeout_s)
    try:
        made = transport.send(
            "POST",
            "/api/v1/session/exchange",
            body=json.dumps({"identity": identity}).encode(),
            headers={"Content-Type": "application/json"},
        )
    finally:
        transport.close()
    return str(made["secret"])
