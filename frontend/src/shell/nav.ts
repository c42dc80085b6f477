/** What the navigation lists, in its order. A new page adds its line here and its route in router.tsx. */

import { useQuery } from "@tanstack/react-query";
import type { ComponentType } from "react";
import { inbox } from "../api/lives";
import { AuditIcon, BoardIcon, InboxIcon, LifecyclesIcon, ModelsIcon, SettingsIcon } from "../parts/icons";

export interface NavEntry {
  to: `/p/$project/${"models" | "board" | "inbox" | "audit" | "lifecycles" | "settings"}`;
  label: string;
  Icon: ComponentType<{ size?: number }>;
  /** A number beside the label, such as how many requests wait; called within the shell. */
  useCount?: (project: string) => number | undefined;
}

function useWaiting(project: string): number | undefined {
  return useQuery(inbox(project)).data?.items.length;
}

export const NAV: readonly NavEntry[] = [
  { to: "/p/$project/models", label: "Models", Icon: ModelsIcon },
  { to: "/p/$project/board", label: "Board", Icon: BoardIcon },
  { to: "/p/$project/inbox", label: "Inbox", Icon: InboxIcon, useCount: useWaiting },
  { to: "/p/$project/audit", label: "Audit", Icon: AuditIcon },
  { to: "/p/$project/lifecycles", label: "Lifecycles", Icon: LifecyclesIcon },
  { to: "/p/$project/settings", label: "Settings", Icon: SettingsIcon },
];
