/** What is asked of versions in use: where they run, how they are split and watched. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, type Schemas, said, saidOrNull } from "./client";
import type { Named } from "./versions";

export type Deployment = Schemas["Deployment"];
export type Split = Schemas["Split"];
export type Outcomes = Schemas["OutcomeComparison"];
export type Monitor = Schemas["Monitor"];
export type Series = Schemas["ObservationSeries"];
export type Drift = Schemas["DriftSeries"];

const MODEL = "/api/v1/projects/{project}/models/{model}";
const VERSION = `${MODEL}/versions/{version}` as const;
const PAGE = 50;
/** Heartbeats, outcomes and observations are no events of the log: they are looked at now and then. */
const LOOK_MS = 15_000;
const POINTS = 240;

export const deployments = (project: string, model: string, ended: boolean) =>
  infiniteQueryOptions({
    queryKey: ["deployments", project, model, ended],
    queryFn: ({ pageParam, signal }) => {
      const query = { model: `${project}/${model}`, include_ended: ended, limit: PAGE, cursor: pageParam };
      return said(api.GET("/api/v1/deployments", { params: { query }, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: LOOK_MS,
  });

/** Who uses a version: deployments, who pulled it, nodes of a cache. */
export const users = (path: Named) =>
  queryOptions({
    queryKey: ["versions", path, "users"],
    queryFn: ({ signal }) => said(api.GET(`${VERSION}/users`, { params: { path }, signal })),
    refetchInterval: LOOK_MS,
  });

/** How a model's keys are shared out; null where they are not. */
export const split = (project: string, model: string) =>
  queryOptions({
    queryKey: ["splits", project, model],
    queryFn: ({ signal }) => saidOrNull(api.GET(`${MODEL}/split`, { params: { path: { project, model } }, signal })),
  });

/** The version that an arm means now; null while it means none. */
export const meant = (project: string, model: string, arm: { kind: string; name: string }) =>
  queryOptions({
    queryKey: ["versions", "meant", project, model, arm.kind, arm.name],
    queryFn: ({ signal }) => {
      const ref = `${project}/${model}${arm.kind === "version" ? ":" : "@"}${arm.name}`;
      return saidOrNull(api.GET("/api/v1/resolve", { params: { query: { ref } }, signal }));
    },
  });

export interface OutcomesWanted {
  metric: string;
  baseline?: string;
  direction: "higher" | "lower";
}

export const outcomes = (project: string, model: string, wanted: OutcomesWanted) =>
  queryOptions({
    queryKey: ["splits", project, model, "outcomes", wanted],
    queryFn: ({ signal }) => said(api.GET(`${MODEL}/outcomes`, { params: { path: { project, model }, query: { ...wanted } }, signal })),
    refetchInterval: LOOK_MS,
  });

/** Which metrics of a version in use there are to look at. */
export const measured = (path: Named) =>
  queryOptions({
    queryKey: ["versions", path, "measured"],
    queryFn: ({ signal }) => said(api.GET(`${VERSION}/measured`, { params: { path }, signal })),
    refetchInterval: LOOK_MS,
  });

export const monitors = (project: string, model: string) =>
  queryOptions({
    queryKey: ["monitors", project, model],
    queryFn: ({ signal }) => said(api.GET(`${MODEL}/monitors`, { params: { path: { project, model } }, signal })),
  });

/** A metric of a version in use over time, from `since` on; all that is kept without it. */
export const observations = (path: Named, metric: string, since: string | undefined) =>
  queryOptions({
    queryKey: ["versions", path, "observations", metric, since ?? ""],
    queryFn: ({ signal }) => {
      const query = { metric, points: POINTS, since };
      return said(api.GET(`${VERSION}/observations`, { params: { path, query }, signal }));
    },
    refetchInterval: LOOK_MS,
  });

/** How the values of a metric are spread, from `since` on, beside how they were; refused where nobody said how they were. */
export const drift = (path: Named, metric: string, since: string | undefined) =>
  queryOptions({
    queryKey: ["versions", path, "drift", metric, since ?? ""],
    queryFn: ({ signal }) => {
      const query = { metric, points: POINTS, since };
      return said(api.GET(`${VERSION}/drift`, { params: { path, query }, signal }));
    },
    refetchInterval: LOOK_MS,
  });

/** The alarms of a model's monitors and their ends, newest first. */
export const alarms = (project: string, model: string) =>
  queryOptions({
    queryKey: ["events", project, model, "alarms"],
    queryFn: async ({ signal }) => {
      const asked = (action: string) => {
        const query = { project, model: `${project}/${model}`, action, newest_first: true, limit: 20 };
        return said(api.GET("/api/v1/audit", { params: { query }, signal }));
      };
      const [raised, over] = await Promise.all([asked("monitor_alarm"), asked("monitor_recovered")]);
      return [...raised.items, ...over.items].sort((one, other) => other.seq - one.seq);
    },
  });
