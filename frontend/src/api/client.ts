/** The public HTTP API, typed by its own OpenAPI document; this UI speaks nothing else. */

import createClient from "openapi-fetch";
import { SERVER } from "../place";
import { currentSession, headersOf } from "../session";
import { Problem, problemOf, unreachable } from "./problem";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Model = Schemas["RegisteredModel"];
export type Version = Schemas["ModelVersion"];
export type Overview = Schemas["ModelOverview"];

export const api = createClient<paths>({ baseUrl: SERVER.href.replace(/\/$/, "") });

api.use({
  onRequest({ request }) {
    for (const [name, value] of Object.entries(headersOf(currentSession(), request.method))) {
      request.headers.set(name, value);
    }
  },
  onError({ error }) {
    return error instanceof DOMException && error.name === "AbortError" ? error : unreachable();
  },
});

/** Return what a call answered. Throws the `Problem` that it was refused with. */
export async function said<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await call;
  if (error !== undefined || !response.ok) throw problemOf(error, response);
  return data as T;
}

/** Like `said`, but null where there is nothing: a stage that stands empty, a card never written. */
export async function saidOrNull<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T | null> {
  try {
    return await said(call);
  } catch (error) {
    if (error instanceof Problem && error.status === 404 && error.code !== "unknown_path") return null;
    throw error;
  }
}
