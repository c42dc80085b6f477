import "uplot/dist/uPlot.min.css";

import { Stack, Text, Title, useComputedColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import type { Model, Version } from "../../api/client";
import { TREND_MAX, trend } from "../../api/lives";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { metricText } from "../../words/numbers";
import styles from "./trends.module.css";

const CHARTS_MAX = 12;
const HEIGHT = 180;

/** Each metric over the versions, oldest first: one request for all of them. */
export default function Trends({ model }: { model: Model }) {
  const found = useQuery(trend(model.project, model.name));
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={3} />;
  const versions = found.data.items.toReversed();
  const names = [...new Set(versions.flatMap((each) => Object.keys(each.metrics)))].sort();
  if (names.length === 0) {
    return (
      <Empty title="No metrics yet">
        <Text>Give them when you push or register, or later with `lockgate version log-metrics`, and each is a line here.</Text>
      </Empty>
    );
  }
  return (
    <Stack gap="md">
      {found.data.next_cursor && (
        <Text size="sm" c="dimmed">
          The newest {TREND_MAX} versions.
        </Text>
      )}
      <div className={styles.charts}>
        {names.slice(0, CHARTS_MAX).map((name) => (
          <Chart key={name} name={name} versions={versions} />
        ))}
      </div>
      {names.length > CHARTS_MAX && (
        <Text size="sm" c="dimmed">
          And {names.length - CHARTS_MAX} metrics more: see the columns of the versions.
        </Text>
      )}
    </Stack>
  );
}

function Chart({ name, versions }: { name: string; versions: readonly Version[] }) {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  const values = versions.map((each) => each.metrics[name] ?? null);
  const known = values.filter((each) => each !== null);
  const last = known.at(-1);
  const told = `${name} over ${known.length} versions, from ${metricText(known[0] ?? 0)} to ${metricText(last ?? 0)}`;
  const drawn = JSON.stringify([values, versions.map((each) => each.label)]);
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const chart = new uPlot(options(box, JSON.parse(drawn)[1]), [values.map((_, at) => at), values] as uPlot.AlignedData, box);
    const sized = new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: HEIGHT }));
    sized.observe(box);
    return () => {
      sized.disconnect();
      chart.destroy();
    };
    // `drawn` stands for values and labels: a new array of the same numbers draws nothing anew.
  }, [drawn, scheme]);
  return (
    <section className={styles.chart} aria-label={name}>
      <Title order={3} size="h6">
        {name}
        {last !== undefined && (
          <Text span size="sm" c="dimmed" fw={400}>
            {" "}
            {metricText(last)} at last
          </Text>
        )}
      </Title>
      <div ref={place} role="img" aria-label={told} />
    </section>
  );
}

function options(box: HTMLElement, labels: string[]): uPlot.Options {
  const look = getComputedStyle(box);
  const colour = (name: string) => look.getPropertyValue(name).trim();
  const line = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--mantine-color-dimmed"), grid: line, ticks: line, font: `11px ${look.fontFamily}` };
  return {
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false },
    scales: { x: { time: false, range: (_, low, high) => [low - 0.5, high + 0.5] } },
    axes: [
      { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100], values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? (labels[at] ?? "") : "")) },
      { ...axis, size: 64, values: (_, splits) => splits.map(metricText) },
    ],
    series: [{}, { stroke: colour("--water"), width: 2, spanGaps: true, points: { show: labels.length <= 60, size: 6, fill: colour("--surface") } }],
  };
}
