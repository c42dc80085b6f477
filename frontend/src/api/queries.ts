/** What the pages ask, one function a question. Keys begin with a noun, so that a change can name it. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Written, written } from "../words/filters";
import { api, said, saidOrNull } from "./client";

export const PAGE = 50;

export const projects = () =>
  queryOptions({
    queryKey: ["projects"],
    queryFn: ({ signal }) => said(api.GET("/api/v1/projects", { params: { query: { limit: 100 } }, signal })),
  });

export interface ModelsWanted {
  project: string;
  filter: string;
  order: string;
}

/** What a list of models can be told to show. */
export interface ModelsShown {
  q?: string;
  stage?: string;
  tag?: string[];
  sort?: string;
}

const SORTS: Record<string, string> = {
  name: "name",
  "-name": "name DESC",
  updated: "updated_at DESC",
  created: "created_at DESC",
  owner: "owner",
};

export function askedBy({ q, stage, tag }: ModelsShown): Written {
  return written({ text: q ?? "", stage, tags: tag ?? [] });
}

export function modelsWanted(project: string, shown: ModelsShown): ModelsWanted {
  return { project, filter: askedBy(shown).filter, order: SORTS[shown.sort ?? ""] ?? "name" };
}

export const overview = ({ project, filter, order }: ModelsWanted) =>
  infiniteQueryOptions({
    queryKey: ["models", "overview", project, filter, order],
    queryFn: ({ pageParam, signal }) => {
      const query = { project, filter, order_by: [order], limit: PAGE, cursor: pageParam };
      return said(api.GET("/api/v1/overview", { params: { query }, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const summary = (project: string) =>
  queryOptions({
    queryKey: ["summary", project],
    queryFn: ({ signal }) => said(api.GET("/api/v1/summary", { params: { query: { project } }, signal })),
  });

export const model = (project: string, name: string) =>
  queryOptions({
    queryKey: ["models", project, name],
    queryFn: ({ signal }) =>
      said(api.GET("/api/v1/projects/{project}/models/{model}", { params: { path: { project, model: name } }, signal })),
  });

/** The version in production; null while that stage is empty. */
export const production = (project: string, name: string) =>
  queryOptions({
    queryKey: ["models", project, name, "production"],
    queryFn: ({ signal }) =>
      saidOrNull(
        api.GET("/api/v1/projects/{project}/models/{model}/production", {
          params: { path: { project, model: name } },
          signal,
        }),
      ),
  });

export const versions = (project: string, name: string, stage: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["models", project, name, "versions", stage ?? ""],
    queryFn: ({ pageParam, signal }) =>
      said(
        api.GET("/api/v1/projects/{project}/models/{model}/versions", {
          params: { path: { project, model: name }, query: { stage, limit: PAGE, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** A version's model card, or its description; null where it has neither. */
export const card = (project: string, name: string, version: string) =>
  queryOptions({
    queryKey: ["models", project, name, "card", version],
    queryFn: ({ signal }) =>
      saidOrNull(
        api.GET("/api/v1/projects/{project}/models/{model}/versions/{version}/card", {
          params: { path: { project, model: name, version } },
          signal,
        }),
      ),
  });

export const lifecycles = () =>
  queryOptions({
    queryKey: ["lifecycles"],
    queryFn: ({ signal }) => said(api.GET("/api/v1/lifecycles", { signal })),
  });

/** A revision of a lifecycle never changes. */
export const lifecycle = (name: string, revision: number) =>
  queryOptions({
    queryKey: ["lifecycle", name, revision],
    queryFn: ({ signal }) =>
      said(api.GET("/api/v1/lifecycles/{name}", { params: { path: { name }, query: { revision } }, signal })),
    staleTime: Infinity,
  });
