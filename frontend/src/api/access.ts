/** What is asked of people, of what is kept for some, and of who is told. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, type Schemas, said } from "./client";

export type Webhook = Schemas["Webhook"];
export type Delivery = Schemas["Delivery"];
export type Role = Schemas["Role"];
export type Account = Schemas["Account"];
export type Team = Schemas["Team"];

const DELIVERIES = 30;

export const accounts = () =>
  queryOptions({ queryKey: ["accounts"], queryFn: ({ signal }) => said(api.GET("/api/v1/accounts", { signal })) });

export const teams = () => queryOptions({ queryKey: ["teams"], queryFn: ({ signal }) => said(api.GET("/api/v1/teams", { signal })) });

/** What is kept for some: by the project, or by one of its models and the project. */
export const protections = (project: string, model?: string) =>
  queryOptions({
    queryKey: ["protections", project, model ?? ""],
    queryFn: ({ signal }) =>
      model === undefined
        ? said(api.GET("/api/v1/projects/{project}/protections", { params: { path: { project } }, signal }))
        : said(api.GET("/api/v1/projects/{project}/models/{model}/protections", { params: { path: { project, model } }, signal })),
  });

export const webhooks = (project: string) =>
  queryOptions({
    queryKey: ["webhooks", project],
    queryFn: ({ signal }) => said(api.GET("/api/v1/projects/{project}/webhooks", { params: { path: { project } }, signal })),
    refetchInterval: 5_000,
  });

/** What a webhook was told and is still to be told, newest first. */
export const deliveries = (webhook: string, status: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["webhooks", webhook, "deliveries", status ?? ""],
    queryFn: ({ pageParam, signal }) => {
      const query = { status, limit: DELIVERIES, cursor: pageParam };
      return said(api.GET("/api/v1/webhooks/{webhook}/deliveries", { params: { path: { webhook }, query }, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: 5_000,
  });

export const delivery = (uid: string) =>
  queryOptions({
    queryKey: ["webhooks", "delivery", uid],
    queryFn: ({ signal }) => said(api.GET("/api/v1/deliveries/{delivery}", { params: { path: { delivery: uid } }, signal })),
    // What is under way is looked at more often.
    refetchInterval: ({ state }) => (state.data?.status === "pending" ? 1_000 : 5_000),
  });

/** Which tags, metrics and params there are to search by. */
export const knownKeys = (project: string) =>
  queryOptions({
    queryKey: ["keys", project],
    queryFn: ({ signal }) => said(api.GET("/api/v1/projects/{project}/keys", { params: { path: { project } }, signal })),
    staleTime: 60_000,
  });
