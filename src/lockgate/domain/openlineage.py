"""OpenLineage: what an event of the log is in that standard's words (version 2-0-2).

    register_version      RunEvent, COMPLETE: its data and parents are inputs, the version is output
    all else of a model   DatasetEvent: the model as a data set, the event as a facet of it

A model is the data set ``project/model`` of the namespace ``lockgate``, its label the data set's
version. Data named by a URL is in the namespace of the URL's scheme and host.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from lockgate.domain.audit import AuditEvent, event_document
from lockgate.domain.moments import to_text

NAMESPACE = "lockgate"
PRODUCER = "urn:lockgate"
_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
_FACETS = "https://openlineage.io/spec/facets/1-0-1/"
_VERSION = _FACETS + "DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
_EVENT = "urn:lockgate:facets:event"


def lineage_event(event: AuditEvent, known: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an event of a model as OpenLineage has it, None for one that is about no model.

    ``known`` holds ``dataset``, ``parents`` and ``run_id`` of a version that was registered.
    """
    if event.model is None:
        return None
    name = f"{event.project}/{event.model}"
    output = _dataset(NAMESPACE, name, event.version)
    output["facets"]["lockgate_event"] = {
        "_producer": PRODUCER,
        "_schemaURL": _EVENT,
        **event_document(event),
    }
    base = {"eventTime": to_text(event.at), "producer": PRODUCER}
    if event.action != "register_version":
        return {**base, "schemaURL": _SPEC + "DatasetEvent", "dataset": output}
    run = event.detail.get("run_id") or known.get("run_id") or f"{name}:{event.version}"
    return {
        **base,
        "schemaURL": _SPEC + "RunEvent",
        "eventType": "COMPLETE",
        "run": {"runId": _uuid_of(f"{event.project}/{run}", run)},
        "job": {"namespace": NAMESPACE, "name": name},
        "inputs": _inputs(known.get("dataset"), known.get("parents") or ()),
        "outputs": [output],
    }


def trial(project: str, at: str) -> dict[str, Any]:
    """Return a DatasetEvent about a model that there need not be."""
    return {
        "eventTime": at,
        "producer": PRODUCER,
        "schemaURL": _SPEC + "DatasetEvent",
        "dataset": _dataset(NAMESPACE, f"{project}/example_model", None),
    }


def _inputs(dataset: str | None, parents: Sequence[str]) -> list[dict[str, Any]]:
    inputs = []
    if dataset:
        try:
            parts = urlsplit(dataset)
            path = parts.path.strip("/")
        except ValueError:
            parts, path = None, ""
        if parts is not None and parts.scheme and parts.netloc and path:
            inputs.append(_dataset(f"{parts.scheme}://{parts.netloc}", path, None))
        else:
            inputs.append(_dataset(NAMESPACE, dataset, None))
    for parent in parents:
        sign = min((each for each in (parent.find(":"), parent.find("@")) if each > 0), default=0)
        name, label = (parent[:sign], parent[sign + 1 :]) if sign else (parent, None)
        inputs.append(_dataset(NAMESPACE, name, label))
    return inputs


def _dataset(namespace: str, name: str, version: str | None) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if version is not None:
        facets["version"] = {
            "_producer": PRODUCER,
            "_schemaURL": _VERSION,
            "datasetVersion": version,
        }
    return {"namespace": namespace, "name": name, "facets": facets}


def _uuid_of(named: str, run: str) -> str:
    """Return the run's id if it is a UUID, else one that is always the same for it."""
    try:
        return str(uuid.UUID(run))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"lockgate:{named}"))
