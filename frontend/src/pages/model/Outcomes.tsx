import { Autocomplete, Code, Group, SegmentedControl, Select, Text } from "@mantine/core";
import { useQueries, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Model } from "../../api/client";
import { measured, meant, type Outcomes as Compared, outcomes, type Split } from "../../api/uses";
import { Panel } from "../../parts/Panel";
import { type Mood, State } from "../../parts/State";
import { ProblemCard, RowsComing } from "../../parts/states";
import { Table } from "../../parts/Table";
import { VersionLink } from "../../parts/VersionLink";
import { axisOf } from "../../words/intervals";
import { count, metricText } from "../../words/numbers";
import styles from "./split.module.css";

const FROM = "/p/$project/models/$model";
const MOODS: Record<Compared["arms"][number]["verdict"], Mood> = { better: "good", worse: "bad", undecided: "quiet", baseline: "quiet" };

/** The arms compared by a metric: their means, and how far apart they may truly be. */
export function Outcomes({ model, split }: { model: Model; split: Split }) {
  const words = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const known = useKnown(model, split);
  const metric = words.metric ?? known[0];
  const direction = words.better === "lower" ? "lower" : "higher";
  const set = (changed: Partial<typeof words>) => navigate({ search: (before) => ({ ...before, ...changed }), replace: true });
  return (
    <Panel title="What came of it">
      <Group gap="sm" align="flex-end">
        <Metric key={metric} metric={metric ?? ""} known={known} choose={(next) => set({ metric: next || undefined })} />
        <Select
          label="Compared with"
          data={split.arms.map((arm) => arm.name)}
          value={words.baseline ?? split.arms[0]?.name ?? null}
          onChange={(baseline) => set({ baseline: baseline ?? undefined })}
          allowDeselect={false}
          w="11rem"
        />
        <SegmentedControl
          aria-label="Which is better"
          data={[
            { value: "higher", label: "Higher is better" },
            { value: "lower", label: "Lower is better" },
          ]}
          value={direction}
          onChange={(next) => set({ better: next === "lower" ? "lower" : undefined })}
        />
      </Group>
      {metric ? (
        <Comparison model={model} split={split} metric={metric} baseline={words.baseline} direction={direction} />
      ) : (
        <Text size="sm" c="dimmed">
          No outcome was reported yet. Whoever serves the arms says what came of them:{" "}
          <Code>lockgate outcomes report {model.name} click --arm {split.arms[0]?.name} --successes 12 --trials 100</Code>
        </Text>
      )}
    </Panel>
  );
}

/** The metrics that were reported of what the arms mean now. */
function useKnown(model: Model, split: Split): string[] {
  const arms = useQueries({ queries: split.arms.map((arm) => meant(model.project, model.name, arm)) });
  const labels = [...new Set(arms.flatMap((arm) => (arm.data ? [arm.data.label] : [])))];
  const asked = useQueries({ queries: labels.map((version) => measured({ project: model.project, model: model.name, version })) });
  return [...new Set(asked.flatMap((each) => each.data?.outcomes ?? []))].sort();
}

function Metric({ metric, known, choose }: { metric: string; known: string[]; choose: (metric: string) => void }) {
  const [text, setText] = useState(metric);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        choose(text.trim());
      }}
    >
      <Autocomplete label="Metric" data={known} value={text} onChange={setText} onOptionSubmit={choose} w="11rem" maxLength={250} />
    </form>
  );
}

interface Asked {
  model: Model;
  split: Split;
  metric: string;
  baseline: string | undefined;
  direction: "higher" | "lower";
}

function Comparison({ model, split, metric, baseline, direction }: Asked) {
  const found = useQuery(outcomes(model.project, model.name, { metric, baseline, direction }));
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={2} />;
  const { arms, alpha, winner } = found.data;
  const place = axisOf(arms);
  const order = new Map(split.arms.map((arm, at) => [arm.name, at % 6]));
  return (
    <>
      <Text size="sm" role="status">
        {winner ? (
          <>
            <b>{winner}</b> wins: it is better than every other arm, and a wrong verdict has a probability of at most {alpha}.
          </>
        ) : (
          "No arm has won yet. Looking often does no harm: the verdicts hold whenever one looks."
        )}
      </Text>
      <Table
        label="Outcomes"
        heads={[
          "Arm",
          "Version",
          { text: "Reported", number: true },
          { text: "Mean", number: true },
          "Verdict",
          `Difference to ${found.data.baseline}, with its interval`,
        ]}
      >
        {arms.map((arm) => (
          <tr key={arm.arm}>
            <td>
              <i className={styles.dot} data-arm={order.get(arm.arm)} />
              {arm.arm}
            </td>
            <td>
              <VersionLink project={model.project} model={model.name} version={arm.version} />
            </td>
            <td className="number">{arm.n.toLocaleString("en")}</td>
            <td className="number">{arm.mean === null ? "–" : metricText(arm.mean)}</td>
            <td>
              <State mood={MOODS[arm.verdict]}>{arm.verdict}</State>
            </td>
            <td>{arm.verdict === "baseline" ? null : <Interval arm={arm} place={place} />}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}

function Interval({ arm, place }: { arm: Compared["arms"][number]; place: (value: number) => number }) {
  const { low, high, difference } = arm;
  if (low === null || high === null || difference === null) {
    return (
      <Text size="sm" c="dimmed">
        {arm.n ? `${count(arm.n, "report")}: too few to say` : "nothing reported"}
      </Text>
    );
  }
  const at = (value: number) => `${place(value) * 100}%`;
  const told = `${signed(difference)}, between ${signed(low)} and ${signed(high)}`;
  return (
    <>
      <svg className={styles.interval} data-verdict={arm.verdict} role="img" aria-label={told}>
        <line x1="0" x2="100%" y1="50%" y2="50%" />
        <line data-zero="" x1={at(0)} x2={at(0)} y1="0" y2="100%" />
        <rect x={at(low)} width={`${(place(high) - place(low)) * 100}%`} y="30%" height="40%" rx="3" />
        <circle cx={at(difference)} cy="50%" r="4" />
      </svg>
      <Text size="xs" c="dimmed">
        {told}
        {arm.p_value !== null && `, p ${arm.p_value < 0.0001 ? "< 0.0001" : `= ${arm.p_value.toFixed(4)}`}`}
      </Text>
    </>
  );
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${metricText(Math.abs(value))}`;
}
