"""What the Kubernetes backend makes of an API server's answers and of its clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from lockgate.coordination.kubernetes import KubernetesBackend
from lockgate.domain.claims import Claimed, ModelKey, ModelStatus
from lockgate.errors import CoordinatorUnavailable

KEY = ModelKey("hf", "Org/Model.v1", "main")


class Answers:
    """Gives prepared answers, and keeps what was asked."""

    def __init__(self, *answers: httpx2.Response) -> None:
        self.asked: list[httpx2.Request] = []
        self._answers = list(answers)

    def backend(self) -> KubernetesBackend:
        transport = httpx2.MockTransport(self._answer)
        return KubernetesBackend(httpx2.Client(transport=transport, base_url="http://api"), "ns")

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        return self._answers.pop(0)


def status_of(code: int, message: str = "no", **headers: str) -> httpx2.Response:
    return httpx2.Response(code, json={"kind": "Status", "message": message}, headers=headers)


def item_of(version: str = "7") -> dict[str, object]:
    return {
        "metadata": {"resourceVersion": version},
        "spec": {
            "provider": KEY.provider,
            "model": KEY.model,
            "revision": KEY.revision,
            "first": {
                "phase": "ERROR",
                "createdAt": "2026-01-01T00:00:00Z",
                "lastUsedAt": "2026-01-01T00:00:00Z",
            },
        },
    }


def test_claim_is_complete_with_its_creation():
    """One POST makes the object, owner included: the API would drop a status."""
    answers = Answers(httpx2.Response(201, json={}))
    claim = answers.backend().try_claim_for_download(KEY, holder="me", lease_s=5)
    assert claim == Claimed(KEY, "me", 1, 5.0)
    [request] = answers.asked
    assert (request.method, request.url.path) == (
        "POST",
        "/apis/lockgate.dev/v1alpha1/namespaces/ns/modelcacheentries",
    )
    body = json.loads(request.content)
    assert "status" not in body
    assert body["metadata"]["name"] == KEY.slug
    assert body["metadata"]["name"].startswith("hf-org-model-v1-")
    assert (body["spec"]["first"]["holder"], body["spec"]["first"]["leaseSeconds"]) == ("me", 5.0)


def test_change_is_a_patch_that_tests_the_version():
    """A change names the resource version that it was planned on."""
    answers = Answers(httpx2.Response(200, json=item_of()), httpx2.Response(200, json={}))
    assert answers.backend().try_reset_error_for_retry(KEY) is True
    patch = answers.asked[1]
    assert (patch.method, patch.headers["Content-Type"]) == (
        "PATCH",
        "application/json-patch+json",
    )
    assert patch.url.path.endswith(f"/{KEY.slug}/status")
    test, add = json.loads(patch.content)
    assert test == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert (add["op"], add["path"], add["value"]["phase"]) == ("add", "/status", "DOWNLOADING")


@pytest.mark.parametrize("code", [409, 422])
def test_conflict_is_planned_again(code):
    """A version that is no longer current is read again, whichever way the server says so."""
    looks = [httpx2.Response(200, json=item_of("8"))] if code == 422 else []
    answers = Answers(
        httpx2.Response(200, json=item_of("7")),
        status_of(code),
        *looks,
        httpx2.Response(200, json=item_of("8")),
        httpx2.Response(200, json={}),
    )
    assert answers.backend().try_reset_error_for_retry(KEY) is True
    assert json.loads(answers.asked[-1].content)[0]["value"] == "8"


def test_status_that_the_schema_refuses_is_told():
    """422 without a new version is no conflict, and is not tried for ever."""
    answers = Answers(
        httpx2.Response(200, json=item_of("7")),
        status_of(422, "status.phase: unsupported"),
        httpx2.Response(200, json=item_of("7")),
    )
    with pytest.raises(CoordinatorUnavailable, match=r"answers 422: status\.phase: unsupported"):
        answers.backend().try_reset_error_for_retry(KEY)


def test_delete_names_the_version():
    """What was changed since is not deleted."""
    answers = Answers(httpx2.Response(200, json=item_of("7")), httpx2.Response(200, json={}))
    answers.backend().delete_model(KEY)
    assert json.loads(answers.asked[1].content)["preconditions"] == {"resourceVersion": "7"}


def test_busy_server_is_asked_again():
    """Too many requests, or a server that stumbles, is no answer yet; three times is."""
    busy = [status_of(429, **{"Retry-After": "0"}), status_of(500)]
    assert Answers(*busy, httpx2.Response(404, json={})).backend().get_status(KEY) is None
    with pytest.raises(CoordinatorUnavailable, match="answers 503"):
        Answers(status_of(503), status_of(503), status_of(503)).backend().get_status(KEY)


@pytest.mark.parametrize(
    ("code", "hint"), [(401, "credentials"), (403, r"rbac\.yaml"), (404, r"crd\.yaml")]
)
def test_refusals_say_what_is_missing(code, hint):
    """A cluster that is not prepared is told what to apply."""
    with pytest.raises(CoordinatorUnavailable, match=hint):
        Answers(status_of(code)).backend().connect()


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_times_are_the_servers(hours):
    """A machine whose clock is an hour off stamps the server's time, growing with every call."""
    server = datetime.now(UTC) + timedelta(hours=hours)
    answers = Answers(httpx2.Response(404, json={}, headers={"Date": format_datetime(server)}))
    backend = answers.backend()
    assert backend.get_status(KEY) is None
    first, second = backend.now(), backend.now()
    assert abs(first - server) < timedelta(seconds=5)
    assert first < second


def test_listing_follows_every_page_in_order_of_version():
    """Pages are followed, and the order of use is that of the versions, as numbers."""
    items = [{**item_of(version), "spec": spec_named(version)} for version in ("10", "9", "100")]
    answers = Answers(
        httpx2.Response(200, json={"metadata": {"continue": "x"}, "items": items[:2]}),
        httpx2.Response(200, json={"metadata": {}, "items": items[2:]}),
    )
    records = answers.backend().get_models_by_last_used()
    assert [record.model_name for record in records] == ["m9", "m10", "m100"]
    assert answers.asked[1].url.params["continue"] == "x"
    assert {record.status for record in records} == {ModelStatus.ERROR}


def spec_named(version: str) -> dict[str, object]:
    return {**item_of()["spec"], "model": f"m{version}"}
