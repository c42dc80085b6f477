/** Who acts in this browser, and what a write carries to prove that this page sent it. */

import { useSyncExternalStore } from "react";

const KEPT = "lockgate.actor";
const listeners = new Set<() => void>();

export interface Session {
  /** Who the user says they are, while the server has no access control; empty: the server's own actor. */
  actor: string;
  /** What writes send as `X-CSRF-Token` once somebody is signed in. */
  csrfToken: string | null;
}

let session: Session = { actor: localStorage.getItem(KEPT) ?? "", csrfToken: null };

export function currentSession(): Session {
  return session;
}

export function actAs(actor: string): void {
  localStorage.setItem(KEPT, actor);
  session = { ...session, actor };
  for (const listener of listeners) listener();
}

export function useSession(): Session {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentSession);
}

/** The headers that say who sends a request. */
export function headersOf(session: Session, method: string): Record<string, string> {
  const headers: Record<string, string> = {};
  if (session.actor) headers["X-Lockgate-Actor"] = encodeURIComponent(session.actor);
  if (session.csrfToken && method !== "GET") headers["X-CSRF-Token"] = session.csrfToken;
  return headers;
}
