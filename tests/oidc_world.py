"""An issuer of identity tokens, small and real: keys, signatures, and a server."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

AUDIENCE = "https://models.example"
CLIENT = "lockgate-ui"
CLIENT_SECRET = "kept by the server"
JOB = {"sub": "repo:acme/churn:ref:refs/heads/main", "repository": "acme/churn"}


class Provider(ThreadingHTTPServer):
    """Signs what a test wants signed; ``keys`` by kid are those that it publishes.

    ``person`` are the claims of whoever a browser that comes to it belongs to.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.keys: dict[str, RSAKey | ECKey] = {}
        self.documents: dict[str, Any] = {}
        self.asked: list[str] = []
        self.person: dict[str, Any] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.rotate("first")

    def rotate(self, kid: str) -> None:
        """Have one key and no other."""
        self.keys = {kid: RSAKey.generate_key(2048)}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return claims of a good token, but for ``changes``; None leaves one out."""
        now = int(time.time())
        usual = {
            "iss": self.url,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": uuid.uuid4().hex,
            **JOB,
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def sign(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return an identity token signed with the key there is; ``header`` says more."""
        kid, key = next(iter(self.keys.items()))
        alg = "ES256" if isinstance(key, ECKey) else "RS256"
        protected = {"alg": alg, "kid": kid, **(header or {})}
        payload = json.dumps(self.claims(**changes))
        if protected["alg"] != alg:
            return f"{packed(protected)}.{packed(self.claims(**changes))}.c2lnbmVk"
        # Signed whatever the header says: it is the reader who has to be careful.
        signing = f"{packed(protected)}.{packed(json.loads(payload))}"
        plain = jws.JWSRegistry(strict_check_header=False, algorithms=[alg])
        made = plain.get_alg(alg).sign(signing.encode(), key)
        return f"{signing}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"

    def jwks(self) -> dict[str, Any]:
        """Return the public keys."""
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": kid, "use": "sig"}
                for kid, key in self.keys.items()
            ]
        }

    def answer(self, path: str) -> Any:
        """Return the document at a path, or None."""
        self.asked.append(path)
        if path in self.documents:
            return self.documents[path]
        if path == "/keys":
            return self.jwks()
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
        return None

    def consent(self, url: str, **claims: Any) -> str:
        """Sign somebody in at the address that a browser was sent to; return where it goes on."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        code = uuid.uuid4().hex
        self.codes[code] = {
            "challenge": asked["code_challenge"],
            "redirect_uri": asked["redirect_uri"],
            "claims": {"aud": asked["client_id"], "nonce": asked["nonce"], **claims},
        }
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}"

    def redeem(self, form: dict[str, str], authorization: str | None) -> dict[str, Any] | None:
        """Return the answer to a code, which is good once and for whoever has the verifier."""
        wanted = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET.replace(' ', '+')}".encode()).decode()
        kept = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            kept is None
            or authorization != f"Basic {wanted}"
            or kept["challenge"] != challenge
            or kept["redirect_uri"] != form.get("redirect_uri")
        ):
            return None
        return {"token_type": "Bearer", "id_token": self.sign(**kept["claims"])}


def packed(value: Any) -> str:
    """Return JSON as a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/job":  # as GitHub tells a step its identity token
            good = self.headers.get("Authorization") == "Bearer of the job"
            audience = parse_qs(parts.query)["audience"][0]
            self._say({"value": self.server.sign(aud=audience)} if good else None)
        elif parts.path == "/authorize":
            self.send_response(303)
            self.send_header("Location", self.server.consent(self.path, **self.server.person))
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._say(self.server.answer(parts.path))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        told = self.server.redeem(form, self.headers.get("Authorization"))
        self._say(told or {"error": "invalid_grant"}, 400 if told is None else 200)

    def _say(self, document: Any, status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(404 if document is None else status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@contextmanager
def a_provider() -> Iterator[Provider]:
    """Run an issuer on the loopback interface."""
    provider = Provider()
    thread = threading.Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        provider.shutdown()
        thread.join()
        provider.server_close()
