"""Model cards: written from what is known of a version."""

from __future__ import annotations

from lockgate.domain.cards import model_card
from lockgate.services.lineage import load_lineage
from lockgate.storage import evidence
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.store import Store


def generate_card(store: Store, project: str, name: str, label: str) -> str:
    """Return a model card in Hugging Face's form, for people to go on with."""
    lineage = load_lineage(store, project, name, label, "upstream", 1)

    def use_case(session: Session) -> str:
        stored = model_rows.load_model(session, project, name)
        key, version = version_rows.load_version(session, stored, label)
        return model_card(
            version,
            lineage,
            evidence.list_decisions(session, key),
            evidence.list_checks(session, key),
            stored.model.description,
        )

    return store.snapshot(use_case)
