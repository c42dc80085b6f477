/** How something is, in a word, with a dot whose colour says whether that is good. */

import type { CSSProperties } from "react";
import { stageColour } from "../theme";
import styles from "./chips.module.css";

export type Mood = "good" | "bad" | "soon" | "quiet";

const COLOURS: Record<Mood, string> = { good: "green", bad: "red", soon: "amber", quiet: "gray" };

export function State({ mood, children }: { mood: Mood; children: string }) {
  return (
    <span className={`${styles.chip} ${styles.stage}`} style={{ "--stage": stageColour(COLOURS[mood]) } as CSSProperties}>
      <i className={styles.dot} />
      <span>{children}</span>
    </span>
  );
}
