import { Button, Code, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { api, type Model, said } from "../../api/client";
import { standing } from "../../api/lives";
import { production } from "../../api/queries";
import { alarms, measured, type Monitor, monitors } from "../../api/uses";
import type { AuditEvent } from "../../api/versions";
import { Moment } from "../../parts/Moment";
import { Panel } from "../../parts/Panel";
import { State } from "../../parts/State";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { VersionLink } from "../../parts/VersionLink";
import { tellDone } from "../../shell/toasts";
import { condition } from "../../words/monitors";
import { MonitorForm } from "./MonitorForm";

const Observed = lazy(() => import("./Observed"));
const Spread = lazy(() => import("./Spread"));
const FROM = "/p/$project/models/$model";
const SPANS: readonly { value: string; label: string; hours: number }[] = [
  { value: "hour", label: "Hour", hours: 1 },
  { value: "day", label: "Day", hours: 24 },
  { value: "week", label: "Week", hours: 168 },
  { value: "all", label: "All", hours: 0 },
];
const PATH = "/api/v1/projects/{project}/models/{model}/monitors/{monitor}";

/** What the version in production does in use, and the rules that watch it. */
export default function Monitoring({ model }: { model: Model }) {
  const { span, monitor: edited, fresh } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const found = useQuery(monitors(model.project, model.name));
  const raised = useQuery(alarms(model.project, model.name));
  const chosen = SPANS.find((each) => each.value === span) ?? SPANS[1]!;
  const set = (changed: { span?: string; monitor?: string; fresh?: string }) => navigate({ search: (before) => ({ ...before, ...changed }), replace: true });
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={3} />;
  const events = raised.data ?? [];
  const open = edited !== undefined || fresh === "yes";
  return (
    <Stack gap="lg">
      <Group justify="space-between" gap="sm">
        <SegmentedControl
          aria-label="How far back"
          data={SPANS.map(({ value, label }) => ({ value, label }))}
          value={chosen.value}
          onChange={(next) => set({ span: next === "day" ? undefined : next })}
        />
        {!open && <Button onClick={() => set({ fresh: "yes" })}>New monitor</Button>}
      </Group>
      {open && (
        <MonitorForm
          key={edited ?? ""}
          model={model}
          before={found.data.find((each) => each.name === edited)}
          close={() => set({ monitor: undefined, fresh: undefined })}
        />
      )}
      {found.data.map((each) => (
        <Watched key={each.name} monitor={each} hours={chosen.hours} events={events} edit={() => set({ monitor: each.name })} />
      ))}
      <Unwatched model={model} monitors={found.data} hours={chosen.hours} />
    </Stack>
  );
}

interface WatchedProps {
  monitor: Monitor;
  hours: number;
  events: readonly AuditEvent[];
  edit: () => void;
}

function Watched({ monitor, hours, events, edit }: WatchedProps) {
  const { project, model, name, rule, version, unjudged } = monitor;
  const path = { project, model, monitor: name };
  const remove = useMutation({
    mutationFn: () => said(api.DELETE(PATH, { params: { path } })),
    onSuccess: () => tellDone(`${name} watches no more.`),
  });
  // Until the registry has looked for the first time, what stands there now.
  const there = useQuery({ ...standing(project, model, rule.stage), enabled: version === null });
  const looked = version ?? there.data?.label;
  const own = events.filter((event) => event.detail.monitor === name);
  return (
    <Panel title={name}>
      <Group gap="sm" justify="space-between" align="flex-start">
        <Stack gap={4} style={{ flex: "1 1 18rem", minWidth: 0 }}>
          <Group gap="sm">
            <Standing monitor={monitor} />
            {rule.action === "rollback" && (
              <State mood="soon">rolls back</State>
            )}
          </Group>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            Alarm when {condition(rule)}, of whatever stands in {rule.stage}.
          </Text>
          {unjudged && (
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              It judges nothing: {unjudged}.
            </Text>
          )}
          <Text size="sm" c="dimmed">
            {version !== null && (
              <>
                Looks at <VersionLink project={project} model={model} version={version} />.{" "}
              </>
            )}
            Set <Moment at={monitor.set_at} /> by {monitor.set_by}
            {monitor.rolled_back_at && (
              <>
                ; rolled back <Moment at={monitor.rolled_back_at} />
              </>
            )}
            .
          </Text>
        </Stack>
        <Group gap="xs">
          <Button size="compact-sm" variant="default" onClick={edit} aria-label={`Change ${name}`}>
            Change
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => remove.mutate()} loading={remove.isPending} aria-label={`Remove ${name}`}>
            Remove
          </Button>
        </Group>
      </Group>
      {looked !== undefined && rule.measure === "mean" && (
        <Suspense fallback={<RowsComing rows={2} />}>
          <Observed named={{ project, model, version: looked }} metric={rule.metric} hours={hours} rule={rule} events={own} />
        </Suspense>
      )}
      {looked !== undefined && rule.against === "reference" && !unjudged && (
        <Suspense fallback={<RowsComing rows={2} />}>
          <Spread named={{ project, model, version: looked }} metric={rule.metric} hours={hours} />
        </Suspense>
      )}
      {own.length > 0 && (
        <Stack gap={2} component="ul" m={0} pl="1.1rem" aria-label={`Alarms of ${name}`}>
          {own.slice(0, 5).map((event) => (
            <Text key={event.seq} component="li" size="sm">
              {event.action === "monitor_alarm" ? "Alarm" : "Well again"} <Moment at={event.at} />, version {event.version}
            </Text>
          ))}
        </Stack>
      )}
    </Panel>
  );
}

function Standing({ monitor: { state, version, unjudged } }: { monitor: Monitor }) {
  if (state === "alarm") return <State mood="bad">alarm</State>;
  if (unjudged) return <State mood="soon">judges nothing</State>;
  return version === null ? <State mood="quiet">nothing seen yet</State> : <State mood="good">all well</State>;
}

/** What the version in production reports that no monitor shows. */
function Unwatched({ model, monitors: known, hours }: { model: Model; monitors: readonly Monitor[]; hours: number }) {
  const serving = useQuery(production(model.project, model.name));
  const label = serving.data?.label;
  const named = { project: model.project, model: model.name, version: label ?? "" };
  const seen = useQuery({ ...measured(named), enabled: label !== undefined });
  const shown = new Set(known.filter((each) => (each.version ?? label) === label && each.rule.measure === "mean").map((each) => each.rule.metric));
  const rest = (seen.data?.observations ?? []).filter((metric) => !shown.has(metric));
  if (known.length === 0 && seen.data?.observations.length === 0) return <Nothing model={model} />;
  if (known.length === 0 && serving.data === null) return <Nothing model={model} />;
  return (
    <Suspense fallback={<RowsComing rows={2} />}>
      {rest.slice(0, 12).map((metric) => (
        <Panel key={metric} title={metric}>
          <Text size="sm" c="dimmed">
            What version <VersionLink {...named} /> reports; no monitor watches it.
          </Text>
          <Observed named={named} metric={metric} hours={hours} />
        </Panel>
      ))}
    </Suspense>
  );
}

function Nothing({ model }: { model: Model }) {
  return (
    <Empty title="Nobody says how it does in use">
      <Text>Whoever serves a version reports its metrics, and a monitor raises an alarm, or rolls back, when they are bad:</Text>
      <Code block style={{ textAlign: "left", whiteSpace: "pre-wrap", maxWidth: "100%" }}>
        {`lockgate observe ${model.name}@production error_rate=0.012\nlockgate monitor add ${model.name} errors error_rate --bound 0.05 --better lower`}
      </Code>
    </Empty>
  );
}
