"""The providers that every cache has."""

from __future__ import annotations

from lockgate.coordination.folders import FolderProvider
from lockgate.coordination.huggingface import HuggingFaceProvider
from lockgate.coordination.objects import ObjectProvider
from lockgate.coordination.providers import Provider
from lockgate.coordination.web import WebProvider


def default_providers(*, hf_endpoint: str = "", hf_token: str = "") -> list[Provider]:
    """Return the providers that need no registry: file, http, https, hf, s3 and gs."""
    return [
        FolderProvider(),
        WebProvider("https"),
        WebProvider("http"),
        HuggingFaceProvider(endpoint=hf_endpoint, token=hf_token),
        ObjectProvider("s3"),
        ObjectProvider("gs"),
    ]
