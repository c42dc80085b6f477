"""A registry with access control on, and somebody in every role, for tests of who may do what.

risk     churn 1 (in production, sealed), churn 2; members: one person for each role
secret   hidden 1; its admin is the stranger, who is nobody in risk
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lockgate.domain.access import Actor
from lockgate.registry import Registry
from lockgate.registry.desk import granted, store_of
from lockgate.services.tokens import make_first_administrator
from lockgate.storage.store import Caller
from registries import embedded

ROLES = ("viewer", "contributor", "approver", "maintainer", "admin")
STRANGER, ROOT = "stranger", "root"
PEOPLE = (STRANGER, *ROLES, ROOT)

# Written out by hand, not taken from the code: what each role may in its project.
VIEWER = {"project.view", "audit.view"}
CONTRIBUTOR = VIEWER | {
    *("model.register", "version.register", "version.push", "version.edit", "version.sign"),
    *("check.report", "request.create", "deployment.report"),
    *("outcome.report", "observation.report"),
}
APPROVER = VIEWER | {"version.approve"}
MAINTAINER = (
    CONTRIBUTOR
    | APPROVER
    | {
        *("project.edit", "model.edit", "model.delete", "version.delete"),
        *("transition.promote", "transition.demote", "transition.archive", "transition.rollback"),
        *("alias.set", "policy.write", "scan.waive", "request.manage", "audit.sign"),
        *("split.write", "monitor.write", "webhook.manage"),
    }
)
ADMIN = MAINTAINER | {"member.manage", "gate.force"}
MAY = {
    "viewer": VIEWER,
    "contributor": CONTRIBUTOR,
    "approver": APPROVER,
    "maintainer": MAINTAINER,
    "admin": ADMIN,
}


class Access:
    """A registry under access control; ``tokens`` are everybody's secrets by name."""

    def __init__(self, url: str = "memory://", **settings: Any) -> None:
        self.registry: Registry = embedded(url, **settings)
        self.store = store_of(self.registry)
        operator = Caller(actor=Actor("operator"))
        first = make_first_administrator(self.store, operator, ROOT)
        self.tokens = {ROOT: first.secret}
        self.ids = {ROOT: first.token.id}
        self.registry.create_project("risk")
        self.registry.create_project("secret")
        for name in (STRANGER, *ROLES):
            self.registry.set_account(name)
            self.issue(name)
        self.registry.set_member("admin", ["admin"], project="risk")
        for role in ROLES[:-1]:
            self.registry.set_member(role, [role], project="risk")
        self.registry.set_member(STRANGER, ["admin"], project="secret")

    def issue(self, owner: str, key: str | None = None, **words: Any) -> str:
        """Make a token, kept under ``key`` (the owner's name, unless told); return its secret."""
        made = self.registry.create_token("tests", owner=owner, **words)
        self.tokens[key or owner] = made.secret
        self.ids[key or owner] = made.token.id
        return made.secret

    def as_(self, name: str) -> Registry:
        """Return the registry as the owner of a token uses it."""
        return granted(self.registry, self.store.grants.load(self.tokens[name]))

    def furnish(self, folder: Path | None = None, *, files: bool = False) -> None:
        """Fill both projects with models; with ``files`` (in ``folder``), churn 1 has some."""
        registry = self.registry
        for project, model in (("risk", "churn"), ("secret", "hidden")):
            if files and folder is not None and project == "risk":
                file = folder / "weights.json"
                file.write_text('{"a": 1}')
                registry.push(file, "risk/churn", "1", description="about")
            else:
                registry.register_model(f"{project}/{model}", "1", description="about")
            registry.register_model(f"{project}/{model}", "2", metrics={"auc": 0.9})
            registry.set_alias(f"{project}/{model}", "champion", "1")
            registry.promote(f"{project}/{model}", "1", to="Staging")
            registry.promote(f"{project}/{model}", "1", to="Production")

    def headers(self, name: str) -> dict[str, str]:
        """Return what a request of somebody carries."""
        return {"Authorization": f"Bearer {self.tokens[name]}"}
