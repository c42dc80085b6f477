"""Every route of every dialect, and what it needs: written out by hand, not taken from the code."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from remote_writes import HEADERS, literally, request_of

HF = "/hf"
HUB = f"{HF}/api/models"
MLFLOW = ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow")
FILES = "/api/2.0/mlflow-artifacts"
WANLLMDB = "/api/v1/registry"
SEALED = ".lockgate/versions/risk/churn/1/weights.json"
SIGNED_IN, UNSPOKEN, TICKET = "signed in", "unspoken", "by its ticket"
LED = "led to an address that is the refusal"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ABSENT_AT_THE_HUB = (
    "branch", "tag", "discussions", "settings", "super-squash", "duplicate", "lfs-files",
    "user-access-request", "resource-group", "safetensors-metadata", "like", "likers",
)  # fmt: skip
HASH = hashlib.sha256(b"large").hexdigest()
COMMIT = b"\n".join(
    json.dumps(line).encode()
    for line in (
        {"key": "header", "value": {"summary": "new"}},
        {"key": "file", "value": {"path": "a.json", "content": "e30=", "encoding": "base64"}},
    )
)


@dataclass(frozen=True)
class Row:
    """What a route needs: a permission in the project, or one of the words above.

    ``unseen`` is the status for whoever does not see the project, ``path`` are words in the path.
    """

    needs: str
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    unseen: int = 404


def _hugging_face() -> dict[str, Row]:
    rows = {
        f"GET {HF}/api/whoami-v2": Row(SIGNED_IN),
        f"POST {HF}/api/repos/create": Row(
            "model.register", body={"name": "new", "organization": "risk"}
        ),
        f"DELETE {HF}/api/repos/delete": Row("model.delete", body={"name": "risk/spare"}),
        f"POST {HF}/api/repos/move": Row(
            "model.edit", body={"fromRepo": "risk/spare", "toRepo": "risk/other"}
        ),
        f"POST {HF}/api/validate-yaml": Row(SIGNED_IN, body={"content": "x", "repoType": "model"}),
        f"PUT {HF}/uploads/{{ticket}}": Row(TICKET, content=b"x"),
        f"GET {HUB}": Row(SIGNED_IN),
    }
    for name in ("{project}/{model}", "{model}"):
        rows[f"POST {HF}/{name}.git/info/lfs/objects/batch"] = Row(
            "version.push",
            body={"operation": "upload", "objects": [{"oid": HASH, "size": 5}]},
        )
        for verb in ("resolve", "raw"):
            rows[f"GET {HF}/{name}/{verb}/{{revision}}/{{path:path}}"] = Row("project.view")
        for path, row in (
            ("GET /revision/{revision}", Row("project.view")),
            ("GET /tree/{revision}", Row("project.view")),
            (
                "GET /tree/{revision}/{path:path}",
                Row("project.view", path={"model": "deep", "path": "folder"}),
            ),
            ("POST /paths-info/{revision}", Row("project.view", body={"paths": ["weights.json"]})),
            ("GET /commits/{revision}", Row("project.view")),
            ("GET /refs", Row("project.view")),
            ("GET /auth-check", Row("project.view")),
            ("GET ", Row("project.view")),
            (
                "POST /preupload/{revision}",
                Row(
                    "version.push",
                    body={"files": [{"path": "a.json", "size": 2, "sample": ""}]},
                    path={"revision": "main"},
                ),
            ),
            (
                "POST /commit/{revision}",
                Row(
                    "version.push",
                    content=COMMIT,
                    headers={"Content-Type": "application/x-ndjson"},
                    path={"revision": "main"},
                ),
            ),
        ):
            method, _, rest = path.partition(" ")
            rows[f"{method} {HUB}/{name}{rest}"] = row
        for what in ABSENT_AT_THE_HUB:
            # A name alone and a word look like the name of a model in a project.
            for method in METHODS if "/" in name else METHODS[1:]:
                rows[f"{method} {HUB}/{name}/{what}"] = Row(UNSPOKEN)
                rest = Row(UNSPOKEN, path={"rest": "x/y"})
                rows[f"{method} {HUB}/{name}/{what}/{{rest:path}}"] = rest
        rows[f"POST {HUB}/{name}/branch/{{label}}"] = Row("version.register", body={})
        for what in ("xet-read-token", "xet-write-token"):
            rows |= {f"{m} {HUB}/{name}/{what}/{{revision}}": Row(LED) for m in METHODS}
    no_xet = "Lockgate-has-no-Xet-storage/set-HF_HUB_DISABLE_XET=1-or-use-lockgate-push"
    for path in (HF, f"{HF}/{{rest:path}}", f"{HF}/{no_xet}"):
        rows |= {f"{method} {path}": Row(UNSPOKEN) for method in METHODS}
    return rows


def _mlflow() -> dict[str, Row]:
    named, tagged = {"name": "churn"}, {"name": "churn", "key": "a", "value": "b"}
    first, second = {"name": "churn", "version": "1"}, {"name": "churn", "version": "2"}
    alias = {"name": "churn", "alias": "champion"}
    hook = {
        "name": "hook",
        "url": "https://example.org/hook",
        "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}],
    }
    models, versions = "registered-models", "model-versions"
    calls = {
        f"POST {models}/create": Row("model.register", body={"name": "new"}),
        f"GET {models}/get": Row("project.view", query=named),
        f"PATCH {models}/update": Row("model.edit", body={**named, "description": "new"}),
        f"POST {models}/rename": Row("model.edit", body={"name": "spare", "new_name": "other"}),
        f"DELETE {models}/delete": Row("model.delete", body={"name": "spare"}),
        f"GET {models}/search": Row("project.view"),
        f"POST {models}/search": Row("project.view", body={}),
        f"GET {models}/get-latest-versions": Row("project.view", query=named),
        f"POST {models}/get-latest-versions": Row("project.view", body=named),
        f"POST {models}/set-tag": Row("model.edit", body=tagged),
        f"DELETE {models}/delete-tag": Row("model.edit", body={"name": "churn", "key": "a"}),
        f"POST {models}/alias": Row("alias.set", body={**alias, "version": "2"}),
        f"DELETE {models}/alias": Row("alias.set", body=alias),
        f"GET {models}/alias": Row("project.view", query=alias),
        f"POST {versions}/create": Row("version.register", body={**named, "source": "s3://b/x"}),
        f"GET {versions}/get": Row("project.view", query=first),
        f"PATCH {versions}/update": Row("version.edit", body={**second, "description": "new"}),
        f"DELETE {versions}/delete": Row("version.delete", body=second),
        f"POST {versions}/transition-stage": Row(
            "transition.promote", body={**second, "stage": "Staging"}
        ),
        f"GET {versions}/get-download-uri": Row("project.view", query=first),
        f"GET {versions}/search": Row("project.view"),
        f"POST {versions}/search": Row("project.view", body={}),
        f"POST {versions}/set-tag": Row("version.edit", body={**tagged, "version": "2"}),
        f"DELETE {versions}/delete-tag": Row("version.edit", body={**second, "key": "a"}),
        "POST webhooks": Row("webhook.manage", body=hook),
        "GET webhooks": Row("webhook.manage"),
        "GET webhooks/{webhook_id}": Row("webhook.manage"),
        "PATCH webhooks/{webhook_id}": Row("webhook.manage", body={"description": "new"}),
        "DELETE webhooks/{webhook_id}": Row("webhook.manage"),
        "POST webhooks/{webhook_id}/test": Row("webhook.manage", body={}),
    }
    rows = {}
    for prefix in MLFLOW:
        for call, row in calls.items():
            method, _, path = call.partition(" ")
            rows[f"{method} {prefix}/{path}"] = row
    for prefix in ("/api/3.0/mlflow", "/ajax-api/3.0/mlflow"):
        for path in ("server-info", "server-features"):
            rows[f"GET {prefix}/{path}"] = Row(SIGNED_IN)
    return rows | _mlflow_files()


def _mlflow_files() -> dict[str, Row]:
    spoken = {
        "GET /artifacts": Row("project.view"),
        "GET /artifacts/{path:path}": Row("project.view", path={"path": SEALED}),
        "PUT /artifacts/{path:path}": Row("version.push", content=b"x", path={"path": "a/b.txt"}),
        "DELETE /artifacts/{path:path}": Row("version.push", path={"path": "loose/file.txt"}),
        "POST /mpu/create": Row("version.push", body={"path": "big.bin", "num_parts": 1}),
        "POST /mpu/create/{path:path}": Row(
            "version.push", body={"path": "big.bin", "num_parts": 1}, path={"path": "f"}
        ),
        "POST /mpu/complete": Row(
            "version.push", body={"path": "big.bin", "upload_id": "{upload}", "parts": []}
        ),
        "POST /mpu/complete/{path:path}": Row(
            "version.push",
            body={"path": "big.bin", "upload_id": "{below}", "parts": []},
            path={"path": "f"},
        ),
        "POST /mpu/abort": Row("version.push", body={"path": "big.bin", "upload_id": "{upload}"}),
        "POST /mpu/abort/{path:path}": Row(
            "version.push", body={"path": "big.bin", "upload_id": "{below}"}, path={"path": "f"}
        ),
        "PUT /mpu/parts/{path:path}": Row(
            "version.push", content=b"x", path={"path": "{upload}/1"}
        ),
    }
    paths = {call.partition(" ")[2] for call in spoken} | {"", "/{path:path}"}
    rows = {f"{m} {FILES}{path}": Row(UNSPOKEN) for m in METHODS for path in sorted(paths)}
    for call, row in spoken.items():
        method, _, path = call.partition(" ")
        rows[f"{method} {FILES}{path}"] = row
    return rows


def _wanllmdb() -> dict[str, Row]:
    at = f"{WANLLMDB}/models"
    spoken = {
        f"POST {at}": Row("model.register", body={"name": "new", "project_id": "risk"}, unseen=403),
        f"GET {at}": Row(SIGNED_IN),
        f"GET {at}/summary": Row(SIGNED_IN),
        f"GET {at}/stages/{{stage}}/latest": Row(
            "project.view", query={"model_id": "{model_id}"}, path={"stage": "production"}
        ),
        f"PATCH {at}/versions/{{version_id}}": Row("version.edit", body={"description": "new"}),
        f"DELETE {at}/versions/{{version_id}}": Row("version.delete"),
        f"POST {at}/versions/{{version_id}}/transition": Row(
            "transition.promote", body={"stage": "staging"}
        ),
        f"GET {at}/versions/{{version_id}}/transitions": Row("project.view"),
        f"GET {at}/{{model_id}}": Row("project.view"),
        f"PATCH {at}/{{model_id}}": Row("model.edit", body={"description": "new"}),
        f"DELETE {at}/{{model_id}}": Row("model.delete", path={"model_id": "{spare_id}"}),
        f"POST {at}/{{model_id}}/versions": Row("version.register", body={"version": "9"}),
        f"GET {at}/{{model_id}}/versions": Row("project.view"),
        f"GET {at}/{{model_id}}/versions/{{version}}": Row("project.view"),
    }
    rest = {f"{m} {WANLLMDB}{p}": Row(UNSPOKEN) for m in METHODS for p in ("", "/{rest:path}")}
    return spoken | rest


def _day22() -> dict[str, Row]:
    # Its models are of one project; what it does not see it calls missing in its own words.
    spoken = {
        "POST /models": Row("model.register", body={"name": "new", "owner": "ana"}, unseen=404),
        "GET /models": Row("project.view"),
        "POST /models/{name}/versions": Row(
            "version.register", body={"version": "9", "artifact_url": "s3://b/x"}, unseen=400
        ),
        "GET /models/{name}/versions": Row("project.view"),
        "GET /models/{name}/production": Row("project.view"),
        "POST /models/{name}/versions/{version}/transition": Row(
            "transition.promote",
            body={"to_stage": "Staging", "actor": "ana"},
            path={"version": "2"},
            unseen=400,
        ),
        "GET /audit": Row("audit.view"),
    }
    paths = ("/models", "/models/{rest:path}", "/audit", "/audit/{rest:path}")
    return {f"{m} {p}": Row(UNSPOKEN) for m in METHODS for p in paths} | spoken


def _prometheus() -> dict[str, Row]:
    labels = {"lockgate_project": "risk", "lockgate_model": "churn", "lockgate_version": "1"}
    series = ({"__name__": "auc", **labels}, [(0.9, datetime(2026, 10, 1, tzinfo=UTC))])
    content = literally(request_of([series]))
    # Each version's part of a request is told about by itself, as something wrong with it.
    row = Row("observation.report", content=content, headers=HEADERS, unseen=400)
    return {"POST /api/v1/prometheus/write": row}


ROWS: dict[str, Row] = _hugging_face() | _mlflow() | _wanllmdb() | _day22() | _prometheus()
