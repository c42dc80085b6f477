"""Where models come from: what a provider promises, and the providers of a cache by name.

A reference is ``SCHEME://…``; a reference without a scheme is one of Lockgate's own
(``churn@production``) and belongs to the provider called ``lockgate``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from lockgate.domain.claims import ModelKey
from lockgate.domain.paths import PathLimits, collision_faults, path_faults
from lockgate.errors import InvalidInput, LimitExceeded

__all__ = [
    "FILES_MAX",
    "WITHOUT_WEIGHTS",
    "Provider",
    "Providers",
    "SourceFile",
    "is_weight",
    "require_files",
    "without_weights",
]

FILES_MAX = 100_000
PATH_LIMITS = PathLimits()
# Ends the revision of a key whose weights are left out: another set of files, another record.
WITHOUT_WEIGHTS = "+without-weights"
WEIGHT_SUFFIXES = (
    ".safetensors", ".gguf", ".ggml", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".onnx_data",
    ".h5", ".keras", ".msgpack", ".npz", ".npy", ".pkl", ".joblib", ".tflite", ".pb",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file at its origin.

    ``size`` (bytes) and ``sha256`` (hex) are None when the origin does not say; what it says is
    checked. ``version`` changes when the bytes may have changed (an ETag, a time): a download is
    only resumed under the same one.
    """

    path: str
    size: int | None = None
    sha256: str | None = None
    version: str = ""

    def __post_init__(self) -> None:
        faults = path_faults(self.path, PATH_LIMITS)
        if faults:
            raise InvalidInput(field="path", detail=f"file {self.path[:200]!r}: {faults[0]}")


class Provider(Protocol):
    """One kind of origin. Used from several threads.

    Errors: NotFound when the origin says that it is not there; InvalidInput for a bad reference;
    Unauthenticated and Forbidden; Unavailable when it does not answer, which is tried again.
    """

    @property
    def name(self) -> str:
        """The scheme of its references and the ``provider`` of its keys."""

    def resolve(self, reference: str, *, ignore_weights: bool) -> ModelKey:
        """Return the key of exactly these bytes, for good: a moving name is pinned.

        The revision ends in `WITHOUT_WEIGHTS` when weights are left out. A reference that is
        pinned already is resolved without asking the origin.
        """

    def list_files(self, key: ModelKey) -> Sequence[SourceFile]:
        """Return the files of a key."""

    def read(self, key: ModelKey, file: SourceFile, offset: int) -> Iterator[bytes]:
        """Yield the file's bytes from ``offset`` on, in pieces of any size.

        The bytes are of ``file.version``; if the origin has others by now, Conflict is raised.
        """

    def close(self) -> None:
        """Give connections back. The provider may be used again."""


class Providers:
    """Providers by name."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._by_name = {provider.name: provider for provider in providers}

    def close(self) -> None:
        """Close every provider."""
        for provider in self._by_name.values():
            provider.close()

    def by_name(self, name: str) -> Provider:
        """Return a provider. Raises InvalidInput, naming those there are."""
        try:
            return self._by_name[name]
        except KeyError:
            known = ", ".join(sorted(self._by_name))
            raise InvalidInput(
                field="reference", detail=f"no provider for {name!r} here; there are: {known}"
            ) from None

    def of_reference(self, reference: str) -> Provider:
        """Return the provider that a reference belongs to."""
        scheme, separator, _ = reference.partition("://")
        return self.by_name(scheme.lower() if separator else "lockgate")


def is_weight(path: str) -> bool:
    """Tell whether a file holds weights, by its name."""
    return path.lower().endswith(WEIGHT_SUFFIXES)


def without_weights(revision: str, ignore_weights: bool) -> str:
    """Return the revision that says whether weights are left out."""
    return revision + WITHOUT_WEIGHTS if ignore_weights else revision


def require_files(key: ModelKey, files: Iterable[SourceFile]) -> list[SourceFile]:
    """Return the files that a key is about, if they can lie in one folder anywhere.

    Raises InvalidInput and LimitExceeded.
    """
    chosen = list(files)
    if key.revision.endswith(WITHOUT_WEIGHTS):
        chosen = [file for file in chosen if not is_weight(file.path)]
    if len(chosen) > FILES_MAX:
        raise LimitExceeded(
            what=f"The number of files of {key}", observed=len(chosen), limit=FILES_MAX
        )
    faults = collision_faults(file.path for file in chosen)
    if faults:
        raise InvalidInput(field="path", detail=f"the files of {key}: {faults[0]}")
    return sorted(chosen, key=lambda file: file.path)
