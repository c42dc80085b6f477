/** How a deployment is: what was reported of it, unless it has broken its promise of a sign of life. */

import type { Deployment } from "../api/uses";

export type Life = "running" | "deploying" | "failed" | "silent" | "ended";

/** After so many missed signs of life the registry counts a deployment no longer. */
const MISSED_MAX = 3;

export function lifeOf({ status, ended_at, heartbeat_s, seen_at }: Deployment, now: Date): Life {
  if (ended_at !== null) return "ended";
  const silent_ms = now.getTime() - new Date(seen_at).getTime();
  if (heartbeat_s !== null && silent_ms > MISSED_MAX * heartbeat_s * 1000) return "silent";
  return status;
}
