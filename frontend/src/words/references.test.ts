import { expect, test } from "vitest";
import { parentOf } from "./references";

test("a parent is a link where it always means one version", () => {
  expect(parentOf("digits:1.0", "risk")).toEqual({ project: "risk", model: "digits", version: "1.0" });
  expect(parentOf("other/digits:2", "risk")).toEqual({ project: "other", model: "digits", version: "2" });
});

test("free text and what moves is no link", () => {
  for (const text of ["digits@production", "https://example.org/x", "javascript:alert(1)//", "digits"]) {
    expect(parentOf(text, "risk")).toBeNull();
  }
});
