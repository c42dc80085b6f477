import { expect, test } from "vitest";
import { axisOf } from "./intervals";

test("all intervals and zero lie on the axis, in order", () => {
  const place = axisOf([
    { low: 0.1, high: 0.3, difference: 0.2 },
    { low: null, high: null, difference: null },
  ]);
  const at = [0, 0.1, 0.2, 0.3].map(place);
  expect(at).toEqual([...at].sort((one, other) => one - other));
  expect(at.every((each) => each > 0 && each < 1)).toBe(true);
});

test("without any interval zero lies in the middle", () => {
  expect(axisOf([])(0)).toBe(0.5);
});
