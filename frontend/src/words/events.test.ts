import { expect, test } from "vitest";
import type { AuditEvent } from "../api/versions";
import { deed, remark } from "./events";

const event = (action: string, detail: Record<string, unknown>): AuditEvent => ({
  action,
  address: null,
  actor: "ana",
  at: "2026-01-01T00:00:00Z",
  cause: null,
  detail,
  leaf_hash: "",
  model: "digits",
  prev: "",
  project: "default",
  seq: 1,
  token: null,
  version: "1",
});

test("a passage says which way it went", () => {
  expect(deed(event("transition", { from: "Staging", to: "Production", verb: "rollback" }))).toBe("brought it back from Staging to Production");
  expect(deed(event("transition", { from: "None", to: "Staging", verb: "promote" }))).toBe("promoted it from None to Staging");
});

test("what has no sentence of its own is its action in words", () => {
  expect(deed(event("sign_version", {}))).toBe("sign version");
});

test("a remark is the comment or the reason, and only text", () => {
  expect(remark(event("approve", { comment: "fine" }))).toBe("fine");
  expect(remark(event("waive", { reason: "ours" }))).toBe("ours");
  expect(remark(event("approve", { comment: { html: 1 } }))).toBe("");
});
