/** A browser's session: the server keeps it in a cookie that no script can read. */

import { SERVER, UI } from "../place";
import { beKnown, beUnknown } from "../session";
import { api, said } from "./client";
import { Problem } from "./problem";

const BACK = "lockgate.back";

/** Ask who is signed in. Whoever comes back from an issuer is led to the page that they wanted. */
export async function recall(): Promise<void> {
  try {
    const { who, csrf } = await said(api.GET("/api/v1/session"));
    beKnown(who, csrf);
    const back = sessionStorage.getItem(BACK);
    sessionStorage.removeItem(BACK);
    if (back?.startsWith(UI.href)) window.location.replace(back);
  } catch (error) {
    // Whatever else is wrong, the page shows by itself.
    if (error instanceof Problem && error.status === 401) beUnknown();
  }
}

/** Return by what name people sign in elsewhere, or null where that is not set up. */
export async function issuerName(): Promise<string | null> {
  return (await said(api.GET("/api/v1/session/ways"))).issuer;
}

/** Go to the issuer that people sign in at. */
export function signInElsewhere(): void {
  sessionStorage.setItem(BACK, window.location.href);
  window.location.assign(new URL("api/v1/session/oidc", SERVER));
}

/** Sign in with a token. */
export async function signIn(token: string): Promise<void> {
  const { who, csrf } = await said(api.POST("/api/v1/session", { body: { token } }));
  beKnown(who, csrf);
}

export async function signOut(): Promise<void> {
  await said(api.DELETE("/api/v1/session"));
  beUnknown();
}
