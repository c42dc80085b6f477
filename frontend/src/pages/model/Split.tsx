import { Button, Code, Group, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Model, said } from "../../api/client";
import { meant, type Split as Shared, split } from "../../api/uses";
import { Moment } from "../../parts/Moment";
import { Panel } from "../../parts/Panel";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { Table } from "../../parts/Table";
import { tellDone } from "../../shell/toasts";
import { VersionLink } from "../../parts/VersionLink";
import { percent, sharesOf } from "../../words/shares";
import { Outcomes } from "./Outcomes";
import styles from "./split.module.css";

const PATH = "/api/v1/projects/{project}/models/{model}/split";

/** Which share of the keys gets which version, and what came of it. */
export default function Split({ model }: { model: Model }) {
  const found = useQuery(split(model.project, model.name));
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (found.data === undefined) return <RowsComing rows={3} />;
  return (
    <Stack gap="lg">
      {found.data === null ? <None model={model} /> : <Arms model={model} split={found.data} />}
      {found.data && <Outcomes model={model} split={found.data} />}
      <Weights key={found.data?.revision ?? 0} model={model} split={found.data} />
    </Stack>
  );
}

function None({ model }: { model: Model }) {
  return (
    <Empty title="Everybody gets the same version">
      <Text>
        A split gives each key (a user, a session) one arm for ever: a stage, an alias or a version. Set one below, and ask for a key with{" "}
        <Code>
          lockgate split assign {model.name} KEY
        </Code>
        .
      </Text>
    </Empty>
  );
}

function Arms({ model, split: shared }: { model: Model; split: Shared }) {
  const shares = sharesOf(shared.arms.map((arm) => arm.weight));
  return (
    <Panel title="Who gets what">
      <div className={styles.bar} aria-hidden="true">
        {shared.arms.map((arm, at) => (
          <i key={arm.name} className={styles.share} data-arm={at % 6} style={{ flexGrow: shares[at] }} />
        ))}
      </div>
      <Table label="Arms" heads={["Arm", "Means now", { text: "Weight", number: true }, { text: "Share", number: true }]}>
        {shared.arms.map((arm, at) => (
          <tr key={arm.name}>
            <td>
              <i className={styles.dot} data-arm={at % 6} />
              {arm.name}{" "}
              <Text span size="xs" c="dimmed">
                {arm.kind}
              </Text>
            </td>
            <td>
              <Meant model={model} arm={arm} />
            </td>
            <td className="number">{arm.weight}</td>
            <td className="number">{percent(shares[at] ?? 0)}</td>
          </tr>
        ))}
      </Table>
      <Text size="sm" c="dimmed">
        Set <Moment at={shared.set_at} /> by {shared.set_by}
        {shared.revision > 1 && <>; that change moved {percent(shared.moved)} of the keys</>}.
      </Text>
    </Panel>
  );
}

function Meant({ model, arm }: { model: Model; arm: Shared["arms"][number] }) {
  const { data } = useQuery(meant(model.project, model.name, arm));
  if (data === undefined) return null;
  if (data === null) return <Text span size="sm">nothing: its keys get an error</Text>;
  return <VersionLink project={model.project} model={model.name} version={data.label} />;
}

interface Written {
  name: string;
  weight: number | string;
}

/** What is written down of the weights, until it is set. */
function Weights({ model, split: shared }: { model: Model; split: Shared | null }) {
  const [arms, setArms] = useState<Written[]>(
    () => shared?.arms.map(({ name, weight }) => ({ name, weight })) ?? [
      { name: "production", weight: 90 },
      { name: "staging", weight: 10 },
    ],
  );
  const path = { project: model.project, model: model.name };
  const set = useMutation({
    mutationFn: () => {
      const weights = Object.fromEntries(arms.filter((arm) => arm.name.trim()).map((arm) => [arm.name.trim(), Number(arm.weight)]));
      return said(api.PUT(PATH, { params: { path }, body: { arms: weights } }));
    },
    meta: { shown: true },
    onSuccess: (made) => tellDone(`The keys are shared out; ${percent(made.moved)} of them moved.`),
  });
  const remove = useMutation({
    mutationFn: () => said(api.DELETE(PATH, { params: { path } })),
    onSuccess: () => tellDone("Everybody gets the same version again."),
  });
  const change = (at: number, changed: Partial<Written>) =>
    setArms((before) => before.map((arm, index) => (index === at ? { ...arm, ...changed } : arm)));
  return (
    <Panel title={shared ? "Change the shares" : "Share the keys out"} onSubmit={() => set.mutate()}>
      <Text size="sm" c="dimmed">
        An arm is a stage, an alias or a version's label. Only the keys that must move do.
      </Text>
      {arms.map((arm, at) => (
        <Group key={at} gap="sm" align="flex-end" wrap="nowrap">
          <TextInput
            label={`Arm ${at + 1}`}
            value={arm.name}
            onChange={(event) => change(at, { name: event.currentTarget.value })}
            style={{ flex: "1 1 10rem" }}
            maxLength={100}
          />
          <NumberInput label="Weight" aria-label={`Weight of arm ${at + 1}`} value={arm.weight} onChange={(weight) => change(at, { weight })} min={0} max={1_000_000} allowDecimal={false} w="7rem" />
          <Button variant="default" aria-label={`Leave arm ${at + 1} out`} disabled={arms.length < 2} onClick={() => setArms(arms.filter((_, index) => index !== at))}>
            −
          </Button>
        </Group>
      ))}
      {set.error && <ProblemCard error={set.error} />}
      <Group gap="sm">
        <Button type="submit" loading={set.isPending}>
          Set the shares
        </Button>
        <Button variant="default" onClick={() => setArms([...arms, { name: "", weight: 0 }])} disabled={arms.length >= 20}>
          One arm more
        </Button>
        {shared && (
          <Button variant="default" onClick={() => remove.mutate()} loading={remove.isPending}>
            Take the split away
          </Button>
        )}
      </Group>
    </Panel>
  );
}
