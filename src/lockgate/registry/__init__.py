"""The registry in this process: every verb, straight onto the services.

`lockgate.sdk.client.Client` has the same verbs over HTTP; one suite of tests runs against both.
A name is ``name`` or ``project/name``; a version is its label or its number.
"""

from __future__ import annotations

from lockgate.registry.access import AccessVerbs
from lockgate.registry.audit import AuditVerbs
from lockgate.registry.bundles import BundleVerbs
from lockgate.registry.deployments import DeploymentVerbs
from lockgate.registry.events import EventVerbs
from lockgate.registry.gates import GateVerbs
from lockgate.registry.lineage import LineageVerbs
from lockgate.registry.lookups import LookupVerbs
from lockgate.registry.models import ModelVerbs
from lockgate.registry.monitors import MonitorVerbs
from lockgate.registry.passages import PassageVerbs
from lockgate.registry.policies import PolicyVerbs
from lockgate.registry.projects import ProjectVerbs
from lockgate.registry.splits import SplitVerbs
from lockgate.registry.versions import VersionVerbs
from lockgate.registry.webhooks import WebhookVerbs

__all__ = ["Registry"]


class Registry(
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
    """A registry on a database of its own. Thread-safe; close it, or use it in a ``with``."""
