import { expect, test } from "vitest";
import { edgeLabel, rulesOf, servingStage, stageNamed, stepsFrom } from "./lifecycles";

const LIFECYCLE = {
  initial: "Dev",
  stages: [{ name: "Dev" }, { name: "Live", exclusive: true, incumbent: "demote:Dev" }, { name: "Gone", archive: true }],
  edges: [
    { from: "Dev", to: "Live", verbs: ["promote", "transition"] },
    { from: "Dev", to: "Gone", verbs: ["archive"] },
    { from: "Gone", to: "Live", verbs: ["rollback"] },
    { from: "Dev", to: "Dev", verbs: ["transition"] },
  ],
};

test("steps lead out of a stage, in the order of stages, and rollback is none of them", () => {
  expect(stepsFrom(LIFECYCLE, "Dev")).toEqual(["Live", "Gone"]);
  expect(stepsFrom(LIFECYCLE, "Gone")).toEqual([]);
});

test("without a mark the last exclusive stage serves", () => {
  expect(servingStage(LIFECYCLE)).toBe("Live");
  expect(servingStage({ stages: [{ name: "a" }, { name: "b" }, { name: "c", archive: true }] })).toBe("b");
});

test("a stage is known in any case", () => {
  expect(stageNamed(LIFECYCLE, "LIVE")?.name).toBe("Live");
  expect(stageNamed(LIFECYCLE, "nowhere")).toBeUndefined();
});

test("rules are sentences", () => {
  expect(rulesOf(LIFECYCLE.stages[1]!, LIFECYCLE)).toEqual([
    "One version of a model at a time: the one that was there steps back to Dev.",
  ]);
  expect(rulesOf(LIFECYCLE.stages[0]!, LIFECYCLE)).toEqual(["New versions begin here."]);
});

test("an edge is called by its verbs, and one for any verb needs no name", () => {
  expect(edgeLabel({ from: "a", to: "b", verbs: ["promote", "transition"] })).toBe("promote");
  expect(edgeLabel({ from: "a", to: "b", verbs: ["transition"] })).toBe("");
});
