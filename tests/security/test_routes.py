"""Every route against every role: a table of who may, and nothing outside the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from access_world import MAY, PEOPLE, ROOT, STRANGER, Access
from lockgate.coordination.memory import MemoryBackend
from lockgate.dialects import NAMES, dialects_named
from lockgate.domain.presets import PRESET_DOCUMENTS
from lockgate.http.app import build_app
from lockgate.settings import Settings
from registries import Server, embedded, running

PUBLIC, SIGNED_IN, SOMEWHERE, INSTALLATION = "public", "signed in", "somewhere", "installation"
M = "/api/v1/projects/{project}/models/{model}"
P = "/api/v1/projects/{project}"
V = M + "/versions/{version}"
A = "/api/v1"


@dataclass(frozen=True)
class Row:
    """What a route needs; ``where`` is a project, the installation, or nothing in particular."""

    needs: str
    where: str = "project"
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None


def everywhere(needs: str, **more: Any) -> Row:
    """A route that needs a permission in the installation."""
    return Row(needs, INSTALLATION, **more)


def somewhere(**more: Any) -> Row:
    """A route for whoever may push to any project."""
    return Row("version.push", SOMEWHERE, **more)


def seen(**more: Any) -> Row:
    """A route for whoever sees the project."""
    return Row("project.view", **more)


RISK = {"project": "risk"}
GUARDED = {"kind": "stage", "name": "Staging"}
KEY = {"model": "m", "provider": "huggingface", "revision": "main"}
LIFECYCLE = {**PRESET_DOCUMENTS["standard"], "name": "mine"}
W = A + "/webhooks/{webhook}"
HOOK = {"url": "https://example.org/hook"}
PLACE = {"environment": "live"}
DIGEST = "blake3:" + "0" * 64
TABLE: dict[str, Row] = {
    "GET /": Row("", PUBLIC),
    "GET /healthz": Row("", PUBLIC),
    "GET /readyz": Row("", PUBLIC),
    "GET /openapi.json": Row("", PUBLIC),
    "GET /docs": Row("", PUBLIC),
    "GET /ui": Row("", PUBLIC),
    "GET /ui/assets/{name}": Row("", PUBLIC, path={"name": "index.js"}),
    "GET /ui/{rest:path}": Row("", PUBLIC, path={"rest": "models"}),
    "GET /docs/{name}": Row("", PUBLIC, path={"name": "start.js"}),
    "POST /api/v1/session": Row("", PUBLIC, body={"token": "lgt_no"}),
    "DELETE /api/v1/session": Row("", PUBLIC),
    "POST /api/v1/session/exchange": Row("", PUBLIC, body={"identity": "a.b.c"}),
    "GET /api/v1/session/oidc": Row("", PUBLIC),
    "GET /api/v1/session/ways": Row("", PUBLIC),
    "GET /api/v1/session/oidc/callback": Row("", PUBLIC),
    "GET /api/v1/session": Row("", SIGNED_IN),
    f"GET {A}/whoami": Row("", SIGNED_IN),
    f"GET {A}/lifecycles": Row("", SIGNED_IN),
    f"GET {A}/lifecycles/{{name}}": Row("", SIGNED_IN, path={"name": "standard"}),
    f"GET {A}/roles": Row("", SIGNED_IN),
    f"GET {A}/projects": Row("", SIGNED_IN),
    f"GET {A}/models": Row("", SIGNED_IN),
    f"GET {A}/summary": Row("", SIGNED_IN),
    f"GET {A}/search/versions": Row("", SIGNED_IN),
    f"GET {A}/search/models": Row("", SIGNED_IN),
    f"GET {A}/stages/{{stage}}/versions": Row("", SIGNED_IN, path={"stage": "Production"}),
    f"GET {A}/overview": Row("", SIGNED_IN),
    f"GET {A}/requests": Row("", SIGNED_IN),
    f"GET {A}/inbox": Row("", SIGNED_IN),
    f"GET {A}/models/count": Row("", SIGNED_IN),
    f"GET {A}/deployments": Row("", SIGNED_IN),
    f"POST {A}/lifecycles/validate": Row("", SIGNED_IN, body={"name": "no"}),
    f"GET {A}/tokens": Row("", SIGNED_IN),
    f"POST {A}/tokens": Row("", SIGNED_IN, body={"name": "mine"}),
    # --- the installation
    "GET /metrics": everywhere("metrics.view"),
    f"POST {A}/projects": everywhere("project.create", body={"name": "new"}),
    f"POST {A}/lifecycles": everywhere("lifecycle.write", body=LIFECYCLE),
    f"POST {A}/requests/settle": everywhere("request.settle"),
    f"POST {A}/artifacts/gc": everywhere("files.collect", body={}),
    f"POST {A}/artifacts/verification": everywhere("files.verify", body={}),
    f"GET {A}/accounts": everywhere("access.manage"),
    f"PUT {A}/accounts/{{name}}": everywhere("access.manage", body={}, path={"name": "zoe"}),
    f"DELETE {A}/accounts/{{name}}": everywhere("access.manage", path={"name": "viewer"}),
    f"GET {A}/teams": everywhere("access.manage"),
    f"PUT {A}/teams/{{name}}": everywhere(
        "access.manage", body={"members": []}, path={"name": "ops"}
    ),
    f"DELETE {A}/teams/{{name}}": everywhere("access.manage", path={"name": "crew"}),
    f"PUT {A}/roles/{{name}}": everywhere(
        "access.manage", body={"permissions": ["project.view"]}, path={"name": "reader"}
    ),
    f"DELETE {A}/roles/{{name}}": everywhere("access.manage", path={"name": "writer"}),
    f"GET {A}/cache/records": everywhere("cache.use"),
    f"GET {A}/cache/record": everywhere("cache.use", query=KEY),
    f"GET {A}/cache/counts": everywhere("cache.use"),
    f"GET {A}/cache/clock": everywhere("cache.use"),
    f"POST {A}/cache/claim": everywhere("cache.use", body=KEY),
    f"POST {A}/cache/retry": everywhere("cache.use", body=KEY),
    f"POST {A}/cache/takeover": everywhere("cache.use", body={}),
    f"POST {A}/cache/heartbeat": everywhere("cache.use", body={}),
    f"POST {A}/cache/finish": everywhere("cache.use", body={}),
    f"POST {A}/cache/fail": everywhere("cache.use", body={}),
    f"POST {A}/cache/touch": everywhere("cache.use", body=KEY),
    f"PUT {A}/cache/record": everywhere("cache.manage", body={**KEY, "status": "DOWNLOADED"}),
    f"DELETE {A}/cache/record": everywhere("cache.manage", query=KEY),
    f"POST {A}/cache/forget": everywhere("cache.use", body={}),
    # --- files on their way
    f"POST {A}/artifacts/missing": somewhere(body={"digests": [DIGEST]}),
    f"POST {A}/artifacts/blobs": somewhere(
        content=b"", headers={"Content-Type": "application/vnd.lockgate.blobs"}
    ),
    f"POST {A}/artifacts/uploads": somewhere(body={"digests": [DIGEST]}),
    f"POST {A}/artifacts/admissions": somewhere(body={"digests": []}),
    f"POST {A}/artifacts/manifests": somewhere(
        content=b"{}", headers={"Content-Type": "application/vnd.lockgate.manifest+json"}
    ),
    # --- a project
    f"GET {P}": seen(),
    f"PATCH {P}": Row("project.edit", body={"description": "new"}),
    f"GET {P}/models": seen(),
    f"POST {P}/models": Row("model.register", body={"name": "new"}),
    f"GET {P}/policies": seen(),
    f"PUT {P}/policies/{{stage}}": Row(
        "policy.write", body={"policy": {"requirements": []}}, path={"stage": "Staging"}
    ),
    f"DELETE {P}/policies/{{stage}}": Row("policy.write", path={"stage": "Staging"}),
    f"GET {P}/members": seen(),
    f"PUT {P}/members/{{person}}": Row(
        "member.manage", body={"roles": ["viewer"]}, path={"person": "stranger"}
    ),
    f"DELETE {P}/members/{{person}}": Row("member.manage", path={"person": "viewer"}),
    f"GET {P}/protections": seen(),
    f"PUT {P}/protections/{{kind}}/{{name}}": Row(
        "policy.write", body={"needs": "admin"}, path=GUARDED
    ),
    f"DELETE {P}/protections/{{kind}}/{{name}}": Row("policy.write", path=GUARDED),
    f"GET {A}/audit": Row("audit.view", query=RISK),
    f"GET {A}/audit/verify": Row("audit.view", query=RISK),
    f"GET {A}/audit/verified": Row("audit.view", query=RISK),
    f"POST {A}/audit/verify": Row("audit.view", body=RISK),
    f"GET {A}/audit/checkpoints": Row("audit.view", query=RISK),
    f"POST {A}/audit/checkpoints": Row("audit.sign", query=RISK),
    f"POST {A}/audit/export": Row("audit.sign", query=RISK),
    f"GET {A}/resolve": seen(query={"ref": "risk/churn:1"}),
    f"GET {A}/requests/{{request}}": seen(),
    f"POST {A}/requests/{{request}}/approve": Row("version.approve", body={}),
    f"POST {A}/requests/{{request}}/reject": Row("version.approve", body={}),
    f"POST {A}/requests/{{request}}/withdraw": Row("request.create", body={}),
    f"GET {A}/uids/{{uid}}": seen(),
    f"GET {A}/events/next": Row("audit.view", query={**RISK, "after": "0"}),
    f"GET {P}/webhooks": Row("webhook.manage"),
    f"POST {P}/webhooks": Row("webhook.manage", body=HOOK),
    f"GET {W}": Row("webhook.manage"),
    f"PATCH {W}": Row("webhook.manage", body={"description": "new"}),
    f"DELETE {W}": Row("webhook.manage"),
    f"POST {W}/pause": Row("webhook.manage"),
    f"POST {W}/resume": Row("webhook.manage", body={}),
    f"POST {W}/secret": Row("webhook.manage", body={}),
    f"POST {W}/test": Row("webhook.manage", body={}),
    f"GET {W}/deliveries": Row("webhook.manage"),
    f"GET {A}/deliveries/{{delivery}}": Row("webhook.manage"),
    f"POST {A}/deliveries/{{delivery}}/redeliver": Row("webhook.manage"),
    f"GET {A}/deployments/{{deployment}}": seen(),
    f"POST {A}/deployments/{{deployment}}/heartbeat": Row("deployment.report"),
    f"POST {A}/deployments/{{deployment}}/end": Row("deployment.report"),
    # --- a model
    f"GET {M}": seen(),
    f"PATCH {M}": Row("model.edit", body={"description": "new"}),
    f"DELETE {M}": Row("model.delete", query={"force": "true"}),
    f"POST {M}/restore": Row("model.delete"),
    f"GET {M}/latest": seen(),
    f"GET {M}/production": seen(),
    f"GET {M}/latest-by-stage": seen(),
    f"GET {M}/compare": seen(query={"a": "1", "b": "2"}),
    f"GET {M}/lineup": seen(query={"version": ["1", "2"]}),
    f"GET {M}/history": seen(),
    f"GET {M}/board": seen(),
    f"GET {P}/board": seen(),
    f"GET {P}/keys": seen(),
    f"GET {V}/children": seen(),
    f"GET {V}/preview": seen(query={"to": "Staging"}, path={"version": "2"}),
    f"GET {M}/versions": seen(),
    f"POST {M}/versions": Row("version.register", body={"version": "9"}),
    f"POST {M}/seals": Row("version.push", body={"manifest": "sha256:" + "0" * 64}),
    f"POST {M}/rollback": Row("transition.rollback", body={}),
    f"GET {M}/aliases": seen(),
    f"PUT {M}/split": Row("split.write", body={"arms": {"staging": 1}}),
    f"GET {M}/split": seen(),
    f"DELETE {M}/split": Row("split.write"),
    f"GET {M}/assign": seen(query={"key": "ana"}),
    f"POST {M}/outcomes": Row(
        "outcome.report",
        body={"outcomes": [{"version": "1", "metric": "m", "successes": 1, "trials": 2}]},
    ),
    f"POST {V}/observations": Row("observation.report", body={"observations": {"auc": 0.9}}),
    f"GET {V}/measured": seen(),
    f"GET {V}/observations": seen(query={"metric": "auc"}),
    f"POST {V}/histograms": Row(
        "observation.report", body={"metric": "age", "edges": [30], "counts": [1, 2]}
    ),
    f"GET {V}/drift": seen(query={"metric": "age"}),
    f"GET {M}/monitors": seen(),
    f"PUT {M}/monitors/{{monitor}}": Row(
        "monitor.write", body={"metric": "auc"}, path={"monitor": "auc"}
    ),
    f"DELETE {M}/monitors/{{monitor}}": Row("monitor.write", path={"monitor": "auc"}),
    f"GET {M}/sources": seen(),
    f"PUT {M}/sources/{{metric}}": Row(
        "monitor.write",
        body={"url": "http://prometheus:9090", "query": "up"},
        path={"metric": "auc"},
    ),
    f"DELETE {M}/sources/{{metric}}": Row("monitor.write", path={"metric": "auc"}),
    f"POST {A}/monitors/evaluate": everywhere("request.settle"),
    f"GET {M}/outcomes": seen(query={"metric": "m"}),
    f"GET {M}/aliases/{{alias}}": seen(),
    f"PUT {M}/aliases/{{alias}}": Row("alias.set", body={"version": "2"}),
    f"DELETE {M}/aliases/{{alias}}": Row("alias.set"),
    f"GET {M}/policies": seen(),
    f"PUT {M}/policies/{{stage}}": Row(
        "policy.write", body={"policy": {"requirements": []}}, path={"stage": "Staging"}
    ),
    f"DELETE {M}/policies/{{stage}}": Row("policy.write", path={"stage": "Staging"}),
    f"GET {M}/protections": seen(),
    f"PUT {M}/protections/{{kind}}/{{name}}": Row(
        "policy.write", body={"needs": "admin"}, path=GUARDED
    ),
    f"DELETE {M}/protections/{{kind}}/{{name}}": Row("policy.write", path=GUARDED),
    # --- a version
    f"GET {V}": seen(),
    f"PATCH {V}": Row("version.edit", body={"description": "new"}),
    f"DELETE {V}": Row("version.delete", query={"force": "true"}),
    f"POST {V}/restore": Row("version.delete"),
    f"POST {V}/metrics": Row("version.edit", body={"metrics": {"auc": 0.5}}),
    f"POST {V}/transitions": Row(
        "transition.promote", body={"to": "Staging"}, path={"version": "2"}
    ),
    f"GET {V}/transitions": seen(),
    f"GET {V}/gate": seen(),
    f"POST {V}/gate": seen(body={"policy": {"requirements": []}}),
    f"POST {V}/requests": Row("request.create", body={"to": "Staging"}, path={"version": "2"}),
    f"GET {V}/checks": seen(),
    f"GET {V}/users": seen(),
    f"POST {V}/deployments": Row("deployment.report", body=PLACE),
    f"POST {V}/checks": Row("check.report", body={"check": "lint", "status": "passed"}),
    f"POST {V}/waivers": Row("scan.waive", body={"reason": "looked at"}),
    f"GET {V}/files": seen(),
    f"GET {V}/files/{{path:path}}": seen(path={"path": "weights.json"}),
    f"GET {V}/card": seen(),
    f"GET {V}/lineage": seen(),
    f"GET {V}/generated-card": seen(),
    f"POST {V}/bundle": Row("audit.sign"),
    f"POST {P}/bundles": Row("version.push", body={"index": "{}", "note": "", "trust": []}),
    f"GET {V}/manifest": seen(),
    f"POST {V}/blobs": seen(body={"digests": []}),
    f"POST {V}/urls": seen(body={"digests": []}),
    f"GET {V}/signatures": seen(),
    f"POST {V}/signatures": Row(
        "version.sign",
        body={"digest": "sha256:" + "0" * 64, "public_key": "0" * 64, "signature": "0" * 128},
    ),
}
FILES = ("}/files", "}/bundle", "}/card", "}/manifest", "}/blobs", "}/urls", "}/signatures")
# Somebody's own, so that a role says nothing about it.
OWN = {f"DELETE {A}/tokens/{{token}}"}
# Without an end; what it is refused by is what `events/next` is.
STREAMS = {f"GET {A}/events"}
# What the body says is looked at first, whoever sends it: a 400 tells nothing about anything.
BODY_FIRST = {
    f"POST {A}/cache/takeover",
    f"POST {A}/cache/heartbeat",
    f"POST {A}/cache/finish",
    f"POST {A}/cache/fail",
    f"POST {A}/cache/forget",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server with everything that there is: each dialect, and a coordination backend."""
    app = build_app(
        embedded(),
        # Nobody waits in these tests.
        Settings(database="memory://", failed_login_delay_s_max=0.0),
        coordination=MemoryBackend(),
        dialects=dialects_named(",".join(NAMES)),
    )
    with running(app) as url:
        yield Server(app, url)


def is_foreign(path: str) -> bool:
    """Say whether a path is a dialect's: `test_dialects` goes through those."""
    own = ("/hf", "/models", "/audit", f"{A}/registry", f"{A}/prometheus", "/api/2.0/")
    return path.startswith(own)


def routes_of(server: Server) -> set[str]:
    """Return ``METHOD path`` of every route of an application."""
    return {
        f"{method} {route.path}"  # type: ignore[attr-defined]
        for route in server.app.routes
        for method in getattr(route, "methods", None) or {"ANY"}
        if method != "HEAD"
    }


def test_every_route_is_in_the_table(server: Server) -> None:
    """A route that nobody thought about fails here, and so does a row without a route."""
    ours = {name for name in routes_of(server) if not is_foreign(name.partition(" ")[2])}
    assert ours == TABLE.keys() | OWN | STREAMS


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_stream(server: Server, name: str) -> None:
    """A stream is closed to nobody and to strangers before it begins."""
    access = Access()
    path = name.partition(" ")[2]
    with server.serving(access.registry), httpx.Client(trust_env=False, timeout=30) as http:
        url = f"{server.url}{path}?project=risk"
        statuses = [
            http.get(url).status_code,
            http.get(url, headers=access.headers(STRANGER)).status_code,
        ]
    assert statuses == [401, 404]


def expected(row: Row, person: str | None) -> int | None:
    """Return the status of a refusal, or None where the person may."""
    if row.where == PUBLIC:
        return None
    if person is None:
        return 401
    if person == ROOT or row.where == SIGNED_IN:
        return None
    if row.where == INSTALLATION:
        return 403
    if row.where == SOMEWHERE:
        return None if person == STRANGER or row.needs in MAY[person] else 403
    if person == STRANGER:
        return 404
    return None if row.needs in MAY[person] else 403


@pytest.mark.parametrize("name", sorted(TABLE))
def test_route(server: Server, tmp_path: Path, name: str) -> None:
    """Nobody, a stranger and every role get what the table says, the weakest first."""
    row = TABLE[name]
    access = Access(artifacts=str(tmp_path / "files"))
    access.furnish(tmp_path, files=any(word in name for word in FILES))
    access.registry.set_team("crew", [])
    access.registry.set_role("writer", ["version.register"])
    asked = access.as_("contributor").request_promotion("risk/churn", "2", "Staging")
    if name.startswith("DELETE") and "policies" in name:
        model = "risk/churn" if "models" in name else None
        access.registry.attach_policy("Staging", {"requirements": []}, model=model, project="risk")
    if name.startswith("DELETE") and "protections" in name:
        model = "risk/churn" if "models" in name else None
        access.registry.set_protection("stage", "Staging", "admin", model=model, project="risk")
    if name == f"POST {V}/restore":
        access.registry.delete_version("risk/churn", "1", force=True)
    if name == f"POST {M}/restore":
        access.registry.delete_model("risk/churn", force=True)
    if name == f"POST {V}/requests":
        access.registry.withdraw(asked.request.uid)
    things = _made(access, name)
    words = {
        **things,
        "project": "risk",
        "model": "churn",
        "version": "1",
        "alias": "champion",
        "request": asked.request.uid,
        **row.path,
    }
    method, _, template = name.partition(" ")
    path = template.replace(":path}", "}").format(**words)
    statuses: dict[str | None, int] = {}
    with (
        server.serving(access.registry),
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        for person in (None, *PEOPLE):
            headers = {} if person is None else access.headers(person)
            answer = http.request(
                method,
                path,
                params=row.query,
                json=row.body if row.content is None else None,
                content=row.content,
                headers={**headers, **row.headers},
            )
            statuses[person] = answer.status_code
            wanted = expected(row, person)
            if wanted is None:
                assert answer.status_code not in (401, 403) or row.where == PUBLIC, answer.text
            elif not (name in BODY_FIRST and answer.status_code == 400):
                assert (person, wanted) == (person, answer.status_code), answer.text
            if wanted == 404:
                missing = http.request(
                    method,
                    path.replace("risk", "nowhere"),
                    params={
                        k: v.replace("risk", "nowhere") if isinstance(v, str) else v
                        for k, v in row.query.items()
                    },
                    json=_elsewhere(row.body) if row.content is None else None,
                    headers={**headers, **row.headers},
                )
                if not things and "{request}" not in template:
                    assert _told(answer).replace("risk", "nowhere") == _told(missing)


def _made(access: Access, name: str) -> dict[str, str]:
    """Return what the words in a route's path are, made if it has such words."""
    made: dict[str, str] = {}
    if "{uid}" in name:
        made["uid"] = access.registry.get_version("risk/churn", "1").uid
    if "{webhook}" in name or "{delivery}" in name:
        hook = access.registry.create_webhook(HOOK["url"], project="risk").webhook
        made["webhook"] = hook.uid
        made["delivery"] = access.registry.test_webhook(hook.uid).uid
    if "{deployment}" in name:
        made["deployment"] = access.registry.report_deployment("risk/churn", "1", **PLACE).uid
    return made


def _elsewhere(body: Any) -> Any:
    return {"project": "nowhere"} if body == RISK else body


def _told(answer: httpx.Response) -> str:
    told = answer.json()
    return f"{answer.status_code} {told['code']} {told['detail']}"
