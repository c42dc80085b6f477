"""The words for passages, each one call of `transition`: the same for registry and client."""

from __future__ import annotations

from lockgate.domain.lifecycles import ARCHIVE, DEMOTE, PROMOTE, TRANSITION
from lockgate.domain.outcomes import Promoted
from lockgate.domain.versions import ModelVersion


class PassageWords:
    """Up, down, out and back, in terms of two verbs that the registry and its client have."""

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
        raise NotImplementedError

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
        raise NotImplementedError

    def transition_stage(
        self,
        name: str,
        version: str | int,
        stage: str,
        *,
        comment: str = "",
        expected_stage: str | None = None,
        force: bool = False,
        reason: str = "",
    ) -> ModelVersion:
        """Take a version to ``stage`` by whichever verb leads there.

        Raises `TransitionNotAllowed` with the steps that are, `PolicyViolated` with the report.
        ``force`` opens a closed gate: with the permission ``gate.force`` and a ``reason``.
        """
        return self.transition(
            name,
            version,
            stage,
            comment=comment,
            expected_stage=expected_stage,
            force=force,
            reason=reason,
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
