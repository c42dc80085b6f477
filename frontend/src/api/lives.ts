/** What is asked of a project's inbox, log and people, of the past of a model, and of several versions at once. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, type Schemas, said, saidOrNull } from "./client";

export type Request = Schemas["PromotionRequest"];
export type AuditEvent = Schemas["AuditEvent"];
export type Occupancy = Schemas["Occupancy"];
export type Lineup = Schemas["Lineup"];

export const WAITING_MAX = 100;
const EVENTS = 50;
export const TREND_MAX = 200;
export const COMPARED_MIN = 2;
export const COMPARED_MAX = 6;

/** The requests that wait for a decision, newest first: of whoever looks, or of anybody. */
export const inbox = (project: string, mine = true) =>
  queryOptions({
    queryKey: ["requests", "inbox", project, mine],
    queryFn: ({ signal }) => said(api.GET("/api/v1/inbox", { params: { query: { project, mine, limit: WAITING_MAX } }, signal })),
  });

/** The latest version in a stage; null while it is empty. */
export const standing = (project: string, model: string, stage: string) =>
  queryOptions({
    queryKey: ["models", project, model, "standing", stage],
    queryFn: ({ signal }) =>
      saidOrNull(
        api.GET("/api/v1/projects/{project}/models/{model}/latest", { params: { path: { project, model }, query: { stage } }, signal }),
      ),
  });

/** Two to six versions side by side. */
export const lineup = (project: string, model: string, versions: readonly string[]) =>
  queryOptions({
    queryKey: ["versions", "lineup", project, model, versions],
    queryFn: ({ signal }) =>
      said(
        api.GET("/api/v1/projects/{project}/models/{model}/lineup", {
          params: { path: { project, model }, query: { version: [...versions] } },
          signal,
        }),
      ),
  });

export interface EventsWanted {
  model?: string;
  version?: string;
  actor?: string;
  action?: string;
  since?: string;
  until?: string;
}

/** The log, newest first. */
export const log = (project: string, wanted: EventsWanted) =>
  infiniteQueryOptions({
    queryKey: ["events", project, "log", wanted],
    queryFn: ({ pageParam, signal }) => {
      const model = wanted.model && `${project}/${wanted.model}`;
      const query = { ...wanted, project, model, newest_first: true, limit: EVENTS, cursor: pageParam };
      return said(api.GET("/api/v1/audit", { params: { query }, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** How far the log is verified; asked again soon while there is more to look at. */
export const verified = (project: string) =>
  queryOptions({
    queryKey: ["events", project, "verified"],
    queryFn: ({ signal }) => said(api.GET("/api/v1/audit/verified", { params: { query: { project } }, signal })),
    refetchInterval: ({ state }) => (state.data?.ok && state.data.seq < state.data.size ? 1_000 : false),
  });

/** Who stood where from when to when: stages and aliases, oldest first. */
export const history = (project: string, model: string) =>
  queryOptions({
    queryKey: ["models", project, model, "history"],
    queryFn: ({ signal }) =>
      said(api.GET("/api/v1/projects/{project}/models/{model}/history", { params: { path: { project, model } }, signal })),
  });

/** The newest versions in one request, for their metrics. */
export const trend = (project: string, model: string) =>
  queryOptions({
    queryKey: ["models", project, model, "trend"],
    queryFn: ({ signal }) =>
      said(
        api.GET("/api/v1/projects/{project}/models/{model}/versions", {
          params: { path: { project, model }, query: { limit: TREND_MAX } },
          signal,
        }),
      ),
  });

export const aliases = (project: string, model: string) =>
  queryOptions({
    queryKey: ["models", project, model, "aliases"],
    queryFn: ({ signal }) =>
      said(api.GET("/api/v1/projects/{project}/models/{model}/aliases", { params: { path: { project, model } }, signal })),
  });

export const members = (project: string) =>
  queryOptions({
    queryKey: ["members", project],
    queryFn: ({ signal }) => said(api.GET("/api/v1/projects/{project}/members", { params: { path: { project } }, signal })),
  });

export const roles = () =>
  queryOptions({ queryKey: ["roles"], queryFn: ({ signal }) => said(api.GET("/api/v1/roles", { signal })) });

export const whoami = () =>
  queryOptions({ queryKey: ["whoami"], queryFn: ({ signal }) => said(api.GET("/api/v1/whoami", { signal })) });

export const tokens = () =>
  queryOptions({ queryKey: ["tokens"], queryFn: ({ signal }) => said(api.GET("/api/v1/tokens", { signal })) });

/** What the nodes of a cluster have of models, the longest unused first; null where no cache is shared. */
export const cached = () =>
  queryOptions({
    queryKey: ["cache"],
    queryFn: ({ signal }) => saidOrNull(api.GET("/api/v1/cache/records", { params: { query: { limit: 100 } }, signal })),
  });
