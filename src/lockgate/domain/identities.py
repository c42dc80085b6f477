"""Whose word counts for who somebody is: issuers of identity tokens, and what theirs are good for.

issuer ──► claims, verified ──► the rule that fits ──► a service account's short-lived token
                            └─► the one sign-in   ──► a person's session in the browser
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import urlsplit

from lockgate.domain.frozen import FrozenDict
from lockgate.domain.permissions import known_permissions
from lockgate.errors import InvalidInput, Unauthenticated

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")
"""All that may be allowed: nothing unsigned, nothing with a shared secret."""
ALGORITHMS_USUAL: Final = ("RS256", "ES256")
LEEWAY_S: Final = 60
IDENTITY_S_MAX: Final = 24 * 3600
"""How long an identity token may be good for; what was exchanged is remembered for as long."""
LASTS_S_USUAL: Final = 900
LASTS_S_MAX: Final = 12 * 3600
RULES_MAX: Final = 1_000
JTI_CHARS_MAX: Final = 500
NAME_CHARS_MAX: Final = 50
# A rule says whose job it is: of GitHub and GitLab everybody gets tokens, for any audience.
OWNERS: Final = (
    *("sub", "repository", "repository_id", "repository_owner", "repository_owner_id"),
    *("project_path", "project_id", "namespace_path", "namespace_id"),
)
Claims = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Whose identity tokens are taken, and for which audience they must have been made."""

    url: str
    audience: str
    algorithms: tuple[str, ...] = ALGORITHMS_USUAL

    def __post_init__(self) -> None:
        require_endpoint(self.url, "issuer")
        _require(bool(self.audience), "an issuer has an audience: this server's own URL, say")
        unknown = sorted(set(self.algorithms) - set(ALGORITHMS))
        _require(
            bool(self.algorithms) and not unknown,
            f"algorithms are of {', '.join(ALGORITHMS)}; not {', '.join(unknown) or 'none'}",
        )


@dataclass(frozen=True, kw_only=True)
class TrustRule:
    """What a job may whose claims are these: act for a service account, in a few projects.

    ``*`` in a claim stands for letters of one part of a name, never for ``/`` or ``:``.
    """

    issuer: str
    claims: FrozenDict[str, str]
    account: str
    projects: tuple[str, ...]
    permissions: tuple[str, ...]
    lasts_s: int = LASTS_S_USUAL

    def __post_init__(self) -> None:
        _require(bool(self.account), "a rule names the service account that a job acts for")
        _require(bool(self.projects), "a rule names the projects that its tokens are for")
        _require(0 < self.lasts_s <= LASTS_S_MAX, f"lasts_s is at most {LASTS_S_MAX}")
        owner = [claim for claim in OWNERS if not self.claims.get(claim, "*").startswith("*")]
        _require(
            bool(owner),
            f"a rule says whose job it is, by one of {', '.join(OWNERS)} that does not begin "
            "with *: anybody in the world can have the other claims",
        )

    def fits(self, claims: Claims) -> bool:
        """Say whether verified claims are what the rule wants, every one of them."""
        return all(
            isinstance(claims.get(name), str) and _pattern(wanted).fullmatch(claims[name])
            for name, wanted in self.claims.items()
        )


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """How people sign in to the web UI: as the account that ``claim`` names.

    ``accounts`` translates values of the claim to names of accounts. With ``create``, who has no
    account gets one without any role, if their e-mail address is of ``email_domains``. ``name`` is
    what the sign-in page calls the issuer.
    """

    issuer: Issuer
    redirect_uri: str
    client_secret: str = field(default="", repr=False)
    claim: str = "email"
    accounts: FrozenDict[str, str] = field(default_factory=FrozenDict)
    create: bool = False
    email_domains: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        require_endpoint(self.redirect_uri, "redirect_uri")
        _require(self.claim in ("email", "sub"), "claim is email or sub: nobody chooses those")
        _require(
            not self.create or (self.claim == "email" and bool(self.email_domains)),
            "create_accounts wants the claim email, and email_domains",
        )
        shown = len(self.name) <= NAME_CHARS_MAX and self.name.isprintable()
        _require(shown, f"name is a line of at most {NAME_CHARS_MAX} letters")

    @property
    def client_id(self) -> str:
        """What the issuer knows this server by: its tokens are made for it."""
        return self.issuer.audience

    @property
    def shown_name(self) -> str:
        """What the sign-in page calls the issuer: its host, unless it has a name."""
        return self.name or urlsplit(self.issuer.url).netloc

    def account_of(self, claims: Claims) -> tuple[str, bool]:
        """Return the account that verified claims are of, and whether it may be made.

        Raises `Unauthenticated`.
        """
        value = claims.get(self.claim)
        if not isinstance(value, str) or not value:
            raise Unauthenticated(detail=f"The identity token has no {self.claim}")
        if self.claim == "email":
            if claims.get("email_verified") is not True:
                raise Unauthenticated(detail="The issuer has not verified the e-mail address")
            value = value.lower()
        domain = value.rpartition("@")[2]
        if self.email_domains and (self.claim != "email" or domain not in self.email_domains):
            raise Unauthenticated(detail="E-mail addresses of that domain are not let in")
        return self.accounts.get(value, value), self.create and value not in self.accounts


@dataclass(frozen=True, kw_only=True)
class Trust:
    """All issuers, rules and the sign-in of a server."""

    issuers: tuple[Issuer, ...] = ()
    rules: tuple[TrustRule, ...] = ()
    sign_in: SignIn | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any], client_secret: str = "") -> Self:
        """Return what a document says (see docs/how-to/access.md). Raises `InvalidInput`."""
        _known(document, {"issuer", "rule", "login"}, "the document")
        issuers = tuple(_issuer(each) for each in _tables(document, "issuer"))
        _require(len({each.url for each in issuers}) == len(issuers), "an issuer is given twice")
        rules = tuple(_rule(each) for each in _tables(document, "rule"))
        known = {issuer.url for issuer in issuers}
        for rule in rules:
            _require(rule.issuer in known, f"a rule is of {rule.issuer}, which is no [[issuer]]")
        login = document.get("login")
        sign_in = None if login is None else _sign_in(login, client_secret)
        return cls(issuers=issuers, rules=rules, sign_in=sign_in)

    def find_rule(self, issuer: Issuer, claims: Claims) -> TrustRule | None:
        """Return the first rule that verified claims fit, or None."""
        fitting = (rule for rule in self.rules if rule.issuer == issuer.url)
        return next((rule for rule in fitting if rule.fits(claims)), None)


def require_claims(claims: Claims, issuer: Issuer, now_s: float) -> None:
    """Raise `Unauthenticated` unless claims are the issuer's, for us, and good at this moment."""
    if claims.get("iss") != issuer.url:
        raise Unauthenticated(detail="The identity token is of another issuer than it says")
    if not _is_for(claims, issuer.audience):
        raise Unauthenticated(
            detail=f"The identity token was made for another audience than {issuer.audience}"
        )
    made_s, ends_s = _moment(claims, "iat"), _moment(claims, "exp")
    if made_s > now_s + LEEWAY_S or ("nbf" in claims and _moment(claims, "nbf") > now_s + LEEWAY_S):
        raise Unauthenticated(detail="The identity token is not good yet")
    if ends_s <= now_s - LEEWAY_S:
        raise Unauthenticated(detail="The identity token has expired")
    if ends_s - made_s > IDENTITY_S_MAX or ends_s > now_s + IDENTITY_S_MAX:
        raise Unauthenticated(detail=f"The identity token is good for over {IDENTITY_S_MAX} s")


def token_number(claims: Claims) -> str:
    """Return what an identity token is told from all others by. Raises `Unauthenticated`."""
    number = claims.get("jti")
    if not isinstance(number, str) or not 0 < len(number) <= JTI_CHARS_MAX:
        raise Unauthenticated(detail="The identity token has no jti: it could be used twice")
    return number


def require_endpoint(url: str, what: str) -> None:
    """Raise `InvalidInput` unless a URL is https, or http on this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        local = host in ("127.0.0.1", "localhost", "::1")
        good = parts.scheme == "https" or (parts.scheme == "http" and local)
        plain = bool(host) and "@" not in parts.netloc and not parts.fragment
    except ValueError:
        good = plain = False
    _require(good and plain and url.isprintable(), f"{what} is no https URL: {url!r:.200}")


def _is_for(claims: Claims, audience: str) -> bool:
    given = claims.get("aud")
    if isinstance(given, list):
        ours = claims.get("azp") == audience if len(given) > 1 else True
        return ours and audience in given
    return bool(given == audience)


def _moment(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unauthenticated(detail=f"The identity token has no {name}")
    return value


def _pattern(wanted: str) -> re.Pattern[str]:
    parts = (re.escape(part) for part in re.split(r"\*+", wanted))
    return re.compile("[^/:]*".join(parts))


def _issuer(table: Mapping[str, Any]) -> Issuer:
    _known(table, {"url", "audience", "algorithms"}, "[[issuer]]")
    return Issuer(
        url=_text(table, "url"),
        audience=_text(table, "audience"),
        algorithms=_texts(table, "algorithms", ALGORITHMS_USUAL),
    )


def _rule(table: Mapping[str, Any]) -> TrustRule:
    words = {"issuer", "claims", "account", "projects", "permissions", "lasts_s"}
    _known(table, words, "[[rule]]")
    lasts_s = table.get("lasts_s", LASTS_S_USUAL)
    _require(type(lasts_s) is int, "lasts_s is a whole number of seconds")
    return TrustRule(
        issuer=_text(table, "issuer"),
        claims=_pairs(table, "claims"),
        account=_text(table, "account"),
        projects=_texts(table, "projects", ()),
        permissions=tuple(sorted(known_permissions(_texts(table, "permissions", ()), "A rule"))),
        lasts_s=lasts_s,
    )


def _sign_in(table: object, client_secret: str) -> SignIn:
    _require(isinstance(table, Mapping), "[login] is a table")
    assert isinstance(table, Mapping)  # noqa: S101  # required above
    _known(
        table,
        {
            *("issuer", "client_id", "client_secret_file", "redirect_uri", "algorithms", "claim"),
            *("accounts", "create_accounts", "email_domains", "name"),
        },
        "[login]",
    )
    create = table.get("create_accounts", False)
    _require(isinstance(create, bool), "create_accounts is true or false")
    return SignIn(
        issuer=Issuer(
            url=_text(table, "issuer"),
            audience=_text(table, "client_id"),
            algorithms=_texts(table, "algorithms", ALGORITHMS_USUAL),
        ),
        redirect_uri=_text(table, "redirect_uri"),
        client_secret=client_secret,
        claim=_text(table, "claim") if "claim" in table else "email",
        accounts=_pairs(table, "accounts") if "accounts" in table else FrozenDict(),
        create=create,
        email_domains=_texts(table, "email_domains", ()),
        name=_text(table, "name") if "name" in table else "",
    )


def _known(table: Mapping[str, Any], words: set[str], what: str) -> None:
    unknown = sorted(set(table) - words)
    _require(not unknown, f"{what} has no {', '.join(unknown)}; it has {', '.join(sorted(words))}")


def _tables(document: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found = document.get(name, [])
    good = isinstance(found, list) and all(isinstance(each, Mapping) for each in found)
    _require(good and len(found) <= RULES_MAX, f"[[{name}]] are at most {RULES_MAX} tables")
    return list(found)


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name)
    _require(isinstance(value, str) and bool(value), f"{name} is a text")
    return str(value)


def _texts(table: Mapping[str, Any], name: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    value = table.get(name, list(usual))
    good = isinstance(value, list) and all(isinstance(each, str) and each for each in value)
    _require(good, f"{name} is a list of texts")
    return tuple(value)


def _pairs(table: Mapping[str, Any], name: str) -> FrozenDict[str, str]:
    value = table.get(name)
    good = isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values())
    _require(good, f"{name} is a table of texts")
    assert isinstance(value, Mapping)  # noqa: S101  # required above
    return FrozenDict(value)


def _require(holds: bool, detail: str) -> None:
    if not holds:
        raise InvalidInput(detail=detail, field="oidc")
