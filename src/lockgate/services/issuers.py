"""Issuers on the network: their keys, fetched and kept, and what their signatures are good for.

    {issuer}/.well-known/openid-configuration ──► jwks_uri ──► keys, found by kid and never by URL

Nothing in a token says where to look: the URLs are of issuers that the operator named, and each
connection is judged (`outbound`).
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from lockgate.domain.addresses import OIDC_HOSTS, AddressRules
from lockgate.domain.identities import Claims, Issuer, SignIn, Trust, require_endpoint
from lockgate.errors import InvalidInput, Unauthenticated, Unavailable

if TYPE_CHECKING:
    import httpx
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    PublicKey = RSAKey | ECKey | OKPKey

TOKEN_CHARS_MAX: Final = 16_384
KID_CHARS_MAX: Final = 200
KEYS_MAX: Final = 100
RSA_BITS_MIN: Final = 2048
DOCUMENT_BYTES_MAX: Final = 500_000
KEPT_S: Final = 3600.0
AGAIN_S: Final = 30.0
"""An unknown key has an issuer's keys fetched anew, but not more often than this."""
FETCH_S_MAX: Final = 10.0
_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_DAMAGED: Final = "That is no signed identity token"


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What an issuer said of itself."""

    document: Mapping[str, Any]
    keys: Mapping[str, PublicKey]
    at_s: float


class Issuers:
    """What is trusted, and the keys of those who are. Thread-safe."""

    def __init__(
        self, trust: Trust, hosts: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Reach public addresses, and ``hosts``: names, addresses and networks, with commas."""
        self.trust = trust
        self._rules = AddressRules.parse(hosts, OIDC_HOSTS)
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._lost: dict[str, tuple[float, str]] = {}
        trusted = [issuer.url for issuer in trust.issuers]
        if trust.sign_in is not None:
            trusted.append(trust.sign_in.issuer.url)
        self._locks = {url: Lock() for url in trusted}

    def verified(self, text: str, issuers: tuple[Issuer, ...]) -> tuple[Issuer, Claims]:
        """Return who of ``issuers`` signed an identity token, and its claims, not yet judged.

        Raises `Unauthenticated`; `Unavailable` when the issuer's keys cannot be had.
        """
        header, claims = read_unverified(text)
        issuer = next((each for each in issuers if each.url == claims.get("iss")), None)
        if issuer is None:
            raise Unauthenticated(detail="The identity token is of no issuer that is trusted here")
        if header.get("alg") not in issuer.algorithms or "crit" in header:
            raise Unauthenticated(
                detail=f"The identity token is not signed by {' or '.join(issuer.algorithms)}"
            )
        key = self._key(issuer, header.get("kid"))
        from joserfc import jws
        from joserfc.errors import JoseError

        try:
            signed = jws.deserialize_compact(text, key, algorithms=list(issuer.algorithms))
        except (JoseError, ValueError, TypeError):
            raise Unauthenticated(detail="The identity token's signature does not verify") from None
        return issuer, _object(signed.payload)

    def document(self, issuer: Issuer) -> Mapping[str, Any]:
        """Return what an issuer says of its endpoints."""
        return self._look_up(issuer).document

    def redeem(self, sign_in: SignIn, code: str, verifier: str) -> str:
        """Return the identity token that an issuer gives for a code. Raises `Unauthenticated`."""
        import httpx

        document = self.document(sign_in.issuer)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": sign_in.redirect_uri,
            "client_id": sign_in.client_id,
            "code_verifier": verifier,
        }
        auth = None
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if sign_in.client_secret and "client_secret_basic" in methods:
            auth = httpx.BasicAuth(
                urlencode({"": sign_in.client_id})[1:], urlencode({"": sign_in.client_secret})[1:]
            )
        elif sign_in.client_secret:
            form["client_secret"] = sign_in.client_secret
        answer = self._ask(
            "POST", _endpoint(document, "token_endpoint"), data=form, auth=auth, refused_by=400
        )
        given = answer.get("id_token")
        if not isinstance(given, str):
            raise Unauthenticated(detail="The issuer gave no identity token for the code")
        return given

    def _key(self, issuer: Issuer, kid: object) -> PublicKey:
        if kid is not None and (not isinstance(kid, str) or len(kid) > KID_CHARS_MAX):
            raise Unauthenticated(detail=_DAMAGED)
        known = self._look_up(issuer)
        found = _find(known.keys, kid)
        if found is None:
            found = _find(self._look_up(issuer, anew=True).keys, kid)
        if found is None:
            raise Unauthenticated(detail="The identity token is signed by no key of its issuer")
        return found

    def _look_up(self, issuer: Issuer, anew: bool = False) -> _Known:
        """Return what is known of an issuer, asked again when old; ``anew`` sooner."""
        with self._locks[issuer.url]:
            now = self._clock()
            known = self._known.get(issuer.url)
            if known is not None and now - known.at_s < (AGAIN_S if anew else KEPT_S):
                return known
            lost_s, why = self._lost.get(issuer.url, (float("-inf"), ""))
            if now - lost_s < AGAIN_S:
                raise Unavailable(detail=why)
            try:
                known = self._fetched(issuer, now)
            except Unavailable as error:
                self._lost[issuer.url] = (now, str(error))
                raise
            self._known[issuer.url] = known
            return known

    def _fetched(self, issuer: Issuer, now_s: float) -> _Known:
        document = self._ask("GET", issuer.url.rstrip("/") + _WELL_KNOWN)
        if document.get("issuer") != issuer.url:
            raise Unavailable(detail=f"What {issuer.url} says of itself is of another issuer")
        keys = _keys(self._ask("GET", _endpoint(document, "jwks_uri")))
        return _Known(document=document, keys=keys, at_s=now_s)

    def _ask(
        self, method: str, url: str, refused_by: int | None = None, **words: Any
    ) -> dict[str, Any]:
        """Return the JSON object that a URL answers with; no redirect is followed."""
        import httpx

        from lockgate.outbound import Patience, open_client

        patience = Patience(silence_s=FETCH_S_MAX, wall_s=FETCH_S_MAX)
        try:
            with (
                open_client(self._rules, patience=patience) as client,
                client.stream(method, url, follow_redirects=False, **_given(words)) as answer,
            ):
                if refused_by is not None and refused_by <= answer.status_code < 500:
                    raise Unauthenticated(detail="The issuer did not take the code")
                if answer.status_code != 200:
                    raise Unavailable(detail=f"{url} answers {answer.status_code}")
                body = _bounded(answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Unavailable(detail=f"{url} cannot be asked: {error}") from error
        try:
            return _object(body)
        except Unauthenticated:
            raise Unavailable(detail=f"{url} answers with no JSON object") from None


def find_issuers(held: object) -> Issuers:
    """Return the issuers that a store knows. Raises `Unauthenticated` where there are none."""
    if isinstance(held, Issuers):
        return held
    raise Unauthenticated(detail="This server trusts no issuer of identity tokens (LOCKGATE_OIDC)")


def read_unverified(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of an identity token that nobody has verified yet."""
    parts = text.split(".")
    if len(text) > TOKEN_CHARS_MAX or len(parts) != 3 or not text.isascii() or not all(parts):
        raise Unauthenticated(detail=_DAMAGED)
    return _object(_unpacked(parts[0])), _object(_unpacked(parts[1]))


def _unpacked(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise Unauthenticated(detail=_DAMAGED) from None


def _object(data: bytes | str) -> dict[str, Any]:
    found: object = None
    with suppress(ValueError, RecursionError):
        found = json.loads(data)
    if not isinstance(found, dict):
        raise Unauthenticated(detail=_DAMAGED)
    return found


def _find(keys: Mapping[str, PublicKey], kid: object) -> PublicKey | None:
    if kid is None:  # the only one there is needs no name
        return next(iter(keys.values())) if len(keys) == 1 else None
    return keys.get(str(kid))


def _keys(document: Mapping[str, Any]) -> dict[str, PublicKey]:
    """Return the public keys for signatures by their names; what is anything else is left out."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    kinds: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
        "RSA": RSAKey,
        "EC": ECKey,
        "OKP": OKPKey,
    }
    found: dict[str, PublicKey] = {}
    listed = document.get("keys")
    for each in listed[:KEYS_MAX] if isinstance(listed, list) else []:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        kind = kinds.get(str(each.get("kty")))
        if kind is None:
            continue
        try:
            key = kind.import_key(each)
            weak = isinstance(key, RSAKey) and key.public_key.key_size < RSA_BITS_MIN
        except (JoseError, ValueError, TypeError):
            continue  # a kind of key that we do not know is nobody's mistake
        if not weak:
            found.setdefault(str(each.get("kid", "")), key)
    return found


def _endpoint(document: Mapping[str, Any], name: str) -> str:
    url = document.get(name)
    try:
        require_endpoint(str(url), name)
    except InvalidInput as error:
        raise Unavailable(detail=f"The issuer's {error}") from None
    return str(url)


def authorization_endpoint(document: Mapping[str, Any]) -> str:
    """Return where an issuer has people sign in. Raises `Unavailable` when it does not say."""
    return _endpoint(document, "authorization_endpoint")


def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > DOCUMENT_BYTES_MAX:
            raise Unavailable(detail=f"{answer.url} answers with over {DOCUMENT_BYTES_MAX} bytes")
    return bytes(body)


def _given(words: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in words.items() if value is not None}
