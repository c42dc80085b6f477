import "uplot/dist/uPlot.min.css";

import { Text, useComputedColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef } from "react";
import uPlot from "uplot";
import { type Monitor, observations, type Series } from "../../api/uses";
import { type AuditEvent, type Named, version } from "../../api/versions";
import { ProblemCard, RowsComing } from "../../parts/states";
import { threshold } from "../../words/monitors";
import { count, metricText } from "../../words/numbers";
import figures from "./figure.module.css";
import { useSince } from "./since";
import styles from "./trends.module.css";

const HEIGHT = 200;
const MINUTE_MS = 60_000;
/** So many times the usual distance between values is a gap. */
const GAP = 4;
/** Fewer points than these are drawn as dots, too. */
const DOTS_MAX = 60;

interface Props {
  named: Named;
  metric: string;
  /** How far back; 0 is all that is kept. */
  hours: number;
  rule?: Monitor["rule"];
  events?: readonly AuditEvent[];
}

/** A metric of a version in use over time: its mean and reach, where it must stay, and the alarms. */
export default function Observed({ named, metric, hours, rule, events = [] }: Props) {
  const since = useSince(hours);
  const found = useQuery({ ...observations(named, metric, since), placeholderData: (before) => before });
  const own = useQuery({ ...version(named), enabled: rule?.against === "metrics" });
  if (found.error) return <ProblemCard error={found.error} />;
  if (!found.data) return <RowsComing rows={2} />;
  const { points } = found.data;
  if (points.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No value of {metric} {hours ? "in this time" : "yet"}.
      </Text>
    );
  }
  const line = rule ? threshold(rule, own.data) : null;
  return <Drawn series={found.data} line={line} events={events} />;
}

function Drawn({ series, line, events }: { series: Series; line: number | null; events: readonly AuditEvent[] }) {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  const { points, metric } = series;
  const last = points.at(-1);
  const values = points.reduce((sum, each) => sum + each.n, 0);
  const told = `${metric}, ${count(values, "value")}, ${metricText(last?.mean ?? 0)} at last${line === null ? "" : `, held to ${metricText(line)}`}`;
  const marks = events.map((event) => ({ at: new Date(event.at).getTime() / 1000, bad: event.action === "monitor_alarm" }));
  const drawn = JSON.stringify([points, line, marks]);
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const chart = new uPlot(options(box, line, marks, points.length <= DOTS_MAX), rowsOf(points, line), box);
    const sized = new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: HEIGHT }));
    sized.observe(box);
    return () => {
      sized.disconnect();
      chart.destroy();
    };
    // `drawn` stands for all that is drawn: new arrays of the same numbers draw nothing anew.
  }, [drawn, scheme]);
  return (
    <figure className={figures.figure}>
      <div ref={place} role="img" aria-label={told} />
      <figcaption>
        <Key line="mean">mean, with lowest and highest of each step</Key>
        {line !== null && <Key line="bound">held to {metricText(line)}</Key>}
        {marks.some((mark) => mark.bad) && <Key line="alarm">alarm</Key>}
        {marks.some((mark) => !mark.bad) && <Key line="well">well again</Key>}
      </figcaption>
    </figure>
  );
}

function Key({ line, children }: { line: string; children: ReactNode }) {
  return (
    <span>
      <i className={styles.key} data-line={line} /> {children}
    </span>
  );
}

/** How far apart the points usually are, in seconds: values come as often as somebody reports them. */
function spacing(points: Series["points"]): number {
  const apart = points.slice(1).map((point, at) => new Date(point.at).getTime() - new Date(points[at]?.at ?? point.at).getTime());
  return (apart.sort((one, other) => one - other)[apart.length >> 1] ?? MINUTE_MS) / 1000;
}

/** The columns of the chart; a stretch without values is a gap. */
function rowsOf(points: Series["points"], line: number | null): uPlot.AlignedData {
  const usual_s = spacing(points);
  const at: number[] = [];
  const rows: (number | null)[][] = [[], [], []];
  for (const point of points) {
    const moment = new Date(point.at).getTime() / 1000;
    const before = at.at(-1);
    if (before !== undefined && moment - before > GAP * usual_s) {
      at.push(before + usual_s);
      for (const row of rows) row.push(null);
    }
    at.push(moment);
    rows[0]?.push(point.low);
    rows[1]?.push(point.high);
    rows[2]?.push(point.mean);
  }
  return [at, ...rows, at.map(() => line)] as uPlot.AlignedData;
}

interface Mark {
  at: number;
  bad: boolean;
}

function options(box: HTMLElement, line: number | null, marks: readonly Mark[], dots: boolean): uPlot.Options {
  const look = getComputedStyle(box);
  const colour = (name: string) => look.getPropertyValue(name).trim();
  const grid = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--mantine-color-dimmed"), grid, ticks: grid, font: `11px ${look.fontFamily}` };
  const water = colour("--water");
  const held = line === null ? [] : [line];
  return {
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false },
    scales: {
      x: { range: (_, low, high) => [low, Math.max(high, low + 60, ...marks.map((mark) => mark.at))] },
      y: {
        range: (_, low, high) => {
          const [least, most] = [Math.min(low, ...held), Math.max(high, ...held)];
          const margin = (most - least) * 0.08 || Math.abs(most) * 0.1 || 1;
          return [least - margin, most + margin];
        },
      },
    },
    axes: [axis, { ...axis, size: 64, values: (_, splits) => splits.map(metricText) }],
    series: [
      {},
      { stroke: "transparent", points: { show: false } },
      { stroke: "transparent", points: { show: false } },
      { stroke: water, width: 2, points: { show: dots, size: 5, fill: colour("--surface") } },
      { stroke: colour("--mantine-color-error"), width: 1.5, dash: [6, 4], points: { show: false } },
    ],
    bands: [{ series: [2, 1], fill: `${water}22` }],
    hooks: {
      draw: [
        (chart) => {
          const { ctx, bbox } = chart;
          for (const { at, bad } of marks) {
            const x = chart.valToPos(at, "x", true);
            if (x < bbox.left || x > bbox.left + bbox.width) continue;
            ctx.save();
            ctx.strokeStyle = bad ? colour("--mantine-color-error") : "#2f9e62";
            ctx.lineWidth = 2;
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
            ctx.restore();
          }
        },
      ],
    },
  };
}
