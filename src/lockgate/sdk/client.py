"""The registry on a server: every verb of `lockgate.registry.Registry`, over HTTP."""

from __future__ import annotations

from lockgate.sdk.access import AccessVerbs
from lockgate.sdk.audit import AuditVerbs
from lockgate.sdk.bundles import BundleVerbs
from lockgate.sdk.deployments import DeploymentVerbs
from lockgate.sdk.events import EventVerbs
from lockgate.sdk.gates import GateVerbs
from lockgate.sdk.lineage import LineageVerbs
from lockgate.sdk.lookups import LookupVerbs
from lockgate.sdk.models import ModelVerbs
from lockgate.sdk.monitors import MonitorVerbs
from lockgate.sdk.passages import PassageVerbs
from lockgate.sdk.policies import PolicyVerbs
from lockgate.sdk.projects import ProjectVerbs
from lockgate.sdk.splits import SplitVerbs
from lockgate.sdk.versions import VersionVerbs
from lockgate.sdk.webhooks import WebhookVerbs

__all__ = ["Client"]


class Client(
    ProjectVerbs,
    ModelVerbs,
    VersionVerbs,
    PassageVerbs,
    PolicyVerbs,
    GateVerbs,
    LookupVerbs,
    AuditVerbs,
    BundleVerbs,
    AccessVerbs,
    EventVerbs,
    WebhookVerbs,
    DeploymentVerbs,
    LineageVerbs,
    SplitVerbs,
    MonitorVerbs,
):
    """A registry on a server. Thread-safe; close it, or use it in a ``with``.

    A write carries an Idempotency-Key of its own, so that sending it again after a lost
    connection changes nothing twice. Raises what the server raised, or `ServerUnreachable`.
    """
