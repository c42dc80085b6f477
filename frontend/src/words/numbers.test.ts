import { expect, test } from "vitest";
import { count, metricText, size } from "./numbers";

test("metrics keep four digits, and very small ones stay visible", () => {
  expect([0.97643, 0.5, 12, 0, 0.00000123, 1234567].map(metricText)).toEqual(["0.9764", "0.5000", "12", "0", "1.23E-6", "1,234,567"]);
});

test("one thing is one, others are many", () => {
  expect([count(1, "version"), count(1200, "version")]).toEqual(["1 version", "1,200 versions"]);
});

test("sizes have the unit that suits them", () => {
  expect([size(999), size(1500), size(25_000_000)]).toEqual(["999 B", "1.5 kB", "25 MB"]);
});
