/** What the navigation lists, in its order. A new page adds its line here and its route in router.tsx. */

import type { ComponentType } from "react";
import { BoardIcon, LifecyclesIcon, ModelsIcon } from "../parts/icons";

export interface NavEntry {
  to: "/p/$project/models" | "/p/$project/board" | "/p/$project/lifecycles";
  label: string;
  Icon: ComponentType<{ size?: number }>;
  /** A number beside the label, such as how many requests wait; called within the shell. */
  useCount?: (project: string) => number | undefined;
}

export const NAV: readonly NavEntry[] = [
  { to: "/p/$project/models", label: "Models", Icon: ModelsIcon },
  { to: "/p/$project/board", label: "Board", Icon: BoardIcon },
  { to: "/p/$project/lifecycles", label: "Lifecycles", Icon: LifecyclesIcon },
];
