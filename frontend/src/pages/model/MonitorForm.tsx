import { Button, Group, NumberInput, Select, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Model, type Schemas, said } from "../../api/client";
import { lifecycle } from "../../api/queries";
import type { Monitor } from "../../api/uses";
import { Panel } from "../../parts/Panel";
import { ProblemCard } from "../../parts/states";
import { tellDone } from "../../shell/toasts";

const PATH = "/api/v1/projects/{project}/models/{model}/monitors/{monitor}";
const NEW = { metric: "", measure: "mean", bound: 0, against: "bound", direction: "higher", window_s: 300, windows: 3, recovery: 3, min_samples: 30, action: "alert" };
const AGAINST = [
  { value: "bound", label: "a number" },
  { value: "metrics", label: "the version's own metric" },
  { value: "incumbent", label: "what was there before" },
];
const AGAINST_DRIFT = [
  { value: "reference", label: "the version's reference" },
  { value: "incumbent", label: "what was there before" },
];
type Written = Omit<typeof NEW, "bound"> & { bound: number | string; stage?: string | null };

/** A new monitor, or what is changed of one. What this form does not know of its rule stays. */
export function MonitorForm({ model, before, close }: { model: Model; before: Monitor | undefined; close: () => void }) {
  const [name, setName] = useState(before?.name ?? "");
  const [rule, setRule] = useState<Written>(before ? { ...before.rule } : NEW);
  const { data } = useQuery(lifecycle(model.lifecycle, model.lifecycle_revision));
  const stages = data?.stages.map((each) => String(each.name)) ?? [];
  const change = (changed: Partial<Written>) => setRule((was) => ({ ...was, ...changed }));
  const whole = (value: number | string) => Math.round(Number(value));
  const set = useMutation({
    mutationFn: () => {
      const path = { project: model.project, model: model.name, monitor: name.trim() };
      const body = { ...rule, metric: rule.metric.trim(), bound: Number(rule.bound) } as Schemas["NewMonitor"];
      return said(api.PUT(PATH, { params: { path }, body }));
    },
    meta: { shown: true },
    onSuccess: (made) => {
      tellDone(`${made.name} watches ${made.rule.metric}.`);
      close();
    },
  });
  const drift = rule.measure !== "mean";
  return (
    <Panel title={before ? `Change ${before.name}` : "New monitor"} onSubmit={() => set.mutate()}>
      <Group gap="sm" align="flex-end">
        <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} disabled={before !== undefined} maxLength={250} required w="12rem" />
        <TextInput label="Metric" value={rule.metric} onChange={(event) => change({ metric: event.currentTarget.value })} maxLength={250} required w="12rem" />
        <Select
          label="Of what stands in"
          data={stages}
          value={rule.stage ?? null}
          placeholder="what serves"
          onChange={(stage) => change({ stage })}
          w="11rem"
        />
      </Group>
      <Group gap="sm" align="flex-end">
        <Select
          label="What of it"
          data={[
            { value: "mean", label: "the mean of its values" },
            { value: "psi", label: "drift: PSI of its histogram" },
            { value: "ks", label: "drift: KS of its histogram" },
          ]}
          value={rule.measure}
          // What a mean is held against a histogram is not, and a drift is better low.
          onChange={(measure) =>
            change(measure === "mean" ? { measure, against: "bound", direction: "higher" } : { measure: measure ?? "mean", against: "reference", direction: "lower" })
          }
          allowDeselect={false}
          w="15rem"
        />
        <Select
          label="Held against"
          data={drift ? AGAINST_DRIFT : AGAINST}
          value={rule.against}
          onChange={(against) => change({ against: against ?? "bound" })}
          allowDeselect={false}
          w="14rem"
        />
        {!drift && (
          <Select
            label="Better is"
            data={["higher", "lower"]}
            value={rule.direction}
            onChange={(direction) => change({ direction: direction ?? "higher" })}
            allowDeselect={false}
            w="8rem"
          />
        )}
        <NumberInput label={rule.against === "bound" || drift ? "Bound" : "May miss it by"} value={rule.bound} onChange={(bound) => change({ bound })} w="9rem" decimalScale={12} />
      </Group>
      <Group gap="sm" align="flex-end">
        <NumberInput
          label="Window, minutes"
          value={rule.window_s / 60}
          onChange={(minutes) => change({ window_s: whole(minutes) * 60 })}
          min={1}
          max={10_080}
          allowDecimal={false}
          w="9rem"
        />
        <NumberInput label="Alarm after" suffix=" bad" value={rule.windows} onChange={(windows) => change({ windows: whole(windows) })} min={1} max={50} w="8rem" />
        <NumberInput label="Well after" suffix=" good" value={rule.recovery} onChange={(recovery) => change({ recovery: whole(recovery) })} min={1} max={50} w="8rem" />
        <NumberInput label="Values a window" value={rule.min_samples} onChange={(count) => change({ min_samples: whole(count) })} min={2} w="9rem" />
        <Select
          label="Then"
          data={[
            { value: "alert", label: "raise an alarm" },
            { value: "rollback", label: "roll back, too" },
          ]}
          value={rule.action}
          onChange={(action) => change({ action: action ?? "alert" })}
          allowDeselect={false}
          w="11rem"
        />
      </Group>
      {set.error && <ProblemCard error={set.error} />}
      <Group gap="sm">
        <Button type="submit" loading={set.isPending} disabled={!name.trim() || !rule.metric.trim()}>
          {before ? "Save" : "Watch"}
        </Button>
        <Button variant="default" onClick={close}>
          Leave it
        </Button>
      </Group>
    </Panel>
  );
}
