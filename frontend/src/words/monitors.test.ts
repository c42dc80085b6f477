import { expect, test } from "vitest";
import type { Monitor } from "../api/uses";
import { condition, lasting, threshold } from "./monitors";

const RULE: Monitor["rule"] = {
  metric: "auc",
  stage: "Production",
  bound: 0.9,
  against: "bound",
  direction: "higher",
  window_s: 300,
  windows: 3,
  recovery: 3,
  min_samples: 30,
  action: "alert",
  cooldown_s: 0,
  measure: "mean",
} as Monitor["rule"];
const rule = (changed: object) => ({ ...RULE, ...changed }) as Monitor["rule"];

test("lengths are in the largest unit that fits", () => {
  expect([60, 300, 3600, 86400, 90].map(lasting)).toEqual(["1 minute", "5 minutes", "1 hour", "1 day", "90 seconds"]);
});

test("a rule is a sentence", () => {
  expect(condition(RULE)).toBe("auc below 0.9000 for 3 windows in a row of 5 minutes");
  expect(condition(rule({ against: "metrics", bound: 0.05, direction: "lower", windows: 1 }))).toBe(
    "auc above the version's own metric by more than 0.0500 for a window of 5 minutes",
  );
});

test("a drift is told from a mean", () => {
  expect(condition(rule({ measure: "psi", against: "reference", bound: 0.2 }))).toBe(
    "PSI of auc against its reference above 0.2000 for 3 windows in a row of 5 minutes",
  );
});

test("the line is drawn where it can be known", () => {
  const version = { metrics: { auc: 0.8 } };
  expect(threshold(RULE, undefined)).toBe(0.9);
  expect(threshold(rule({ against: "metrics", bound: 0.1 }), version)).toBeCloseTo(0.7);
  expect(threshold(rule({ against: "metrics", metric: "f1" }), version)).toBeNull();
  expect(threshold(rule({ against: "incumbent" }), version)).toBeNull();
  expect(threshold(rule({ measure: "ks" }), version)).toBeNull();
});
