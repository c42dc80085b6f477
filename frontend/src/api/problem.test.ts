import { expect, test } from "vitest";
import { adviceFor, problemOf, unreachable } from "./problem";

const refused = (status: number, body: object = {}) => problemOf(body, { status, statusText: "" });

test("a refusal keeps what the server said of it", () => {
  const found = refused(409, { code: "in_use", title: "In use", detail: "d", fields: { users: ["live/eu-1"] } });
  expect([found.code, found.fields.users]).toEqual(["in_use", ["live/eu-1"]]);
});

test("every refusal that people meet says what to do", () => {
  for (const status of [401, 403, 404, 409, 412, 429, 500, 503]) expect(adviceFor(refused(status))).not.toBe("");
  expect(unreachable().hint).not.toBe("");
});

test("what a proxy made of an answer is a problem, too", () => {
  expect(refused(502, "<html>" as unknown as object).detail).toBe("The server answered with status 502.");
});
