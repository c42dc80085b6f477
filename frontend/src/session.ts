/** Who acts in this browser, and what a write carries to prove that this page sent it. */

import { useSyncExternalStore } from "react";

const KEPT = "lockgate.actor";
const listeners = new Set<() => void>();

export interface Session {
  /** Who the user says they are, while the server has no access control; empty: the server's own actor. */
  actor: string;
  /** Who is signed in, under access control. */
  signedIn: string | null;
  /** Who was signed in until the server knew them no more. */
  ended: string | null;
  /** Whether the server wants to know who one is before it says anything. */
  wanted: boolean;
  /** What writes send as `X-CSRF-Token` once somebody is signed in. */
  csrfToken: string | null;
}

let session: Session = { actor: localStorage.getItem(KEPT) ?? "", signedIn: null, ended: null, wanted: false, csrfToken: null };

export function currentSession(): Session {
  return session;
}

function change(changed: Partial<Session>): void {
  session = { ...session, ...changed };
  for (const listener of listeners) listener();
}

export function actAs(actor: string): void {
  localStorage.setItem(KEPT, actor);
  change({ actor });
}

/** Somebody is known, or access control is off and nobody needs to be. */
export function beKnown(who: { actor: string; controlled: boolean }, csrfToken: string | null): void {
  change({ signedIn: who.controlled ? who.actor : null, csrfToken, ended: null, wanted: false });
}

/** The server answered that it knows nobody here. */
export function beUnknown(): void {
  if (!session.wanted) change({ ended: session.signedIn, signedIn: null, csrfToken: null, wanted: true });
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
  if (session.actor && !session.signedIn) headers["X-Lockgate-Actor"] = encodeURIComponent(session.actor);
  if (session.csrfToken && method !== "GET") headers["X-CSRF-Token"] = session.csrfToken;
  return headers;
}
