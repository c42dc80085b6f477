import { expect, test } from "vitest";
import { deltas, differ } from "./deltas";

test("differences are from the first version, and bars share the longest", () => {
  expect(deltas([0.5, 0.75, 0.25, undefined])).toEqual([
    { text: "±0", share: 0 },
    { text: "+0.2500", share: 1 },
    { text: "−0.2500", share: -1 },
    null,
  ]);
});

test("without a value of the first there is nothing to differ from", () => {
  expect(deltas([undefined, 1])).toEqual([null, null]);
});

test("a missing value is not the same as any other", () => {
  expect([differ([1, 1]), differ([1, "1"]), differ([1, undefined]), differ([undefined, undefined])]).toEqual([false, true, true, false]);
});
