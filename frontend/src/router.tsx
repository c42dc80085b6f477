/** Every page and its URL. Pages are loaded when they are first opened; their state is their search words. */

import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { type ModelsShown, modelsWanted, overview, projects } from "./api/queries";
import { ProblemCard, RowsComing } from "./parts/states";
import { UI } from "./place";
import { lastProject } from "./shell/lastProject";
import { NotFound } from "./shell/NotFound";
import { Shell } from "./shell/Shell";
import { one, parseSearch, several, writeSearch } from "./words/search";

interface Context {
  client: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: NotFound });

/** The state of a model's page: tab, the versions' stage and columns, the snippet's tool. */
export interface ModelWords {
  tab?: string;
  stage?: string;
  columns?: string[];
  snippet?: string;
  /** The versions that are ticked to be compared. */
  tick?: string[];
  /** The moment that the timeline looks at. */
  at?: string;
  /** Whether ended deployments are listed, too. */
  ended?: string;
  /** What a split is compared by, with which arm, and which way is better. */
  metric?: string;
  baseline?: string;
  better?: string;
  /** How far back the charts of observations go, and the monitor that is being changed, or made. */
  span?: string;
  monitor?: string;
  fresh?: string;
}

/** The state of a comparison: which versions, and whether also what is the same. */
export interface CompareWords {
  version?: string[];
  all?: string;
}

/** The state of the inbox: the request that is looked at. */
export interface InboxWords {
  request?: string;
  /** Whether also what waits for others is listed. */
  all?: string;
}

/** The state of the log: its filters, and the event whose JSON is open. */
export interface AuditWords {
  model?: string;
  version?: string;
  actor?: string;
  action?: string;
  since?: string;
  until?: string;
  event?: string;
}

/** The state of the settings: tab, the webhook that is looked at, and of what it was told. */
export interface SettingsWords {
  tab?: string;
  webhook?: string;
  status?: string;
  delivery?: string;
}

/** The state of the board: whose, and the move that a dialog is open about. */
export interface BoardWords {
  model?: string;
  move?: string;
  from?: string;
  to?: string;
}

/** The state of a version's page: tab, the file whose tensors are shown, the gate that is looked at, an open move. */
export interface VersionWords {
  tab?: string;
  file?: string;
  q?: string;
  gate?: string;
  from?: string;
  to?: string;
}

/** The state of the lifecycles: which one, which revision, whether a new one is being written. */
export interface LifecyclesWords {
  name?: string;
  revision?: string;
  edit?: string;
}

const modelsPage = () => import("./pages/models/ModelsPage");

/** The address of the UI alone: the project that was looked at last, or the first there is. */
const start = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: async ({ context }) => {
    void modelsPage();
    const known = await context.client.ensureQueryData(projects());
    const names = known.items.map((each) => each.name);
    const kept = lastProject();
    const project = kept && names.includes(kept) ? kept : (names[0] ?? "default");
    throw redirect({ to: "/p/$project/models", params: { project }, replace: true });
  },
});

/** Everything of a project, with the header and the navigation around it. */
export const project = createRoute({ getParentRoute: () => root, path: "/p/$project", component: Shell });

const projectStart = createRoute({
  getParentRoute: () => project,
  path: "/",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/p/$project/models", params, replace: true });
  },
});

export const models = createRoute({
  getParentRoute: () => project,
  path: "/models",
  validateSearch: (words: Record<string, unknown>): ModelsShown => ({
    q: one(words.q),
    stage: one(words.stage),
    tag: several(words.tag),
    sort: one(words.sort),
  }),
  // What it shows is asked for while the page itself is still on its way.
  loaderDeps: ({ search }) => search,
  loader: ({ context, params, deps }) => {
    void context.client.prefetchInfiniteQuery(overview(modelsWanted(params.project, deps)));
  },
  component: lazyRouteComponent(modelsPage, "ModelsPage"),
});

export const model = createRoute({
  getParentRoute: () => project,
  path: "/models/$model",
  validateSearch: (words: Record<string, unknown>): ModelWords => ({
    tab: one(words.tab),
    stage: one(words.stage),
    columns: several(words.columns),
    snippet: one(words.snippet),
    tick: several(words.tick),
    at: one(words.at),
    ended: one(words.ended),
    metric: one(words.metric),
    baseline: one(words.baseline),
    better: one(words.better),
    span: one(words.span),
    monitor: one(words.monitor),
    fresh: one(words.fresh),
  }),
  component: lazyRouteComponent(() => import("./pages/model/ModelPage"), "ModelPage"),
});

export const board = createRoute({
  getParentRoute: () => project,
  path: "/board",
  validateSearch: (words: Record<string, unknown>): BoardWords => ({
    model: one(words.model),
    move: one(words.move),
    from: one(words.from),
    to: one(words.to),
  }),
  component: lazyRouteComponent(() => import("./pages/board/BoardPage"), "BoardPage"),
});

export const version = createRoute({
  getParentRoute: () => project,
  path: "/models/$model/versions/$version",
  validateSearch: (words: Record<string, unknown>): VersionWords => ({
    tab: one(words.tab),
    file: one(words.file),
    q: one(words.q),
    gate: one(words.gate),
    from: one(words.from),
    to: one(words.to),
  }),
  component: lazyRouteComponent(() => import("./pages/version/VersionPage"), "VersionPage"),
});

export const lifecycles = createRoute({
  getParentRoute: () => project,
  path: "/lifecycles",
  validateSearch: (words: Record<string, unknown>): LifecyclesWords => ({
    name: one(words.name),
    revision: one(words.revision),
    edit: one(words.edit),
  }),
  component: lazyRouteComponent(() => import("./pages/lifecycles/LifecyclesPage"), "LifecyclesPage"),
});

export const compare = createRoute({
  getParentRoute: () => project,
  path: "/models/$model/compare",
  validateSearch: (words: Record<string, unknown>): CompareWords => ({ version: several(words.version), all: one(words.all) }),
  component: lazyRouteComponent(() => import("./pages/compare/ComparePage"), "ComparePage"),
});

export const inbox = createRoute({
  getParentRoute: () => project,
  path: "/inbox",
  validateSearch: (words: Record<string, unknown>): InboxWords => ({ request: one(words.request), all: one(words.all) }),
  component: lazyRouteComponent(() => import("./pages/inbox/InboxPage"), "InboxPage"),
});

export const audit = createRoute({
  getParentRoute: () => project,
  path: "/audit",
  validateSearch: (words: Record<string, unknown>): AuditWords => ({
    model: one(words.model),
    version: one(words.version),
    actor: one(words.actor),
    action: one(words.action),
    since: one(words.since),
    until: one(words.until),
    event: one(words.event),
  }),
  component: lazyRouteComponent(() => import("./pages/audit/AuditPage"), "AuditPage"),
});

export const settings = createRoute({
  getParentRoute: () => project,
  path: "/settings",
  validateSearch: (words: Record<string, unknown>): SettingsWords => ({
    tab: one(words.tab),
    webhook: one(words.webhook),
    status: one(words.status),
    delivery: one(words.delivery),
  }),
  component: lazyRouteComponent(() => import("./pages/settings/SettingsPage"), "SettingsPage"),
});

const tree = root.addChildren([
  start,
  project.addChildren([projectStart, models, model, board, version, lifecycles, compare, inbox, audit, settings]),
]);

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    basepath: UI.pathname,
    context: { client },
    parseSearch,
    stringifySearch: writeSearch,
    defaultPreload: "intent",
    scrollRestoration: true,
    defaultPendingComponent: RowsComing,
    defaultErrorComponent: ({ error, reset }) => <ProblemCard error={error} retry={reset} />,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
