/** A browser's session: the server keeps it in a cookie that no script can read. */

import { beKnown, beUnknown } from "../session";
import { api, said } from "./client";
import { Problem } from "./problem";

/** Ask who is signed in. */
export async function recall(): Promise<void> {
  try {
    const { who, csrf } = await said(api.GET("/api/v1/session"));
    beKnown(who, csrf);
  } catch (error) {
    // Whatever else is wrong, the page shows by itself.
    if (error instanceof Problem && error.status === 401) beUnknown();
  }
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
