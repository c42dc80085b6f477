import { useMemo } from "react";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** So many hours ago, cut to the minute, so that a question stays the same while one looks; all of the past for 0. */
export function useSince(hours: number): string | undefined {
  const minute = Math.floor(Date.now() / MINUTE_MS);
  return useMemo(() => (hours ? new Date(minute * MINUTE_MS - hours * HOUR_MS).toISOString() : undefined), [hours, minute]);
}
