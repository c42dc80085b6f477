/** Histograms in words and shares: what lies between which edges, before and now. */

import type { Drift } from "../api/uses";
import { metricText } from "./numbers";

export interface Bin {
  /** Which values these are: "below 20", "20 to 30", "60 and above". */
  name: string;
  /** Which part of all values lay here in the reference, and lies here now: 0 to 1. */
  before: number;
  now: number;
}

export function bins({ edges, reference, counts }: Pick<Drift, "edges" | "reference" | "counts">): Bin[] {
  const [before, now] = [shares(reference), shares(counts)];
  return before.map((share, at) => ({ name: between(edges[at - 1], edges[at]), before: share, now: now[at] ?? 0 }));
}

function shares(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, each) => sum + each, 0);
  return counts.map((each) => (total === 0 ? 0 : each / total));
}

function between(low: number | undefined, high: number | undefined): string {
  if (low === undefined) return high === undefined ? "any" : `below ${metricText(high)}`;
  return high === undefined ? `${metricText(low)} and above` : `${metricText(low)} to ${metricText(high)}`;
}

export interface Tick {
  text: string;
  /** How far along the axis: 0 to 1. */
  at: number;
}

/** The edges that are named below a chart: evenly chosen, at most so many. */
export function ticks(edges: readonly number[], most: number): Tick[] {
  const every = Math.ceil(edges.length / most);
  const named = edges.map((edge, index) => ({ text: metricText(edge), at: (index + 1) / (edges.length + 1) }));
  return named.filter((_, index) => index % every === Math.floor(((edges.length - 1) % every) / 2));
}
