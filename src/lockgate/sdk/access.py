"""Who there is, what they may, and how they prove it: the verbs, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.domain.access import Account, Protection, Team, WhoAmI
from lockgate.domain.references import split_name
from lockgate.domain.roles import Role
from lockgate.domain.tokens import IssuedToken, Token
from lockgate.sdk.calls import API, Calls, Moment, given, moment_text, segment
from lockgate.wire.records import from_wire
from lockgate.wire.values import write_json


class AccessVerbs(Calls):
    """Accounts, teams, roles, tokens, and what is kept for some."""

    def whoami(self) -> WhoAmI:
        """Return who acts, and what they may."""
        return self._load(WhoAmI, "/whoami")

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

        ``projects`` and ``permissions`` narrow it to less than its owner may. Sent once: the
        server keeps no answer with a secret in it, so a lost one is not asked for again.
        """
        body = given(
            name=name,
            owner=owner,
            projects=projects,
            permissions=permissions,
            expires_at=moment_text(expires_at, "expires_at"),
        )
        made = self._transport.send(
            "POST",
            f"{API}/tokens",
            body=write_json(body),
            headers={**self._headers(), "Content-Type": "application/json"},
        )
        return from_wire(IssuedToken, made)

    def list_tokens(
        self, *, owner: str | None = None, everybody: bool = False
    ) -> tuple[Token, ...]:
        """Return one's own tokens, those of ``owner``, or everybody's; oldest first."""
        return self._all(Token, "/tokens", owner=owner, everybody=everybody)

    def revoke_token(self, token: str) -> Token:
        """Revoke a token by its id: it stops within a second, everywhere."""
        return self._change(Token, "DELETE", f"/tokens/{segment(token, 'token')}")

    # --- accounts, teams, roles --------------------------------------------------------------

    def set_account(
        self, name: str, kind: str | None = None, *, roles: Sequence[str] = ()
    ) -> Account:
        """Add a ``person`` or a ``service`` account, or give one these roles in the installation.

        Without a ``kind`` it stays what it is, and a new one is a person.
        """
        path = f"/accounts/{segment(name)}"
        return self._change(Account, "PUT", path, given(kind=kind, roles=roles))

    def disable_account(self, name: str) -> Account:
        """Disable an account, and revoke its tokens. What it did stays on record."""
        return self._change(Account, "DELETE", f"/accounts/{segment(name)}")

    def list_accounts(self) -> tuple[Account, ...]:
        """Return every account by name."""
        return self._all(Account, "/accounts")

    def set_team(self, name: str, members: Sequence[str], *, roles: Sequence[str] = ()) -> Team:
        """Make a team of these accounts, or give one these members and no others."""
        path = f"/teams/{segment(name, 'team')}"
        return self._change(Team, "PUT", path, {"members": members, "roles": roles})

    def remove_team(self, name: str) -> None:
        """Take a team away. Raises `InUse` while it is a member of a project."""
        self._write("DELETE", f"/teams/{segment(name, 'team')}")

    def list_teams(self) -> tuple[Team, ...]:
        """Return every team by name."""
        return self._all(Team, "/teams")

    def set_role(self, name: str, permissions: Sequence[str], *, description: str = "") -> Role:
        """Make a role of one's own: a set of permissions with a name."""
        path = f"/roles/{segment(name, 'role')}"
        body = {"permissions": permissions, "description": description}
        return self._change(Role, "PUT", path, body)

    def remove_role(self, name: str) -> None:
        """Take a role of one's own away; whoever has it loses what it gave."""
        self._write("DELETE", f"/roles/{segment(name, 'role')}")

    def list_roles(self) -> tuple[Role, ...]:
        """Return the five roles that are always there, and those of one's own."""
        return self._all(Role, "/roles")

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
        path = self._guarded(model, project, segment(kind, "kind"), segment(name))
        return self._change(Protection, "PUT", path, {"needs": needs})

    def remove_protection(
        self, kind: str, name: str, *, model: str | None = None, project: str | None = None
    ) -> None:
        """Let everybody again who may change stages or set aliases."""
        self._write("DELETE", self._guarded(model, project, segment(kind, "kind"), segment(name)))

    def list_protections(
        self, *, model: str | None = None, project: str | None = None
    ) -> tuple[Protection, ...]:
        """Return what is protected in a project, or of a model (its project's too)."""
        return self._all(Protection, self._guarded(model, project))

    def _guarded(self, model: str | None, project: str | None, *rest: str) -> str:
        owner = project or self.project
        if model is None:
            return "/".join((f"/projects/{segment(owner)}", "protections", *rest))
        return self._model("/".join(split_name(model, owner)), "protections", *rest)
