/** What a gate says, requirement by requirement. */

import { Badge, Group, Text } from "@mantine/core";
import type { Schemas } from "../api/client";
import { CheckIcon, CrossIcon, HourglassIcon } from "./icons";
import styles from "./gate.module.css";

export interface GateRow {
  requirement: string;
  name: string;
  verdict: "passed" | "failed" | "missing";
  sentence: string;
  remedy: string;
  mode: "enforce" | "advisory";
}

export type Report = Schemas["ReportDocument"];

export function rowsOf(report: Report): GateRow[] {
  return report.rows as unknown as GateRow[];
}

/** The verdict in one line. */
export function headline(report: Report): string {
  const rows = rowsOf(report);
  const unmet = rows.filter((row) => row.verdict !== "passed");
  if (rows.length === 0) return `Nothing guards the way into ${report.stage}.`;
  if (unmet.length === 0) return `The gate to ${report.stage} is open: ${rows.length === 1 ? "its requirement holds" : `all ${rows.length} requirements hold`}.`;
  const told = `${unmet.length} of ${rows.length} ${rows.length === 1 ? "requirement does" : "requirements do"} not hold`;
  return report.allowed ? `The gate to ${report.stage} is open, with advice: ${told}.` : `The gate to ${report.stage} is closed: ${told}.`;
}

const SIGNS = {
  passed: { Icon: CheckIcon, word: "holds" },
  failed: { Icon: CrossIcon, word: "fails" },
  missing: { Icon: HourglassIcon, word: "missing" },
};

export function GateRows({ report }: { report: Report }) {
  const rows = rowsOf(report);
  if (rows.length === 0) return null;
  return (
    <ul className={styles.rows} aria-label={`Requirements for ${report.stage}`}>
      {rows.map((row, at) => {
        const { Icon, word } = SIGNS[row.verdict];
        return (
          <li key={at} className={styles.row} data-verdict={row.verdict} data-mode={row.mode}>
            <span className={styles.sign} role="img" aria-label={word}>
              <Icon size={15} />
            </span>
            <div className={styles.told}>
              <Group gap={6}>
                <Text size="sm">{row.sentence}</Text>
                {row.mode === "advisory" && (
                  <Badge size="xs" variant="default">
                    advice
                  </Badge>
                )}
              </Group>
              {row.verdict !== "passed" && row.remedy && (
                <Text size="xs" c="dimmed">
                  Missing: {row.remedy}
                </Text>
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
