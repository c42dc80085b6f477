import { Button, Group, Slider, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type CSSProperties, useState } from "react";
import type { Model } from "../../api/client";
import { history, type Occupancy } from "../../api/lives";
import { lifecycle } from "../../api/queries";
import { AliasChip, StageChip } from "../../parts/chips";
import { Moment } from "../../parts/Moment";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { stageColour } from "../../theme";
import { exact } from "../../words/moments";
import { asOf, rowsOf } from "../../words/past";
import styles from "./past.module.css";

const FROM = "/p/$project/models/$model";
const STEPS = 1_000;
const ROWS_MAX = 5;

/** Who stood where and when; the slider goes back to any moment, which is in the URL. */
export default function Past({ model }: { model: Model }) {
  const found = useQuery(history(model.project, model.name));
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing />;
  const first = found.data[0];
  if (!first) {
    return (
      <Empty title="No past yet">
        <Text>From the first version on, every stage and alias is remembered with its times.</Text>
      </Empty>
    );
  }
  return <Timeline model={model} stays={found.data} begin={Date.parse(first.since)} />;
}

function Timeline({ model, stays, begin }: { model: Model; stays: readonly Occupancy[]; begin: number }) {
  const { at } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const [opened] = useState(() => Date.now());
  const [dragged, setDragged] = useState<number | null>(null);
  const stages = useQuery(lifecycle(model.lifecycle, model.lifecycle_revision));
  const ends = stays.flatMap((each) => [Date.parse(each.since), each.until === null ? 0 : Date.parse(each.until)]);
  const end = Math.max(opened, ...ends) + 1;
  const asked = at === undefined ? Number.NaN : Date.parse(at);
  const moment = dragged ?? (Number.isNaN(asked) ? end : Math.min(Math.max(asked, begin), end));
  const set = (next: number) => {
    setDragged(null);
    void navigate({ search: (before) => ({ ...before, at: next >= end ? undefined : new Date(next).toISOString() }), replace: true, resetScroll: false });
  };
  const changes = [...new Set(ends.filter(Boolean))].sort((a, b) => a - b);
  const earlier = changes.findLast((each) => each < moment && (moment < end || each < end - 1));
  const later = changes.find((each) => each > moment);
  const order = stages.data?.stages.map((each) => String(each.name)) ?? [];
  const lanes = lanesOf(stays, order);
  const share = (each: number) => `${((each - begin) / (end - begin)) * 100}%`;
  return (
    <Stack gap="lg">
      <section className={styles.panel} aria-labelledby="then">
        <Stack gap="md">
          <Group justify="space-between">
            <Title order={2} size="h5" id="then">
              {moment >= end ? "As it is now" : `As of ${exact(new Date(moment).toISOString())}`}
            </Title>
            <Group gap="xs">
              <Button size="xs" variant="default" disabled={earlier === undefined} onClick={() => earlier !== undefined && set(earlier)}>
                Earlier change
              </Button>
              <Button size="xs" variant="default" disabled={later === undefined} onClick={() => later !== undefined && set(later)}>
                Later change
              </Button>
              <Button size="xs" variant="default" disabled={moment >= end} onClick={() => set(end)}>
                Now
              </Button>
            </Group>
          </Group>
          <Slider
            min={begin}
            max={end}
            step={Math.max(1, Math.floor((end - begin) / STEPS))}
            value={moment}
            onChange={setDragged}
            onChangeEnd={set}
            label={(value) => exact(new Date(value).toISOString())}
            thumbLabel="As of"
            thumbProps={{ "aria-valuetext": exact(new Date(moment).toISOString()) }}
          />
          <Then model={model} stays={asOf(stays, moment)} order={order} />
        </Stack>
      </section>
      <section className={styles.panel} aria-label="Timeline">
        {lanes.map((lane) => {
          const rows = rowsOf(lane.stays);
          const found = stages.data?.stages.find((each) => each.name === lane.place);
          const colour = typeof found?.colour === "string" ? stageColour(found.colour) : "var(--copper)";
          return (
            <div key={`${lane.kind} ${lane.place}`} className={styles.lane}>
              <div className={styles.place}>{lane.kind === "alias" ? <AliasChip alias={lane.place} /> : lane.place}</div>
              <div className={styles.rows} style={{ "--stage": colour } as CSSProperties}>
                {rows.slice(-ROWS_MAX).map((row, at) => (
                  <div key={at} className={styles.row}>
                    {row.map((stay) => (
                      <Bar key={stay.since + stay.version} stay={stay} share={share} end={end} />
                    ))}
                  </div>
                ))}
                {rows.length > ROWS_MAX && (
                  <Text size="xs" c="dimmed">
                    and {rows.length - ROWS_MAX} rows more
                  </Text>
                )}
                <i className={styles.now} style={{ left: share(moment) }} />
              </div>
            </div>
          );
        })}
      </section>
    </Stack>
  );
}

function Bar({ stay, share, end }: { stay: Occupancy; share: (moment: number) => string; end: number }) {
  const until = stay.until === null ? end : Date.parse(stay.until);
  const left = share(Date.parse(stay.since));
  const told = `${stay.version} in ${stay.place} from ${exact(stay.since)}${stay.until ? ` to ${exact(stay.until)}` : " until now"}, by ${stay.by}`;
  return (
    <Link
      to="/p/$project/models/$model/versions/$version"
      params={{ project: stay.project, model: stay.model, version: stay.version }}
      className={styles.bar}
      style={{ left, width: `calc(${share(until)} - ${left})` }}
      title={told}
      aria-label={told}
    >
      {stay.version}
    </Link>
  );
}

/** Stages in the order of the lifecycle, then aliases. */
function lanesOf(stays: readonly Occupancy[], order: readonly string[]): { kind: string; place: string; stays: Occupancy[] }[] {
  const lanes = new Map<string, { kind: string; place: string; stays: Occupancy[] }>();
  for (const stay of stays) {
    const key = `${stay.kind} ${stay.place}`;
    const lane = lanes.get(key) ?? { kind: stay.kind, place: stay.place, stays: [] };
    lane.stays.push(stay);
    lanes.set(key, lane);
  }
  const rank = (lane: { kind: string; place: string }) => (lane.kind === "alias" ? 1_000 : order.indexOf(lane.place) < 0 ? 999 : -order.indexOf(lane.place));
  return [...lanes.values()].sort((a, b) => rank(a) - rank(b) || a.place.localeCompare(b.place));
}

/** What stood where at the moment, the newest few of a stage. */
function Then({ model, stays, order }: { model: Model; stays: readonly Occupancy[]; order: readonly string[] }) {
  const lanes = lanesOf(stays, order);
  if (lanes.length === 0) return <Text c="dimmed">Nothing was there yet.</Text>;
  return (
    <ul className={styles.then} aria-label="What stood where">
      {lanes.map((lane) => (
        <li key={`${lane.kind} ${lane.place}`}>
          {lane.kind === "alias" ? <AliasChip alias={lane.place} /> : <StageChip stage={lane.place} of={model} />}
          {lane.stays.slice(-ROWS_MAX).map((stay) => (
            <Text key={stay.version} size="sm">
              <Link to="/p/$project/models/$model/versions/$version" params={{ project: stay.project, model: stay.model, version: stay.version }} className={styles.link}>
                {stay.version}
              </Link>{" "}
              <span className={styles.quiet}>
                put there by {stay.by} <Moment at={stay.since} />
              </span>
            </Text>
          ))}
          {lane.stays.length > ROWS_MAX && <span className={styles.quiet}>and {lane.stays.length - ROWS_MAX} more</span>}
        </li>
      ))}
    </ul>
  );
}
