"""Permissions: every word that a rule about who may do what is made of.

    in a project      held there by a role, or in every project by a role in the installation
    installation      held by a role in the installation only
    personal          everybody's for themselves, unless a token is narrowed to less

`NEEDED_FOR` says which of them is asked for each action of the log; `storage.log.record` refuses
to put an action on record for which none of them was asked in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lockgate.errors import InvalidInput

VIEW = "project.view"
EDIT_PROJECT = "project.edit"
REGISTER_MODEL = "model.register"
EDIT_MODEL = "model.edit"
DELETE_MODEL = "model.delete"
REGISTER = "version.register"
PUSH = "version.push"
EDIT = "version.edit"
DELETE = "version.delete"
SIGN = "version.sign"
APPROVE = "version.approve"
REPORT_CHECK = "check.report"
ASK = "request.create"
MANAGE_REQUESTS = "request.manage"
PROMOTE = "transition.promote"
DEMOTE = "transition.demote"
ARCHIVE = "transition.archive"
ROLLBACK = "transition.rollback"
SET_ALIAS = "alias.set"
PROTECT_ALIAS = "alias.protect"
WRITE_POLICY = "policy.write"
WAIVE = "scan.waive"
FORCE = "gate.force"
VIEW_AUDIT = "audit.view"
SIGN_AUDIT = "audit.sign"
MANAGE_MEMBERS = "member.manage"
MANAGE_WEBHOOKS = "webhook.manage"
REPORT_DEPLOYMENT = "deployment.report"
SPLIT = "split.write"
REPORT_OUTCOMES = "outcome.report"
REPORT_OBSERVATIONS = "observation.report"
MONITOR = "monitor.write"

CREATE_PROJECT = "project.create"
WRITE_LIFECYCLE = "lifecycle.write"
MANAGE_ACCESS = "access.manage"
COLLECT = "files.collect"
VERIFY = "files.verify"
USE_CACHE = "cache.use"
MANAGE_CACHE = "cache.manage"
VIEW_METRICS = "metrics.view"
SETTLE = "request.settle"

MANAGE_TOKENS = "token.manage"

IN_PROJECTS: Mapping[str, str] = {
    VIEW: "See the project: models, versions, files, gates, history. Everything else needs it",
    EDIT_PROJECT: "Change the project's description and default lifecycle",
    REGISTER_MODEL: "Make models",
    EDIT_MODEL: "Change a model's name, owner, description, tags and lifecycle",
    DELETE_MODEL: "Delete and restore models",
    REGISTER: "Register versions",
    PUSH: "Send files, and seal versions with them",
    EDIT: "Change a version's description, tags, params, metadata and metrics",
    DELETE: "Delete and restore versions",
    SIGN: "Add signatures to versions",
    APPROVE: "Approve and reject what others ask for",
    REPORT_CHECK: "Report the results of checks",
    ASK: "Ask that a version be let into a stage",
    MANAGE_REQUESTS: "Withdraw the requests of others",
    PROMOTE: "Take versions to a later stage, through its gate",
    DEMOTE: "Take versions to an earlier stage",
    ARCHIVE: "Archive versions",
    ROLLBACK: "Bring back what stood in a stage before",
    SET_ALIAS: "Set and delete aliases",
    PROTECT_ALIAS: "Protect aliases, and move or delete protected ones",
    WRITE_POLICY: "Attach policies and protections, and pin models to another lifecycle",
    WAIVE: "Answer for files that are not proved harmless",
    FORCE: "Open a closed gate, with a reason that goes on record",
    VIEW_AUDIT: "Read and verify the project's log",
    SIGN_AUDIT: "Sign checkpoints of the log, and export it",
    MANAGE_MEMBERS: "Give and take roles in the project",
    MANAGE_WEBHOOKS: "Make, change and look into webhooks, which are told what happens",
    REPORT_DEPLOYMENT: "Report what runs where, and that it still does",
    SPLIT: "Share the keys of a model out among its versions",
    REPORT_OUTCOMES: "Report what came of the arms of a split",
    REPORT_OBSERVATIONS: "Report what the metrics of versions are in use",
    MONITOR: "Set and remove the rules that watch versions, and may roll them back",
}
IN_INSTALLATION: Mapping[str, str] = {
    CREATE_PROJECT: "Make projects; whoever makes one is its admin",
    WRITE_LIFECYCLE: "Apply lifecycles",
    MANAGE_ACCESS: "Manage people, service accounts, teams, roles and everybody's tokens",
    COLLECT: "Sweep files that no version needs",
    VERIFY: "Read all stored files back",
    USE_CACHE: "Take part in the downloads of the cluster's cache",
    MANAGE_CACHE: "Change and forget the cache's records, whoever owns them",
    VIEW_METRICS: "Read the server's metrics",
    SETTLE: "Carry out requests that waited for time to pass (the server does so by itself)",
}
PERSONAL: Mapping[str, str] = {
    MANAGE_TOKENS: "Make, list and revoke one's own tokens, none of them wider than this one",
}
PERMISSIONS: Mapping[str, str] = {**IN_PROJECTS, **IN_INSTALLATION, **PERSONAL}

GATED = frozenset(
    {
        *(APPROVE, FORCE, WRITE_POLICY, WAIVE, MANAGE_MEMBERS, MANAGE_REQUESTS),
        *(PROTECT_ALIAS, MANAGE_WEBHOOKS),
    }
)
"""What members of a project guard even while there is no access control."""

OF_VERB: Mapping[str, str] = {
    "promote": PROMOTE,
    "demote": DEMOTE,
    "archive": ARCHIVE,
    "rollback": ROLLBACK,
}
"""Verbs that change a stage; ``transition`` is the one that fits its direction."""

_ANY_PASSAGE = frozenset(OF_VERB.values())
NEEDED_FOR: Mapping[str, frozenset[str]] = {
    "create_project": frozenset({CREATE_PROJECT}),
    "update_project": frozenset({EDIT_PROJECT}),
    "apply_lifecycle": frozenset({WRITE_LIFECYCLE}),
    "create_model": frozenset({REGISTER_MODEL}),
    "update_model": frozenset({EDIT_MODEL}),
    "move_lifecycle": frozenset({WRITE_POLICY}),
    "delete_model": frozenset({DELETE_MODEL}),
    "restore_model": frozenset({DELETE_MODEL}),
    "register_version": frozenset({REGISTER}),
    "seal_version": frozenset({PUSH}),
    "update_version": frozenset({EDIT}),
    "log_metrics": frozenset({EDIT}),
    "delete_version": frozenset({DELETE}),
    "restore_version": frozenset({DELETE}),
    "purge_version": frozenset({COLLECT}),
    "sign_version": frozenset({SIGN}),
    "transition": _ANY_PASSAGE,
    "transition_noop": _ANY_PASSAGE,
    "transition_refused": _ANY_PASSAGE,
    "request_promotion": frozenset({ASK}),
    "approve": frozenset({APPROVE}),
    "reject": frozenset({APPROVE}),
    "withdraw": frozenset({ASK, MANAGE_REQUESTS}),
    # What a request comes to follows from something that was allowed by itself.
    "complete_request": _ANY_PASSAGE | {APPROVE},
    "report_check": frozenset({REPORT_CHECK}),
    "waive": frozenset({WAIVE}),
    "set_alias": frozenset({SET_ALIAS}),
    "delete_alias": frozenset({SET_ALIAS}),
    "attach_policy": frozenset({WRITE_POLICY}),
    "detach_policy": frozenset({WRITE_POLICY}),
    "set_protection": frozenset({WRITE_POLICY}),
    "remove_protection": frozenset({WRITE_POLICY}),
    "set_member": frozenset({MANAGE_MEMBERS}),
    "remove_member": frozenset({MANAGE_MEMBERS}),
    "create_webhook": frozenset({MANAGE_WEBHOOKS}),
    "update_webhook": frozenset({MANAGE_WEBHOOKS}),
    "pause_webhook": frozenset({MANAGE_WEBHOOKS}),
    "resume_webhook": frozenset({MANAGE_WEBHOOKS}),
    "disable_webhook": frozenset({MANAGE_WEBHOOKS}),
    "rotate_webhook_secret": frozenset({MANAGE_WEBHOOKS}),
    "delete_webhook": frozenset({MANAGE_WEBHOOKS}),
    "redeliver": frozenset({MANAGE_WEBHOOKS}),
    "report_deployment": frozenset({REPORT_DEPLOYMENT}),
    "end_deployment": frozenset({REPORT_DEPLOYMENT}),
    "set_split": frozenset({SPLIT}),
    "remove_split": frozenset({SPLIT}),
    "set_reference": frozenset({REPORT_OBSERVATIONS}),
    "set_monitor": frozenset({MONITOR}),
    "remove_monitor": frozenset({MONITOR}),
    "set_source": frozenset({MONITOR}),
    "remove_source": frozenset({MONITOR}),
    "monitor_alarm": frozenset({MONITOR}),
    "monitor_recovered": frozenset({MONITOR}),
    "init_access": frozenset({MANAGE_ACCESS}),
    "set_account": frozenset({MANAGE_ACCESS}),
    "disable_account": frozenset({MANAGE_ACCESS}),
    "set_team": frozenset({MANAGE_ACCESS}),
    "remove_team": frozenset({MANAGE_ACCESS}),
    "set_role": frozenset({MANAGE_ACCESS}),
    "remove_role": frozenset({MANAGE_ACCESS}),
    "create_token": frozenset({MANAGE_TOKENS, MANAGE_ACCESS}),
    "revoke_token": frozenset({MANAGE_TOKENS, MANAGE_ACCESS}),
    "exchange_token": frozenset({MANAGE_TOKENS}),
    "log_in": frozenset({MANAGE_TOKENS}),
}


def known_permissions(permissions: Iterable[str], what: str) -> frozenset[str]:
    """Return ``permissions``, with `VIEW` if any is of projects: nothing is done unseen there.

    Raises `InvalidInput` for one that there is not, and for none at all.
    """
    found = frozenset(permissions)
    for each in sorted(found):
        if each not in PERMISSIONS:
            raise InvalidInput(
                detail=f"There is no permission {each!r:.80}; the permissions are "
                f"{', '.join(PERMISSIONS)}",
                field="permissions",
            )
    if not found:
        raise InvalidInput(detail=f"{what} has at least one permission", field="permissions")
    return found | {VIEW} if found & IN_PROJECTS.keys() else found
