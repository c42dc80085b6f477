/** Events of the log as sentences about a version. */

import type { AuditEvent } from "../api/versions";

const text = (value: unknown) => (typeof value === "string" ? value : "");

/** What an event's actor did, to be read after their name: `moved it from Staging to Production`. */
export function deed(event: AuditEvent): string {
  const { action, detail } = event;
  const to = text(detail.to) || text(detail.to_stage);
  const from = text(detail.from) || text(detail.from_stage);
  switch (action) {
    case "register_version":
      return "registered it";
    case "seal_version":
      return "sealed it with its files";
    case "transition_refused":
      return `was refused the way from ${from} to ${to}`;
    case "request_promotion":
      return `asked that it be let into ${to}`;
    case "approve":
      return `approved it for ${to}`;
    case "reject":
      return `rejected it for ${to}`;
    case "withdraw":
      return `withdrew the request for ${to}`;
    case "complete_request":
      return `completed the request for ${to}`;
    case "report_check":
      return `reported ${text(detail.check) || text(detail.name) || "a check"} as ${text(detail.status)}`;
    case "set_alias":
      return `gave it the alias ${text(detail.alias)}`;
    case "delete_alias":
      return `took the alias ${text(detail.alias)} away`;
    default:
      if (from && to) return `${PAST[text(detail.verb)] ?? PAST[action] ?? "moved it"} from ${from} to ${to}`;
      return action.replaceAll("_", " ");
  }
}

/** What was done to a model, a project or an installation: `created the model`. */
export function doing(event: AuditEvent): string {
  const [verb = "", ...rest] = event.action.split("_");
  const done = DONE[verb];
  if (done === undefined) return event.action.replaceAll("_", " ");
  const named = text(event.detail.stage) || text(event.detail.person) || text(event.detail.alias) || text(event.detail.name);
  return [done, "the", ...rest, named].filter(Boolean).join(" ");
}

const DONE: Record<string, string> = {
  create: "created",
  update: "changed",
  delete: "deleted",
  restore: "restored",
  attach: "attached",
  detach: "took away",
  set: "set",
  remove: "removed",
  apply: "applied",
  revoke: "revoked",
  disable: "disabled",
};

const PAST: Record<string, string> = {
  promote: "promoted it",
  demote: "demoted it",
  archive: "archived it",
  rollback: "brought it back",
  transition: "moved it",
};

/** What was said with it, or why. */
export function remark(event: AuditEvent): string {
  return text(event.detail.comment) || text(event.detail.reason);
}
