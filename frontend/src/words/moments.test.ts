import { expect, test } from "vitest";
import { duration, relative } from "./moments";

const now = new Date("2026-10-01T12:00:00Z");

test.each([
  ["2026-10-01T12:00:30Z", "just now"],
  ["2026-10-01T11:59:01Z", "just now"],
  ["2026-10-01T11:59:00Z", "1 minute ago"],
  ["2026-10-01T09:10:00Z", "2 hours ago"],
  ["2026-09-30T12:00:00Z", "yesterday"],
  ["2026-09-20T12:00:00Z", "last week"],
  ["2024-09-20T12:00:00Z", "2 years ago"],
])("%s is %s", (moment, words) => {
  expect(relative(moment, now)).toBe(words);
});

test.each([
  ["2026-10-01T11:59:30Z", "less than a minute"],
  ["2026-09-30T12:00:00Z", "1 day"],
  ["2026-09-28T11:00:00Z", "3 days"],
  ["2027-01-01T00:00:00Z", "less than a minute"],
])("since %s it is %s", (moment, words) => {
  expect(duration(moment, now)).toBe(words);
});
