import { expect, test } from "vitest";
import { bins, ticks } from "./spreads";

test("a histogram is read as shares, before and now", () => {
  expect(bins({ edges: [20, 30.5], reference: [1, 2, 1], counts: [0, 5, 15] })).toEqual([
    { name: "below 20", before: 0.25, now: 0 },
    { name: "20 to 30.5000", before: 0.5, now: 0.25 },
    { name: "30.5000 and above", before: 0.25, now: 0.75 },
  ]);
});

test("where nothing was reported nothing lies anywhere", () => {
  expect(bins({ edges: [0], reference: [3, 1], counts: [] }).map((each) => each.now)).toEqual([0, 0]);
});

test("few edges are all named, of many only some, evenly", () => {
  expect(ticks([10, 20, 30], 5)).toEqual([
    { text: "10", at: 0.25 },
    { text: "20", at: 0.5 },
    { text: "30", at: 0.75 },
  ]);
  const many = ticks(
    Array.from({ length: 99 }, (_, at) => at),
    5,
  );
  expect(many.length).toBeLessThanOrEqual(5);
  expect(many.map((each) => each.text)).toEqual(["9", "29", "49", "69", "89"]);
});
