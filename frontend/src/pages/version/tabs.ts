import type { Model, Version } from "../../api/client";
import type { Named } from "../../api/versions";

/** What every tab of a version's page is given. */
export interface TabProps {
  model: Model;
  version: Version;
  named: Named;
  /** Open the dialog before a move. */
  ask: (to: string) => void;
}
