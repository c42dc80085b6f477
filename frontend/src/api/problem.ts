/** What the server refuses with (RFC 9457, problem+json), as an error to throw and to show. */

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly hint: string,
    readonly requestId: string,
    /** The fields of the error: `column` of a search, `report` of a gate … */
    readonly fields: Record<string, unknown>,
  ) {
    super(detail || title);
    this.name = "Problem";
  }
}

const OWN = new Set(["type", "title", "status", "code", "detail", "request_id", "fields", "hint"]);

/** Return the problem in an answer, whatever a proxy on the way made of it. */
export function problemOf(body: unknown, response: { status: number; statusText: string }): Problem {
  const told = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const text = (key: string, otherwise = "") => (typeof told[key] === "string" ? (told[key] as string) : otherwise);
  const beside = Object.entries(told).filter(([key]) => !OWN.has(key));
  return new Problem(
    response.status,
    text("code", `http_${response.status}`),
    text("title", response.statusText || "The server refused"),
    text("detail", `The server answered with status ${response.status}.`),
    text("hint"),
    text("request_id"),
    { ...Object.fromEntries(beside), ...(told.fields as Record<string, unknown> | undefined) },
  );
}

/** Return the problem of a server that does not answer at all. */
export function unreachable(): Problem {
  return new Problem(
    0,
    "server_unreachable",
    "The server does not answer",
    "The registry could not be reached. Nothing was changed.",
    "Check that `lockgate serve` is running and that you are online; this page tries again by itself.",
    "",
    {},
  );
}

/** Return whatever was thrown as a problem: a bug of the page as one that says so. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem(0, "page_broken", "This page broke", detail, "Reload it; if it breaks again, please report it.", "", {});
}

/** What to do about a refusal, where the server does not say so itself. */
export function adviceFor({ status, code }: Problem): string {
  if (code === "in_use") return "";
  if (status === 401) return "Your session has ended. Sign in again, and go on where you were.";
  if (status === 403) return "Ask somebody who manages the members of this project for a role that may; Settings, Members shows who they are.";
  if (status === 404) return "It may have been renamed, moved or deleted. The search at the top finds what there is; a deleted model can be restored for a time.";
  if (status === 409) return "Look at how it is now, which this page shows, and decide anew.";
  if (status === 412) return "Somebody else changed it after you opened it, and nothing of theirs was overwritten. What is shown now is theirs; make your change again if you still want it.";
  if (status === 429 || status === 503) return "The server is busy or lacks something that it needs. Nothing was changed; try again in a moment.";
  if (status >= 500) return "This is a fault of the server. Its log has the reason, under the number of the request.";
  return "";
}
