"""Passages from stage to stage: the verbs."""

from __future__ import annotations

from lockgate.domain.history import Transition
from lockgate.domain.lifecycles import TRANSITION
from lockgate.domain.outcomes import Promoted
from lockgate.domain.passages import PassageWords
from lockgate.registry.desk import Desk
from lockgate.services import promotion
from lockgate.services.promotion import Move


class PassageVerbs(PassageWords, Desk):
    """Up, down, out and back."""

    def transition(
        self,
        name: str,
        version: str | int,
        to: str | None = None,
        *,
        verb: str = TRANSITION,
        comment: str = "",
        expected_stage: str | None = None,
        force: bool = False,
        reason: str = "",
        archive_others: bool = False,
    ) -> Promoted:
        """Take a version to another stage; return it, its passage, and who made room.

        ``force`` opens a closed gate: with the permission ``gate.force`` and a ``reason``.
        ``archive_others`` archives the versions that stand where this one goes.
        """
        project, bare = self._split(name)
        move = Move(
            verb=verb,
            to=to,
            comment=comment,
            expected_stage=expected_stage,
            force=force,
            reason=reason,
            archive_others=archive_others,
        )
        return promotion.transition(self._store, self._who, project, bare, str(version), move)

    def rollback_stage(
        self,
        name: str,
        *,
        stage: str | None = None,
        to_version: str | int | None = None,
        comment: str = "",
        force: bool = False,
        reason: str = "",
    ) -> Promoted:
        """Roll back; return the version, its passage, and who made room."""
        project, bare = self._split(name)
        return promotion.rollback(
            self._store,
            self._who,
            project,
            bare,
            stage=stage,
            to_version=None if to_version is None else str(to_version),
            move=Move(comment=comment, force=force, reason=reason),
        )

    def get_transitions(self, name: str, version: str | int) -> tuple[Transition, ...]:
        """Return a version's passages, oldest first."""
        project, bare = self._split(name)
        return promotion.list_transitions(self._store, project, bare, str(version))
