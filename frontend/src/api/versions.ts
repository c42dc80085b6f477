/** What is asked of one version, of a board, and of gates. */

import { queryOptions } from "@tanstack/react-query";
import { api, type Schemas, said, saidOrNull } from "./client";

export type Board = Schemas["Board"];
export type BoardCard = Schemas["BoardCard"];
export type Preview = Schemas["Preview"];
export type Request = Schemas["PromotionRequest"];
export type AuditEvent = Schemas["AuditEvent"];

/** One version by its name; what most questions here are asked of. */
export interface Named {
  project: string;
  model: string;
  version: string;
}

export const CARDS_MAX = 50;
const EVENTS_MAX = 200;

/** The board of a model, or of the whole project. */
export const board = (project: string, model: string | undefined) =>
  queryOptions({
    queryKey: ["boards", project, model ?? ""],
    queryFn: ({ signal }) => {
      const query = { limit: CARDS_MAX };
      if (model === undefined) {
        return said(api.GET("/api/v1/projects/{project}/board", { params: { path: { project }, query }, signal }));
      }
      return said(api.GET("/api/v1/projects/{project}/models/{model}/board", { params: { path: { project, model }, query }, signal }));
    },
  });

const VERSION = "/api/v1/projects/{project}/models/{model}/versions/{version}";

export const version = (path: Named) =>
  queryOptions({
    queryKey: ["versions", path, "version"],
    queryFn: ({ signal }) => said(api.GET(VERSION, { params: { path }, signal })),
  });

/** What a transition would meet, and whom it would move. */
export const preview = (path: Named, to: string) =>
  queryOptions({
    queryKey: ["versions", path, "preview", to],
    queryFn: ({ signal }) => said(api.GET(`${VERSION}/preview`, { params: { path, query: { to } }, signal })),
  });

/** A version's passages, oldest first. */
export const transitions = (path: Named) =>
  queryOptions({
    queryKey: ["versions", path, "transitions"],
    queryFn: ({ signal }) => said(api.GET(`${VERSION}/transitions`, { params: { path }, signal })),
  });

/** The files of a version; null where none were pushed. */
export const files = (path: Named) =>
  queryOptions({
    queryKey: ["versions", path, "files"],
    queryFn: ({ signal }) => saidOrNull(api.GET(`${VERSION}/files`, { params: { path }, signal })),
  });

export interface Tensor {
  name: string;
  dtype: string;
  shape: number[];
  size: number;
  digest: string;
}

/** The manifest that a digest names; it never changes. */
export const manifest = (path: Named, digest: string) =>
  queryOptions({
    queryKey: ["manifests", digest],
    queryFn: async ({ signal }) => {
      const found = await said(api.GET(`${VERSION}/manifest`, { params: { path }, parseAs: "json", signal }));
      return found as unknown as { files: { path: string; tensors: Tensor[] | null }[] };
    },
    staleTime: Infinity,
  });

export const children = (path: Named) =>
  queryOptions({
    queryKey: ["versions", path, "children"],
    queryFn: ({ signal }) => said(api.GET(`${VERSION}/children`, { params: { path }, signal })),
  });

/** Requests to promote a version, newest first; only the open ones, or all. */
export const requests = ({ project, model, version: label }: Named, status?: string) =>
  queryOptions({
    queryKey: ["requests", project, model, label, status ?? ""],
    queryFn: ({ signal }) => {
      const query = { model: `${project}/${model}`, version: label, status, limit: 50 };
      return said(api.GET("/api/v1/requests", { params: { query }, signal }));
    },
  });

/** A request with what its gate says now. */
export const asked = (request: string) =>
  queryOptions({
    queryKey: ["requests", request],
    queryFn: ({ signal }) => said(api.GET("/api/v1/requests/{request}", { params: { path: { request } }, signal })),
  });

/** What the log says of a version, newest first. */
export const events = ({ project, model, version: label }: Named) =>
  queryOptions({
    queryKey: ["events", project, model, label],
    queryFn: ({ signal }) => {
      const query = { project, model, version: label, newest_first: true, limit: EVENTS_MAX };
      return said(api.GET("/api/v1/audit", { params: { query }, signal }));
    },
  });

/** The policies that guard stages of every model of a project, beside the lifecycles' own. */
export const policies = (project: string) =>
  queryOptions({
    queryKey: ["policies", project],
    queryFn: ({ signal }) => said(api.GET("/api/v1/projects/{project}/policies", { params: { path: { project } }, signal })),
  });
