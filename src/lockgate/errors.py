"""Every error Lockgate raises. Each carries fields and no status.

    RegistryError
    ├ InvalidInput      InvalidName · InvalidReference · InvalidFilter · InvalidCursor ·
    │                   InvalidLifecycle · InvalidPolicy · InvalidManifest · InvalidSetting
    ├ Unauthenticated
    ├ Forbidden         ForbiddenInInstallation · Protected · CrossSiteRequest
    ├ NotFound          ProjectNotFound · ModelNotFound · VersionNotFound · AliasNotFound ·
    │                   StageEmpty · LifecycleNotFound · NothingToRollBackTo ·
    │                   PolicyNotFound · RequestNotFound · BlobNotFound · ArtifactNotFound ·
    │                   WebhookNotFound · DeliveryNotFound · DeploymentNotFound ·
    │                   SplitNotFound · MonitorNotFound · SourceNotFound
    ├ Conflict          AlreadyExists · TransitionNotAllowed · PolicyViolated · StageChanged ·
    │                   StaleRevision · VersionSealed · InUse · IdempotencyMismatch ·
    │                   ClaimLost · Contended · RequestClosed
    ├ LimitExceeded     RateLimited
    ├ Corrupt           DigestMismatch · ChainBroken
    └ Unavailable       DatabaseUnavailable · SchemaOutdated · BlobStoreUnavailable ·
                        CoordinatorUnavailable · ServerUnreachable

An error is built from fields; its sentence is a template over them, so a message can never say
something its fields do not. ``code`` derives from the class name (``ModelNotFound`` →
``model_not_found``); the HTTP client turns a code back into the same class.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

__all__ = [
    "AliasNotFound",
    "AlreadyExists",
    "ArtifactNotFound",
    "BlobNotFound",
    "BlobStoreUnavailable",
    "ChainBroken",
    "ClaimLost",
    "Conflict",
    "Contended",
    "CoordinatorUnavailable",
    "Corrupt",
    "CrossSiteRequest",
    "DatabaseUnavailable",
    "DeliveryNotFound",
    "DeploymentNotFound",
    "DigestMismatch",
    "Forbidden",
    "ForbiddenInInstallation",
    "IdempotencyMismatch",
    "InUse",
    "InvalidCursor",
    "InvalidFilter",
    "InvalidInput",
    "InvalidLifecycle",
    "InvalidManifest",
    "InvalidName",
    "InvalidPolicy",
    "InvalidReference",
    "InvalidSetting",
    "LifecycleNotFound",
    "LimitExceeded",
    "ModelNotFound",
    "MonitorNotFound",
    "NotFound",
    "NothingToRollBackTo",
    "PolicyNotFound",
    "PolicyViolated",
    "ProjectNotFound",
    "Protected",
    "RateLimited",
    "RegistryError",
    "RequestClosed",
    "RequestNotFound",
    "SchemaOutdated",
    "ServerUnreachable",
    "SourceNotFound",
    "SplitNotFound",
    "StageChanged",
    "StageEmpty",
    "StaleRevision",
    "TransitionNotAllowed",
    "Unauthenticated",
    "Unavailable",
    "VersionNotFound",
    "VersionSealed",
    "WebhookNotFound",
]


class RegistryError(Exception):
    """Anything Lockgate refuses or cannot do. ``fields`` are JSON values and part of the API.

    ``sentence`` is the template of the message. Fields that a template does not name are still
    carried, for programs.
    """

    code: ClassVar[str] = "registry_error"
    sentence: ClassVar[str] = "{detail}"
    _by_code: ClassVar[dict[str, type[RegistryError]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()
        RegistryError._by_code[cls.code] = cls

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        super().__init__(self.sentence.format_map(fields))

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), str(self), self.fields))

    @staticmethod
    def from_code(code: str, message: str, fields: dict[str, Any]) -> RegistryError:
        """Return the error that ``code`` names, saying exactly what the server said.

        An unknown code (a newer server) becomes a plain `RegistryError`.
        """
        return _rebuild(RegistryError._by_code.get(code, RegistryError), message, fields)


def _rebuild(cls: type[RegistryError], message: str, fields: dict[str, Any]) -> RegistryError:
    error = cls.__new__(cls)
    error.fields = fields
    Exception.__init__(error, message)
    return error


# --- 400: the caller's words are wrong -------------------------------------------------------


class InvalidInput(RegistryError):
    """A value is not acceptable; ``detail`` says what was wrong and what would be right."""


class InvalidName(InvalidInput):
    """A name, label, alias, tag or key breaks a rule of `domain.names`."""


class InvalidReference(InvalidInput):
    """A text is not a reference such as ``project/name:label`` or ``name@stage``."""


class InvalidFilter(InvalidInput):
    """A search expression has a fault; ``column`` (1-based) says where."""


class InvalidCursor(InvalidInput):
    """A page cursor was not made by this server for this query."""


class InvalidLifecycle(InvalidInput):
    """A lifecycle document has faults; ``faults`` lists every one."""

    sentence = "Lifecycle '{lifecycle}' is not valid: {detail}"


class InvalidPolicy(InvalidInput):
    """A promotion policy has faults; ``faults`` lists every one."""


class InvalidManifest(InvalidInput):
    """A manifest has faults; ``faults`` lists every one."""


class InvalidSetting(InvalidInput):
    """An environment variable or option has an unusable value."""

    sentence = "Setting {setting} is not valid: {detail}"


# --- 401, 403: who ---------------------------------------------------------------------------


class Unauthenticated(RegistryError):
    """The caller did not say who they are, or could not prove it."""


class Forbidden(RegistryError):
    """The caller may not do this; ``permission`` names what is missing."""

    sentence = "{actor} lacks the permission '{permission}' in project '{project}'."


class ForbiddenInInstallation(Forbidden):
    """The caller may not do this here, in whatever project."""

    sentence = "{actor} lacks the permission '{permission}' in this installation."


class CrossSiteRequest(Forbidden):
    """A browser sent a write that no page of this server's own asked for."""

    sentence = "{detail}"


class Protected(Forbidden):
    """A stage or an alias is kept for those who have a role or a permission of its own."""

    sentence = "The {kind} '{name}' is protected: {actor} needs '{needs}' in project '{project}'."


# --- 404: the store said so ------------------------------------------------------------------


class NotFound(RegistryError):
    """The thing is not there (the store said so; a lost connection is `Unavailable`)."""


class ProjectNotFound(NotFound):
    sentence = "Project '{project}' not found."


class ModelNotFound(NotFound):
    sentence = "Model '{model}' not found in project '{project}'."


class VersionNotFound(NotFound):
    sentence = "Version '{version}' of model '{model}' not found."


class AliasNotFound(NotFound):
    """A model has no such alias or stage; the sentence names those that it has."""

    sentence = "Model '{model}' has no alias or stage '{alias}'."

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        if stages := fields.get("stages"):
            aliases = ", ".join(fields.get("aliases", ())[:20]) or "none"
            self.args = (f"{self} Aliases: {aliases}; stages: {', '.join(stages)}.",)


class StageEmpty(NotFound):
    sentence = "No version of model '{model}' stands in stage '{stage}'."


class LifecycleNotFound(NotFound):
    sentence = "Lifecycle '{lifecycle}' not found."


class NothingToRollBackTo(NotFound):
    sentence = "Model '{model}' cannot be rolled back in stage '{stage}': {detail}"


class PolicyNotFound(NotFound):
    sentence = "No policy is attached to {scope} for stage '{stage}'."


class RequestNotFound(NotFound):
    sentence = "Promotion request '{request}' not found."


class BlobNotFound(NotFound):
    sentence = "Blob {digest} is not in the store."


class ArtifactNotFound(NotFound):
    sentence = "{reference} has no files in this registry."


class WebhookNotFound(NotFound):
    sentence = "Webhook '{webhook}' not found."


class DeliveryNotFound(NotFound):
    sentence = "Delivery '{delivery}' not found."


class DeploymentNotFound(NotFound):
    sentence = "Deployment '{deployment}' not found."


class SplitNotFound(NotFound):
    sentence = "Model '{model}' has no split."


class MonitorNotFound(NotFound):
    sentence = "Model '{model}' has no monitor '{monitor}'."


class SourceNotFound(NotFound):
    sentence = "Model '{model}' has no source of '{metric}'."


# --- 409: the state says no ------------------------------------------------------------------


class Conflict(RegistryError):
    """The request is well-formed, but what is there does not allow it."""


class AlreadyExists(Conflict):
    sentence = "{kind} '{name}' already exists."


class TransitionNotAllowed(Conflict):
    """The lifecycle has no such edge; ``allowed`` lists the next steps it has."""

    sentence = "{detail}"


class PolicyViolated(Conflict):
    """A gate did not open; ``report`` is the whole `GateReport` as JSON values."""


class StageChanged(Conflict):
    sentence = (
        "Version '{version}' of model '{model}' stands in '{stage}', not in '{expected_stage}'."
    )


class StaleRevision(Conflict):
    """The caller acted on an older state of the thing than the one stored (``If-Match``)."""

    sentence = "{kind} '{name}' has changed since it was read (now at revision {revision})."


class VersionSealed(Conflict):
    sentence = "Version '{version}' of model '{model}' is sealed: its files never change."


class InUse(Conflict):
    """The thing cannot go while others name it; ``users`` lists them."""

    sentence = "{kind} '{name}' is in use: {detail}"


class IdempotencyMismatch(Conflict):
    sentence = "Idempotency-Key '{key}' was used before with a different request."


class ClaimLost(Conflict):
    sentence = "The claim on {key} is no longer held: {detail}"


class Contended(Conflict):
    """The store stayed busy with other writers for as long as the setting allows."""


class RequestClosed(Conflict):
    sentence = "Promotion request '{request}' is {status}, no longer open."


# --- 413, 422, 503 ---------------------------------------------------------------------------


class LimitExceeded(RegistryError):
    sentence = "{what} is {observed}, more than the limit of {limit}."


class RateLimited(LimitExceeded):
    """A token asks more often than the server lets it; it may again after ``retry_after_s``."""

    sentence = "More than {limit} requests a second; ask again in {retry_after_s} s."


class Corrupt(RegistryError):
    """What is stored is not what was stored."""


class DigestMismatch(Corrupt):
    sentence = "{subject} has digest {observed}, not {expected}."


class ChainBroken(Corrupt):
    """The audit log does not verify; ``seq`` is the first bad event."""


class Unavailable(RegistryError):
    """A part that is needed does not answer. Trying again later may help."""


class DatabaseUnavailable(Unavailable):
    sentence = "The database does not answer: {detail}"


class SchemaOutdated(Unavailable):
    sentence = (
        "The database schema is at revision {found}, this Lockgate needs {expected}: "
        "run `lockgate migrate --database {url}`."
    )


class BlobStoreUnavailable(Unavailable):
    sentence = "The artifact store does not answer: {detail}"


class CoordinatorUnavailable(Unavailable):
    sentence = "The coordination backend does not answer: {detail}"


class ServerUnreachable(Unavailable):
    sentence = "No answer from {url}: {detail}"
