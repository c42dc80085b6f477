"""Lineage: the verbs, over HTTP."""

from __future__ import annotations

from lockgate.domain.lineage import DEPTH_DEFAULT, Direction, LineageGraph
from lockgate.domain.references import parse_reference
from lockgate.domain.versions import ModelVersion
from lockgate.sdk.calls import Calls


class LineageVerbs(Calls):
    """What versions came from, and what came from them."""

    def lineage(
        self, reference: str, *, direction: Direction = "both", depth: int = DEPTH_DEFAULT
    ) -> LineageGraph:
        """Return what a version came from and what came from it, up to ``depth`` steps away.

        ``direction`` is upstream, downstream or both. What the caller may not see is left out.
        """
        parsed = parse_reference(reference, self.project)
        version = self._load(ModelVersion, "/resolve", ref=str(parsed))
        path = self._version(f"{version.project}/{version.model}", version.label, "lineage")
        return self._load(LineageGraph, path, direction=direction, depth=depth)

    def generate_card(self, reference: str) -> str:
        """Return a model card in Hugging Face's form, from what is known of a version.

        It is kept nowhere: edit it, and push it with the files or make it the description.
        """
        parsed = parse_reference(reference, self.project)
        version = self._load(ModelVersion, "/resolve", ref=str(parsed))
        path = self._version(f"{version.project}/{version.model}", version.label, "generated-card")
        return str(self._get(path)["text"])
