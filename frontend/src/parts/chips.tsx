/** The small signs by which versions are known everywhere: stage, metric, tag, alias. */

import { useQuery } from "@tanstack/react-query";
import type { CSSProperties } from "react";
import { lifecycle } from "../api/queries";
import { stageColour } from "../theme";
import { metricText } from "../words/numbers";
import styles from "./chips.module.css";
import { FlagIcon } from "./icons";

/** A stage in the colour that its lifecycle gives it. */
export function StageChip({ stage, of }: { stage: string; of: { lifecycle: string; lifecycle_revision: number } }) {
  const { data } = useQuery(lifecycle(of.lifecycle, of.lifecycle_revision));
  const found = data?.stages.find((each) => each.name === stage);
  const colour = typeof found?.colour === "string" ? stageColour(found.colour) : "transparent";
  return (
    <span className={`${styles.chip} ${styles.stage}`} style={{ "--stage": colour } as CSSProperties}>
      <i className={styles.dot} />
      <span>{stage}</span>
    </span>
  );
}

export function MetricChip({ name, value }: { name: string; value: number }) {
  return (
    <span className={`${styles.chip} ${styles.metric}`}>
      <span className={styles.name}>{name}</span> <b>{metricText(value)}</b>
    </span>
  );
}

export function TagChip({ name, value }: { name: string; value: string }) {
  return (
    <span className={styles.chip}>
      <span>{value && value !== "true" ? `${name}: ${value}` : name}</span>
    </span>
  );
}

export function AliasChip({ alias }: { alias: string }) {
  return (
    <span className={`${styles.chip} ${styles.alias}`}>
      <FlagIcon size={14} />
      <span>{alias}</span>
    </span>
  );
}
