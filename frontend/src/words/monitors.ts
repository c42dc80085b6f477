/** A monitor's rule as a sentence, and where its threshold lies. */

import type { Version } from "../api/client";
import type { Monitor } from "../api/uses";
import { metricText } from "./numbers";

type Rule = Monitor["rule"];

/** How long, in the largest unit that fits: `5 minutes`, `1 hour`. */
export function lasting(seconds: number): string {
  for (const [unit, length] of UNITS) {
    if (seconds >= length && seconds % length === 0) {
      const number = seconds / length;
      return `${number} ${unit}${number === 1 ? "" : "s"}`;
    }
  }
  return `${seconds} seconds`;
}

const UNITS: readonly [string, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** When a monitor raises an alarm, as a sentence without its end. */
export function condition(rule: Rule): string {
  const { measure } = rule;
  const during = `${rule.windows === 1 ? "a window" : `${rule.windows} windows in a row`} of ${lasting(rule.window_s)}`;
  if (measure !== "mean") {
    return `${measure.toUpperCase()} of ${rule.metric} against ${against(rule)} above ${metricText(rule.bound)} for ${during}`;
  }
  const side = rule.direction === "higher" ? "below" : "above";
  const limit =
    rule.against === "bound"
      ? metricText(rule.bound)
      : `${against(rule)}${rule.bound ? ` by more than ${metricText(rule.bound)}` : ""}`;
  return `${rule.metric} ${side} ${limit} for ${during}`;
}

function against(rule: Rule): string {
  const words: Record<string, string> = {
    bound: "its bound",
    metrics: "the version's own metric",
    incumbent: "what was there before it",
    reference: "its reference",
  };
  return words[rule.against] ?? rule.against;
}

/** Where the line is drawn in a chart of the metric; null where only the registry knows. */
export function threshold(rule: Rule, version: Pick<Version, "metrics"> | undefined): number | null {
  if (rule.measure !== "mean") return null;
  if (rule.against === "bound") return rule.bound;
  if (rule.against !== "metrics") return null;
  const own = version?.metrics[rule.metric];
  if (own === undefined) return null;
  return rule.direction === "higher" ? own - rule.bound : own + rule.bound;
}
