"""The JSON of access control: what requests carry, and how answers are documented."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from lockgate.domain.access import Account, Protection, Team, WhoAmI
from lockgate.domain.roles import Role
from lockgate.domain.tokens import IssuedToken, Token
from lockgate.wire.answers import schema_of
from lockgate.wire.bodies import Body
from lockgate.wire.queries import Words


class NewTokenBody(Body):
    """A token of one's own, narrowed to less than one may; ``owner`` is for administrators."""

    name: str
    owner: str | None = None
    projects: list[str] | None = None
    permissions: list[str] | None = None
    expires_at: str | None = Field(default=None, description="ISO 8601")


class TokenWords(Words):
    owner: str | None = None
    everybody: bool = False


class AccountBody(Body):
    """``kind`` is person or service, or as it is; ``roles`` are those in the installation."""

    kind: str | None = None
    roles: list[str] = Field(default=[])


class TeamBody(Body):
    members: list[str]
    roles: list[str] = Field(default=[])


class RoleBody(Body):
    permissions: list[str]
    description: str = ""


class ProtectionBody(Body):
    """``needs`` is a role, or a permission in projects."""

    needs: str


class Login(Body):
    token: str


class Exchange(Body):
    """The identity token of a CI job, as its issuer signed it."""

    identity: str


class SignInWords(Words):
    """What an issuer sends a browser back with; what else it says is not looked at."""

    model_config = ConfigDict(extra="ignore")

    code: str | None = Field(default=None, max_length=2_000)
    state: str | None = Field(default=None, max_length=200)
    error: str | None = Field(default=None, max_length=200)


class SessionAnswer(BaseModel):
    """Who is logged in. ``csrf`` goes with every write by cookie, as ``X-CSRF-Token``."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    who: schema_of(WhoAmI)  # type: ignore[valid-type]
    csrf: str | None


class WaysInAnswer(BaseModel):
    """How a browser gets in: with a token, and at an issuer where one is named."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    controlled: bool = Field(description="Whether anybody has to say who they are.")
    issuer: str | None = Field(description="Who `/api/v1/session/oidc` sends people to, by name.")


TokenAnswer = schema_of(Token)
IssuedTokenAnswer = schema_of(IssuedToken)
AccountAnswer = schema_of(Account)
TeamAnswer = schema_of(Team)
RoleAnswer = schema_of(Role)
ProtectionAnswer = schema_of(Protection)
WhoAmIAnswer = schema_of(WhoAmI)
