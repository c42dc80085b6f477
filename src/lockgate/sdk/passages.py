"""Passages from stage to stage: the verbs, over HTTP."""

from __future__ import annotations

from lockgate.domain.history import Transition
from lockgate.domain.lifecycles import TRANSITION
from lockgate.domain.outcomes import Promoted
from lockgate.domain.passages import PassageWords
from lockgate.sdk.calls import Calls, given


class PassageVerbs(PassageWords, Calls):
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
        body = given(
            to=to,
            verb=verb,
            comment=comment,
            expected_stage=expected_stage,
            force=force,
            reason=reason,
            archive_others=archive_others,
        )
        path = self._version(name, version, "transitions")
        return self._change(Promoted, "POST", path, body)

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
        body = given(
            stage=stage, to_version=to_version, comment=comment, force=force, reason=reason
        )
        return self._change(Promoted, "POST", self._model(name, "rollback"), body)

    def get_transitions(self, name: str, version: str | int) -> tuple[Transition, ...]:
        """Return a version's passages, oldest first."""
        return self._all(Transition, self._version(name, version, "transitions"))
