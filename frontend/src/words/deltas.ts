/** How far a metric is from the first version's, in words and as the length of a bar. */

import { metricText } from "./numbers";

export interface Delta {
  text: string;
  /** Of the largest difference in the row, from -1 to 1. */
  share: number;
}

/** Return each version's difference from the first; null where one of the two has no such metric. */
export function deltas(values: readonly (number | undefined)[]): (Delta | null)[] {
  const base = values[0];
  const found = values.map((value) => (value === undefined || base === undefined ? null : value - base));
  const most = Math.max(...found.map((each) => Math.abs(each ?? 0)));
  return found.map((each) =>
    each === null ? null : { text: `${each > 0 ? "+" : each < 0 ? "−" : "±"}${metricText(Math.abs(each))}`, share: most > 0 ? each / most : 0 },
  );
}

/** Whether the values of a row are not all the same; what is missing is a value of its own. */
export function differ(values: readonly unknown[]): boolean {
  return new Set(values.map((value) => JSON.stringify(value) ?? "")).size > 1;
}
