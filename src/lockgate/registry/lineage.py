"""Lineage: the verbs."""

from __future__ import annotations

from lockgate.domain.lineage import DEPTH_DEFAULT, Direction, LineageGraph
from lockgate.domain.references import parse_reference
from lockgate.registry.desk import Desk
from lockgate.services import cards, lineage, resolution


class LineageVerbs(Desk):
    """What versions came from, and what came from them."""

    def lineage(
        self, reference: str, *, direction: Direction = "both", depth: int = DEPTH_DEFAULT
    ) -> LineageGraph:
        """Return what a version came from and what came from it, up to ``depth`` steps away.

        ``direction`` is upstream, downstream or both. What the caller may not see is left out.
        """
        meant = parse_reference(reference, self.project)
        version = resolution.resolve(self._store, meant, None)
        return lineage.load_lineage(
            self._store, version.project, version.model, version.label, direction, depth
        )

    def generate_card(self, reference: str) -> str:
        """Return a model card in Hugging Face's form, from what is known of a version.

        It is kept nowhere: edit it, and push it with the files or make it the description.
        """
        version = resolution.resolve(self._store, parse_reference(reference, self.project), None)
        return cards.generate_card(self._store, version.project, version.model, version.label)
