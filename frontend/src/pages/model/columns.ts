/** The columns that a table of versions may have: some of every version, and one for each fact. */

import type { Version } from "../../api/client";
import { metricText } from "../../words/numbers";

export const DEFAULT_COLUMNS: string[] = ["registered", "by"];
const FACTS = ["metrics", "params", "tags"] as const;
const COLUMNS_MAX = 100;

/** What the head of a column says. */
export function nameOf(column: string): string {
  const own: Record<string, string> = { registered: "Registered", by: "By", run: "Run", description: "Description" };
  return own[column] ?? column.replace(/^metrics\./, "");
}

/** Every column that says something of at least one of `versions`. */
export function columnsOf(versions: readonly Version[]): string[] {
  const found = new Set([...DEFAULT_COLUMNS, "run", "description"]);
  for (const fact of FACTS) {
    for (const version of versions) {
      for (const key of Object.keys(version[fact])) found.add(`${fact}.${key}`);
    }
  }
  return [...found].slice(0, COLUMNS_MAX);
}

/** What a version says in a column, as text; a dash where it says nothing. */
export function valueOf(version: Version, column: string): string {
  if (column === "by") return version.created_by;
  if (column === "run") return version.sources.run_id ?? "–";
  if (column === "description") return version.description || "–";
  const dot = column.indexOf(".");
  const fact = FACTS.find((each) => each === column.slice(0, dot));
  const value = fact === undefined ? undefined : version[fact][column.slice(dot + 1)];
  if (value === undefined || value === null) return "–";
  return fact === "metrics" ? metricText(value as number) : String(value);
}
