import { expect, test } from "vitest";
import { asOf, rowsOf, type Stay } from "./past";

const stay = (version: string, since: string, until: string | null): Stay => ({ version, kind: "stage", place: "Production", since, until, by: "ana" });
const a = stay("a", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
const b = stay("b", "2026-02-01T00:00:00Z", null);
const c = stay("c", "2026-01-15T00:00:00Z", null);

test("at the moment of a change, who comes is there and who leaves is not", () => {
  expect(asOf([a, b], Date.parse("2026-02-01T00:00:00Z"))).toEqual([b]);
  expect(asOf([a, b], Date.parse("2026-01-31T23:59:59Z"))).toEqual([a]);
  expect(asOf([a, b], Date.parse("2025-01-01T00:00:00Z"))).toEqual([]);
});

test("those that follow each other share a row, those at one time do not", () => {
  expect(rowsOf([b, c, a])).toEqual([[a, b], [c]]);
});
