import { expect, test } from "vitest";
import type { Deployment } from "../api/uses";
import { lifeOf } from "./deployments";

const SEEN = "2026-01-01T10:00:00Z";
const after = (seconds: number) => new Date(new Date(SEEN).getTime() + seconds * 1000);
const made = (changed: Partial<Deployment>) =>
  ({ status: "running", ended_at: null, heartbeat_s: 60, seen_at: SEEN, ...changed }) as Deployment;

test("who misses three signs of life is silent", () => {
  expect(lifeOf(made({}), after(180))).toBe("running");
  expect(lifeOf(made({}), after(181))).toBe("silent");
});

test("who promised none stays as reported, until it ends", () => {
  expect(lifeOf(made({ heartbeat_s: null, status: "failed" }), after(9999))).toBe("failed");
  expect(lifeOf(made({ ended_at: SEEN, status: "ended" }), after(9999))).toBe("ended");
});
