"""OpenLineage: events of the log in that standard's words."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from lockgate.domain.audit import AuditEvent
from lockgate.domain.openlineage import lineage_event
from lockgate.domain.webhook_forms import messages_of


def event(action: str, **fields: Any) -> AuditEvent:
    """An event of the log."""
    words = {"model": "churn", "version": "2", "detail": {}, **fields}
    return AuditEvent(
        project="default",
        seq=3,
        at=datetime(2026, 10, 1, tzinfo=UTC),
        actor="ana",
        action=action,
        **words,
    )


def test_a_registered_version_is_a_run() -> None:
    """Its data and parents went in, it came out, and all that the standard wants is there."""
    known = {
        "dataset": "s3://data/churn/2026",
        "parents": ("default/base:1", "default/base@champion"),
    }
    told = lineage_event(event("register_version", detail={"run_id": "r1"}), known)
    assert told is not None
    assert told["eventType"] == "COMPLETE"
    assert told["eventTime"] == "2026-10-01T00:00:00.000000Z"
    assert told["schemaURL"].endswith("OpenLineage.json#/$defs/RunEvent")
    assert told["job"] == {"namespace": "lockgate", "name": "default/churn"}
    assert [(each["namespace"], each["name"]) for each in told["inputs"]] == [
        ("s3://data", "churn/2026"),
        ("lockgate", "default/base"),
        ("lockgate", "default/base"),
    ]
    assert told["inputs"][1]["facets"]["version"]["datasetVersion"] == "1"
    (output,) = told["outputs"]
    assert output["name"] == "default/churn"
    assert output["facets"]["version"]["datasetVersion"] == "2"
    for facet in output["facets"].values():
        assert {"_producer", "_schemaURL"} < set(facet)
    assert str(uuid.UUID(told["run"]["runId"])) == told["run"]["runId"]
    again = lineage_event(event("register_version", detail={"run_id": "r1"}), known)
    assert again == told


def test_a_run_whose_id_is_a_uuid_keeps_it() -> None:
    """As MLflow's are, without the hyphens."""
    told = lineage_event(event("register_version", detail={"run_id": "0123456789abcdef" * 2}), {})
    assert told is not None
    assert told["run"]["runId"] == "01234567-89ab-cdef-0123-456789abcdef"
    assert told["inputs"] == []


@pytest.mark.parametrize("dataset", ["churn-2026", "http://[", "s3://bucket", "a b"])
def test_data_without_a_place(dataset: str) -> None:
    """Is in our own namespace, by its text."""
    told = lineage_event(event("register_version"), {"dataset": dataset})
    assert told is not None
    assert (told["inputs"][0]["namespace"], told["inputs"][0]["name"]) == ("lockgate", dataset)


def test_the_rest_is_about_the_data_set() -> None:
    """A passage, an alias: a DatasetEvent with our event as a facet; of no model, nothing."""
    (message,) = messages_of("openlineage", event("transition", detail={"to": "Staging"}), {})
    assert message.value["schemaURL"].endswith("#/$defs/DatasetEvent")
    facet = message.value["dataset"]["facets"]["lockgate_event"]
    assert (facet["action"], facet["detail"]) == ("transition", {"to": "Staging"})
    assert messages_of("openlineage", event("set_member", model=None, version=None), {}) == []
