"""Routes of dialects with access control on: all of them, and the real clients."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from access_world import MAY, PEOPLE, ROOT, STRANGER, Access
from dialect_rows import (
    FILES,
    LED,
    METHODS,
    MLFLOW,
    ROWS,
    SIGNED_IN,
    TICKET,
    UNSPOKEN,
    WANLLMDB,
    Row,
)
from lockgate.dialects import NAMES, dialects_named
from lockgate.dialects.mlflow.routing import PREFIXES, MlflowCalls
from lockgate.http.app import build_app
from lockgate.settings import Settings
from registries import Server, embedded, running

FOREIGN = ("/hf", "/models", "/audit", "/api/v1/registry", "/api/v1/prometheus", "/api/2.0/")
# What a dialect says to everybody, whoever asks: that it has no such thing, or what it can do.
TELLS_NOTHING = (404, 405, 501)
READS = ("project.view", "audit.view", SIGNED_IN)
# Below these a request says which project it is about; elsewhere it is the server's own.
NAMED = ("/hf/{project}", "/hf/api/models/{project}", "/hf/api/repos", *MLFLOW, FILES, WANLLMDB)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    app = build_app(
        embedded(),
        Settings(database="memory://", failed_login_delay_s_max=0.0),
        dialects=dialects_named(",".join(NAMES)),
    )
    with running(app) as url:
        yield Server(app, url)


@pytest.fixture
def access(server: Server, tmp_path: Path) -> Iterator[Access]:
    made = Access(artifacts=str(tmp_path / "files"))
    made.furnish(tmp_path, files=True)
    made.registry.project = "risk"
    with server.serving(made.registry):
        yield made


def foreign_routes(server: Server) -> set[str]:
    """Return ``METHOD path`` of every route of a dialect, prefixes gone through as well."""
    found = {
        f"{method} {route.path}"  # type: ignore[attr-defined]
        for route in server.app.routes
        if route.path.startswith(FOREIGN)  # type: ignore[attr-defined]
        for method in getattr(route, "methods", None) or METHODS
        if method not in ("HEAD", "OPTIONS")
    }
    for prefix, owner in PREFIXES.items():
        assert isinstance(owner, MlflowCalls)
        found |= {f"{method} {prefix}{path}" for method, path in owner.calls}
    return found


def test_every_route_is_in_the_table(server: Server) -> None:
    """A route that nobody thought about fails here, and so does a row without a route."""
    assert foreign_routes(server) == ROWS.keys()


class World(Access):
    """Everybody in every role, and one of everything that a dialect knows."""

    def __init__(self, folder: Path, *, files: bool) -> None:
        super().__init__(artifacts=str(folder / "files"))
        self.furnish(folder, files=files)
        registry = self.registry
        registry.project = "risk"
        registry.register_model("risk/spare", "1")
        hook = registry.create_webhook("https://example.org/hook", project="risk", form="mlflow")
        if files:
            (folder / "out" / "folder").mkdir(parents=True)
            (folder / "out" / "folder" / "a.json").write_text("{}")
            registry.push(folder / "out", "risk/deep", "1")
        pieces = iter([b"x"])
        registry.loose_files.put("risk", "loose/file.txt", 1, lambda _about: next(pieces, b""))
        self.words = {
            "project": "risk", "model": "churn", "name": "churn", "version": "1", "revision": "1",
            "path": "weights.json", "rest": "x", "ticket": "x", "stage": "Production", "label": "9",
            "model_id": registry.get_model("risk/churn").uid, "webhook_id": hook.webhook.uid,
            "version_id": registry.get_version("risk/churn", "2").uid,
            "spare_id": registry.get_model("risk/spare").uid,
            "upload": registry.loose_files.begin("risk", "big.bin", 1),
            "below": registry.loose_files.begin("risk", "f/big.bin", 1),
        }  # fmt: skip
        self.absent = self.words | {
            name: uuid.uuid4().hex
            for name in ("model_id", "webhook_id", "version_id", "spare_id", "upload", "below")
        }

    def ask(
        self, http: httpx.Client, name: str, person: str | None, *, absent: bool = False
    ) -> httpx.Response:
        """Send what a row says, as somebody; ``absent`` is the same of what is not there."""
        row, own = ROWS[name], self.absent if absent else self.words
        method, _, template = name.partition(" ")
        words = own | {key: text.format(**own) for key, text in row.path.items()}
        body = json.dumps(row.body)
        for word in ("upload", "below"):
            body = body.replace(f"{{{word}}}", own[word])
        path = template.replace(":path}", "}").format(**words)
        if absent:
            body, path = body.replace("risk", "nowhere"), path.replace("risk", "nowhere")
        headers = {"X-MLFLOW-WORKSPACE": "nowhere" if absent else "risk", **row.headers}
        return http.request(
            method,
            path,
            params={key: text.format(**words) for key, text in row.query.items()},
            json=json.loads(body) if row.content is None and row.body is not None else None,
            content=row.content,
            headers=headers | ({} if person is None else self.headers(person)),
        )

    def told(self, answer: httpx.Response) -> str:
        """Return what somebody is told, but for the names that they said themselves."""
        text = f"{answer.status_code} {answer.text}"
        for own, others in zip(self.words.values(), self.absent.values(), strict=True):
            text = text.replace(others, own)
        return text.replace("nowhere", "risk")


def may(row: Row, person: str) -> bool:
    """Say whether somebody may what a row says."""
    return person == ROOT or (person != STRANGER and row.needs in MAY[person])


def expected(row: Row, person: str | None) -> set[int] | None:
    """Return what somebody is refused with; None where they may."""
    if row.needs == TICKET:
        return {404}
    if row.needs == LED:
        return {307}
    if row.needs == UNSPOKEN:
        return {401, *TELLS_NOTHING} if person is None else set(TELLS_NOTHING)
    if person is None:
        return {401}
    if row.needs == SIGNED_IN:
        return None
    if person == STRANGER:
        return {row.unseen}
    return None if may(row, person) else {403}


def test_every_refusal(server: Server, tmp_path: Path) -> None:
    """Lines 23, 24: on every route nobody, strangers and lesser roles are refused alike.

    What a stranger asks for is told of as what is not there at all, and nothing changes.
    """
    world = World(tmp_path, files=True)
    wrong = []
    with (
        server.serving(world.registry),
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        before = world.registry.audit(project="risk", newest_first=True, limit=1).items[0].seq
        for name, row in ROWS.items():
            for person in (None, *PEOPLE):
                wanted = expected(row, person)
                if wanted is None:
                    continue
                answer = world.ask(http, name, person)
                private = '"about"' in answer.text or '"a": 1' in answer.text
                if answer.status_code not in wanted or private:
                    wrong.append((name, person, wanted, answer.status_code, answer.text[:80]))
                if person == STRANGER and name.partition(" ")[2].startswith(NAMED):
                    missing = world.ask(http, name, person, absent=True)
                    if world.told(answer) != world.told(missing):
                        wrong.append((name, world.told(answer), world.told(missing)))
        after = world.registry.audit(project="risk", newest_first=True, limit=1).items[0].seq
    assert wrong == []
    assert before == after


def test_every_reader(server: Server, tmp_path: Path) -> None:
    """Whoever may read does, on every route that reads."""
    world = World(tmp_path, files=True)
    wrong = []
    with (
        server.serving(world.registry),
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        for name, row in ROWS.items():
            for person in PEOPLE if row.needs in READS else ():
                if expected(row, person) is None:
                    answer = world.ask(http, name, person)
                    if answer.status_code >= 400:
                        wrong.append((name, person, answer.status_code, answer.text[:80]))
    assert wrong == []


@pytest.mark.parametrize(
    "name", [n for n, row in ROWS.items() if row.needs not in (*READS, UNSPOKEN, LED, TICKET)]
)
def test_every_writer(server: Server, tmp_path: Path, name: str) -> None:
    """The weakest role that may do something does it; none above it is refused for its role."""
    world, row = World(tmp_path, files=False), ROWS[name]
    with (
        server.serving(world.registry),
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        able = [person for person in PEOPLE if may(row, person)]
        answers = {person: world.ask(http, name, person) for person in able}
    first, *others = (each.status_code for each in answers.values())
    assert first < 300, answers[able[0]].text
    assert all(status < 500 and status not in (401, 403) for status in others)


HOSTILE = {
    "a key twice": b'{"name": "churn", "name": "spare"}',
    "NaN": b'{"name": "churn", "version": NaN}',
    "lists in lists": b"[" * 100_000 + b"]" * 100_000,
    "lists without an end": b"[" * 100_000,
    "a long integer": b'{"version": ' + b"9" * 5_000 + b"}",
    "half a letter": b'{"name": "\\ud800"}',
    "no UTF-8": b'{"name": "\xff"}',
    "two values": b"{} {}",
    "many keys": b"{" + b",".join(b'"%d":1' % n for n in range(20_000)) + b"}",
}


def test_44_json(server: Server, tmp_path: Path) -> None:
    """Line 44: every dialect reads JSON as strictly as we do, and says so in its own words."""
    world = World(tmp_path, files=False)
    wrong = []
    with (
        server.serving(world.registry),
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        for name, row in ROWS.items():
            method, _, template = name.partition(" ")
            if row.body is None:
                continue
            strict = template.startswith((WANLLMDB, "/models"))
            for what, body in HOSTILE.items():
                answer = http.request(
                    method,
                    template.replace(":path}", "}").format(**world.words),
                    content=body,
                    headers={
                        "Content-Type": "application/json",
                        "X-MLFLOW-WORKSPACE": "risk",
                        **world.headers(ROOT),
                    },
                )
                if answer.status_code != (422 if strict else 400):
                    wrong.append((name, what, answer.status_code, answer.text[:80]))
        before = world.registry.get_model("risk/churn").tags
    assert wrong == []
    assert before == {}


def test_a_webhook_without_a_name(server: Server, tmp_path: Path) -> None:
    """A path that ends where a name would be is no call, and no fault of ours."""
    world = World(tmp_path, files=False)
    with (
        server.serving(world.registry),
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        for path in ("webhooks/", "webhooks//test", "webhooks/{webhook_id}/", "webhooks/x/y"):
            answer = http.get(f"/api/2.0/mlflow/{path}", headers=world.headers(ROOT))
            assert (path, answer.status_code) == (path, 404)


# --- the real clients ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["Bearer", "Basic"])
def test_mlflows_client(
    access: Access, server: Server, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """MLflow's own client proves itself by its own settings, and is refused in its own words."""
    from mlflow.exceptions import RestException
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_WORKSPACE", "risk")

    def client(person: str | None) -> MlflowClient:
        for name in ("TOKEN", "USERNAME", "PASSWORD"):
            monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
        if person is not None and how == "Bearer":
            monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", access.tokens[person])
        elif person is not None:
            monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", person)
            monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", access.tokens[person])
        return MlflowClient(server.url, server.url)

    def code(person: str | None, name: str = "churn") -> str:
        asked = client(person)
        with pytest.raises(RestException) as refused:
            asked.set_registered_model_tag(name, "a", "b")
        return str(refused.value.error_code)

    assert client("viewer").get_registered_model("churn").name == "churn"
    client("maintainer").set_registered_model_tag("churn", "a", "b")
    assert client("viewer").get_registered_model("churn").tags == {"a": "b"}
    assert [
        code("viewer"),
        code(STRANGER),
        code("viewer", "nothing"),
    ] == ["PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_DOES_NOT_EXIST"]
    assert code(None) == "UNAUTHENTICATED"


def test_hugging_faces_client(access: Access, server: Server, tmp_path: Path) -> None:
    """The hub's own client sends a token, and raises its own errors for what is not there."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    def api(person: str | None) -> HfApi:
        token = False if person is None else access.tokens[person]
        return HfApi(endpoint=f"{server.url}/hf", token=token)

    kept = api("viewer").hf_hub_download(
        "risk/churn", "weights.json", revision="1", local_dir=tmp_path / "here"
    )
    assert Path(kept).read_text() == '{"a": 1}'
    assert [each.id for each in api("viewer").list_models()] == ["risk/churn"]
    assert [each.id for each in api(STRANGER).list_models()] == ["secret/hidden"]
    with pytest.raises(RepositoryNotFoundError):
        api(STRANGER).model_info("risk/churn")
    with pytest.raises(HfHubHTTPError) as unknown:
        api(None).model_info("risk/churn")
    assert unknown.value.response.status_code == 401
    with pytest.raises(HfHubHTTPError) as refused:
        api("viewer").upload_file(
            path_or_fileobj=b"{}", path_in_repo="a.json", repo_id="risk/churn"
        )
    assert refused.value.response.status_code == 403
    assert "HF_TOKEN" not in os.environ


def test_a_name_in_other_letters_leads_to_nothing_that_is_hidden(
    access: Access, server: Server
) -> None:
    """Who may not see a model is told the same of its name in capitals as of one that is none."""

    def told(person: str | None, name: str) -> tuple[int, str | None, str]:
        headers = {} if person is None else {"Authorization": f"Bearer {access.tokens[person]}"}
        answer = httpx.get(f"{server.url}/hf/api/models/{name}", headers=headers)
        # A refusal names what was asked for, which differs here by its letters alone.
        return answer.status_code, answer.headers.get("location"), answer.text.replace(name, "…")

    status, location, _ = told("viewer", "risk/CHURN")
    assert (status, location) == (307, "/hf/api/models/risk/churn")
    for person in (STRANGER, None):
        hidden, absent = told(person, "risk/CHURN"), told(person, "risk/ABSENT")
        assert hidden[:2] == absent[:2]
        assert hidden[1] is None
        assert hidden[2].replace("CHURN", "") == absent[2].replace("ABSENT", "")
