import { expect, test } from "vitest";
import { complete, written } from "./filters";

test("a word is looked for in names, its wildcards taken literally", () => {
  expect(written({ text: " 50%_ok ", tags: [] })).toEqual({ filter: "name ILIKE '%50\\%\\_ok%'", before: null });
});

test("a filter is sent as it is, and its column stays right beside others", () => {
  expect(written({ text: "owner = 'risk'", tags: [] })).toEqual({ filter: "owner = 'risk'", before: -0 });
  expect(written({ text: "a = 1 OR b = 2", stage: "Prod", tags: ["team=it's", "my key"] })).toEqual({
    filter: "(a = 1 OR b = 2) AND stage = 'Prod' AND tags.team = 'it''s' AND tags.`my key` IS NOT NULL",
    before: 1,
  });
});

test("nothing asked is an empty filter", () => {
  expect(written({ text: "  ", tags: [] })).toEqual({ filter: "", before: null });
});

test("completion offers fields, then comparisons, then how to go on", () => {
  const fields = ["name", "owner", "stage", "tags."];
  expect(complete("o", 1, fields)).toEqual({ from: 0, words: ["owner"] });
  expect(complete("owner ", 6, fields).words).toContain("ILIKE");
  expect(complete("owner = 'x' ", 12, fields).words).toEqual(["AND", "OR"]);
  expect(complete("owner = 'x' AND st", 18, fields)).toEqual({ from: 16, words: ["stage"] });
});

const FIELDS = ["name", "owner", "stage", "tags."];
const TAGS = { team: ["risk", "fraud"], "a b": ["1"] };

test("keys of tags are offered as they are written", () => {
  expect(complete("tags.t", 6, FIELDS, TAGS)).toEqual({ from: 0, words: ["tags.team"] });
  expect(complete("name = 'x' AND tags.", 20, FIELDS, TAGS).words).toEqual(["tags.team", "tags.`a b`"]);
});

test("values of a tag are offered in quotes", () => {
  expect(complete("tags.team = ", 12, FIELDS, TAGS)).toEqual({ from: 12, words: ["'risk'", "'fraud'"] });
  expect(complete("tags.team = 'f", 14, FIELDS, TAGS)).toEqual({ from: 12, words: ["'fraud'"] });
  expect(complete("tags.`a b` = ", 13, FIELDS, TAGS).words).toEqual(["'1'"]);
});
