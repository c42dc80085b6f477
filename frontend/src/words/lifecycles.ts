/** What a lifecycle's document says, read for drawing and for sentences. */

import type { Schemas } from "../api/client";

export type Lifecycle = Schemas["LifecycleDocument"];

export interface Stage {
  name: string;
  aliases?: string[];
  colour?: string;
  description?: string;
  exclusive?: boolean;
  incumbent?: string;
  archive?: boolean;
  serving?: boolean;
  on_enter?: string[];
}

export interface Edge {
  from: string;
  to: string;
  verbs: string[];
}

export function stagesOf(lifecycle: Pick<Lifecycle, "stages">): Stage[] {
  return lifecycle.stages as unknown as Stage[];
}

/** The ways from one stage to another; staying where one is is none. */
export function edgesOf(lifecycle: Pick<Lifecycle, "edges">): Edge[] {
  return (lifecycle.edges as unknown as Edge[]).filter((edge) => edge.from !== edge.to);
}

/** The stage that is called so, in whatever case. */
export function stageNamed(lifecycle: Pick<Lifecycle, "stages">, name: string): Stage | undefined {
  const key = name.toLowerCase();
  return stagesOf(lifecycle).find((stage) => stage.name.toLowerCase() === key);
}

/** Where a version may go from a stage when somebody says so; going back on the record is another verb. */
export function stepsFrom(lifecycle: Pick<Lifecycle, "stages" | "edges">, from: string): string[] {
  const ways = edgesOf(lifecycle).filter((edge) => edge.from === from && edge.verbs.some((verb) => verb !== "rollback"));
  return stagesOf(lifecycle)
    .map((stage) => stage.name)
    .filter((name) => ways.some((edge) => edge.to === name));
}

/** The stage whose versions are in production: the marked, else the last exclusive, else the last that is no archive. */
export function servingStage(lifecycle: Pick<Lifecycle, "stages">): string {
  const stages = stagesOf(lifecycle);
  const last = (fits: (stage: Stage) => boolean | undefined) => stages.filter(fits).at(-1);
  return (last((stage) => stage.serving) ?? last((stage) => stage.exclusive) ?? last((stage) => !stage.archive) ?? stages.at(-1))?.name ?? "";
}

/** What the verb of an edge is called where it is drawn. */
export function edgeLabel(edge: Edge): string {
  return edge.verbs.filter((verb) => verb !== "transition").join(", ");
}

/** What holds for whoever stands in a stage, as sentences. */
export function rulesOf(stage: Stage, lifecycle: Pick<Lifecycle, "initial">): string[] {
  const said: string[] = [];
  if (stage.name === lifecycle.initial) said.push("New versions begin here.");
  if (stage.serving) said.push("What stands here is in production.");
  if (stage.exclusive) said.push(`One version of a model at a time: ${makesRoom(stage.incumbent ?? "reject")}`);
  if (stage.archive) said.push("Retired versions come here.");
  if (stage.on_enter?.includes("stamp_approval")) said.push("Whoever lets a version in is noted as its approver.");
  if (stage.aliases?.length) said.push(`Also called ${stage.aliases.join(", ")}.`);
  return said;
}

function makesRoom(incumbent: string): string {
  if (incumbent === "archive") return "the one that was there is archived.";
  if (incumbent.startsWith("demote:")) return `the one that was there steps back to ${incumbent.slice(7)}.`;
  return "while it stands there, nobody else enters.";
}

const SAME_STAGE: Record<string, string> = {
  reject: "A step to where a version stands already is refused.",
  noop: "A step to where a version stands already does nothing.",
  noop_audit: "A step to where a version stands already changes nothing and goes on record.",
  record: "A step to where a version stands already is recorded as a passage.",
};

/** What holds for the whole lifecycle, as sentences. */
export function rulesOfAll(lifecycle: Lifecycle): string[] {
  return [
    SAME_STAGE[lifecycle.same_stage] ?? "",
    lifecycle.initial_choice ? "Who registers a version may choose where it begins." : "",
    lifecycle.on_duplicate_version === "return_existing"
      ? "A version that is registered twice is the one that is there."
      : "A version that is registered twice is refused.",
    `Versions are ${SCHEMES[lifecycle.version_scheme] ?? lifecycle.version_scheme}.`,
    lifecycle.policy_mode === "advisory" ? "Policies advise and stop nobody." : "",
  ].filter(Boolean);
}

const SCHEMES: Record<string, string> = {
  auto: "numbered by the server",
  int: "whole numbers that the caller gives",
  semver: "semantic versions, such as 1.4.0",
  string: "any text; the server numbers those without a name",
};
