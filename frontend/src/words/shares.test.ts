import { expect, test } from "vitest";
import { percent, sharesOf } from "./shares";

test("shares are parts of the whole", () => {
  expect(sharesOf([90, 10])).toEqual([0.9, 0.1]);
  expect(sharesOf([0, 0])).toEqual([0, 0]);
});

test("a share is written as a percentage", () => {
  expect([0.9, 0.0001, 1 / 3].map(percent)).toEqual(["90%", "0.01%", "33.33%"]);
});
