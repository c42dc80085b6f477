"""Who there is, what they may, and how they prove it: the verbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lockgate.domain.access import Account, Protection, Team, WhoAmI
from lockgate.domain.moments import parse_moment
from lockgate.domain.references import split_name
from lockgate.domain.roles import Role
from lockgate.domain.tokens import IssuedToken, Token
from lockgate.registry.desk import Desk, Moment
from lockgate.services import accounts, protecting, tokens
from lockgate.services.policies import Place


@dataclass(frozen=True, kw_only=True)
class _NewToken:
    name: str
    owner: str | None
    projects: Sequence[str] | None
    permissions: Sequence[str] | None
    expires_at: datetime | None


class AccessVerbs(Desk):
    """Accounts, teams, roles, tokens, and what is kept for some."""

    def whoami(self) -> WhoAmI:
        """Return who acts, and what they may."""
        return tokens.who_am_i(self._store, self._who)

    # --- tokens ------------------------------------------------------------------------------

    def create_token(
        self,
        name: str,
        *,
        owner: str | None = None,
        projects: Sequence[str] | None = None,
        permissions: Sequence[str] | None = None,
        expires_at: Moment = None,
    ) -> IssuedToken:
        """Make a token of one's own (or of ``owner``); its secret is shown this once.

        ``projects`` and ``permissions`` narrow it to less than its owner may.
        """
        new = _NewToken(
            name=name,
            owner=owner,
            projects=projects,
            permissions=permissions,
            expires_at=None if expires_at is None else parse_moment(expires_at, "expires_at"),
        )
        return tokens.create_token(self._store, self._who, new)

    def list_tokens(
        self, *, owner: str | None = None, everybody: bool = False
    ) -> tuple[Token, ...]:
        """Return one's own tokens, those of ``owner``, or everybody's; oldest first."""
        return tokens.list_tokens(self._store, self._who, owner, everybody)

    def revoke_token(self, token: str) -> Token:
        """Revoke a token by its id: it stops within a second, everywhere."""
        return tokens.revoke_token(self._store, self._who, token)

    # --- accounts, teams, roles --------------------------------------------------------------

    def set_account(
        self, name: str, kind: str | None = None, *, roles: Sequence[str] = ()
    ) -> Account:
        """Add a ``person`` or a ``service`` account, or give one these roles in the installation.

        Without a ``kind`` it stays what it is, and a new one is a person.
        """
        return accounts.set_account(self._store, self._who, name, kind, roles)

    def disable_account(self, name: str) -> Account:
        """Disable an account, and revoke its tokens. What it did stays on record."""
        return accounts.disable_account(self._store, self._who, name)

    def list_accounts(self) -> tuple[Account, ...]:
        """Return every account by name."""
        return accounts.list_accounts(self._store)

    def set_team(self, name: str, members: Sequence[str], *, roles: Sequence[str] = ()) -> Team:
        """Make a team of these accounts, or give one these members and no others."""
        return accounts.set_team(self._store, self._who, name, members, roles)

    def remove_team(self, name: str) -> None:
        """Take a team away. Raises `InUse` while it is a member of a project."""
        accounts.remove_team(self._store, self._who, name)

    def list_teams(self) -> tuple[Team, ...]:
        """Return every team by name."""
        return accounts.list_teams(self._store)

    def set_role(self, name: str, permissions: Sequence[str], *, description: str = "") -> Role:
        """Make a role of one's own: a set of permissions with a name."""
        return accounts.set_role(self._store, self._who, name, permissions, description)

    def remove_role(self, name: str) -> None:
        """Take a role of one's own away; whoever has it loses what it gave."""
        accounts.remove_role(self._store, self._who, name)

    def list_roles(self) -> tuple[Role, ...]:
        """Return the five roles that are always there, and those of one's own."""
        return accounts.list_roles(self._store)

    # --- protections -------------------------------------------------------------------------

    def set_protection(
        self,
        kind: str,
        name: str,
        needs: str,
        *,
        model: str | None = None,
        project: str | None = None,
    ) -> Protection:
        """Keep a ``stage`` or an ``alias`` for those with a role or a permission of its own."""
        place = self._guarded(model, project)
        return protecting.set_protection(self._store, self._who, place, kind, name, needs)

    def remove_protection(
        self, kind: str, name: str, *, model: str | None = None, project: str | None = None
    ) -> None:
        """Let everybody again who may change stages or set aliases."""
        place = self._guarded(model, project)
        protecting.remove_protection(self._store, self._who, place, kind, name)

    def list_protections(
        self, *, model: str | None = None, project: str | None = None
    ) -> tuple[Protection, ...]:
        """Return what is protected in a project, or of a model (its project's too)."""
        return protecting.list_protections(self._store, self._guarded(model, project))

    def _guarded(self, model: str | None, project: str | None) -> Place:
        owner = project or self.project
        if model is None:
            return Place(project=owner)
        owner, bare = split_name(model, owner)
        return Place(project=owner, model=bare)
