"""Passages from stage to stage: the verbs."""

from __future__ import annotations

from lockgate.domain.history import Transition
from lockgate.domain.lifecycles import ARCHIVE, DEMOTE, PROMOTE, TRANSITION
from lockgate.domain.outcomes import Promoted
from lockgate.domain.versions import ModelVersion
from lockgate.registry.desk import Desk
from lockgate.services import promotion
from lockgate.services.promotion import Move


class PassageVerbs(Desk):
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
    ) -> Promoted:
        """Take a version to another stage; return it, its passage, and who made room.

        ``force`` opens a closed gate: with the permission ``gate.force`` and a ``reason``.
        """
        project, bare = self._split(name)
        move = Move(
            verb=verb,
            to=to,
            comment=comment,
            expected_stage=expected_stage,
            force=force,
            reason=reason,
        )
        return promotion.transition(self._store, self._who, project, bare, str(version), move)

    def transition_stage(
        self,
        name: str,
        version: str | int,
        stage: str,
        *,
        comment: str = "",
        expected_stage: str | None = None,
    ) -> ModelVersion:
        """Take a version to ``stage`` by whichever verb leads there.

        Raises `TransitionNotAllowed` with the steps that are, `PolicyViolated` with the report.
        """
        return self.transition(
            name, version, stage, comment=comment, expected_stage=expected_stage
        ).version

    def promote(
        self,
        name: str,
        version: str | int,
        to: str | None = None,
        *,
        comment: str = "",
        expected_stage: str | None = None,
        force: bool = False,
        reason: str = "",
    ) -> ModelVersion:
        """Take a version to the next stage, or to a later one that is named.

        ``force`` opens a closed gate: with the permission ``gate.force`` and a ``reason``.
        """
        return self.transition(
            name,
            version,
            to,
            verb=PROMOTE,
            comment=comment,
            expected_stage=expected_stage,
            force=force,
            reason=reason,
        ).version

    def demote(
        self,
        name: str,
        version: str | int,
        to: str | None = None,
        *,
        comment: str = "",
        expected_stage: str | None = None,
    ) -> ModelVersion:
        """Take a version to the stage before, or to an earlier one that is named."""
        return self.transition(
            name, version, to, verb=DEMOTE, comment=comment, expected_stage=expected_stage
        ).version

    def archive(
        self,
        name: str,
        version: str | int,
        *,
        comment: str = "",
        expected_stage: str | None = None,
    ) -> ModelVersion:
        """Take a version to the lifecycle's archive."""
        return self.transition(
            name, version, verb=ARCHIVE, comment=comment, expected_stage=expected_stage
        ).version

    def rollback(
        self,
        name: str,
        *,
        stage: str | None = None,
        to_version: str | int | None = None,
        comment: str = "",
    ) -> ModelVersion:
        """Bring back the version that stood in ``stage`` (production unless told) before.

        Raises `NothingToRollBackTo`.
        """
        return self.rollback_stage(
            name, stage=stage, to_version=to_version, comment=comment
        ).version

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
