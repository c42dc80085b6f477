import { expect, test } from "vitest";
import { one, parseSearch, several, writeSearch } from "./search";

test("what is written is read again, numbers and signs as the texts they are", () => {
  const words = { q: "a = 'b&c'", version: "1", tag: ["x=1", "y"] };
  expect(parseSearch(writeSearch(words))).toEqual(words);
});

test("what is empty is left out of the URL", () => {
  expect(writeSearch({ q: "", tag: [], stage: undefined })).toBe("");
});

test("one word is one or none, several are a list or none", () => {
  expect([one(["a", "b"]), one(""), several("a"), several(["", "b"]), several(undefined)]).toEqual([
    "a", undefined, ["a"], ["b"], undefined,
  ]);
});
