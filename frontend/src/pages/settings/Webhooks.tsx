import { Button, Code, Group, Select, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { type Webhook, webhooks } from "../../api/access";
import { api, said } from "../../api/client";
import { summary } from "../../api/queries";
import { Moment } from "../../parts/Moment";
import { Panel } from "../../parts/Panel";
import { Secret } from "../../parts/Secret";
import { type Mood, State } from "../../parts/State";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { Table } from "../../parts/Table";
import { OneWebhook } from "./OneWebhook";
import styles from "./settings.module.css";

const FROM = "/p/$project/settings";
export const STATUS_MOODS: Record<Webhook["status"], Mood> = { active: "good", paused: "quiet", disabled: "bad" };
const FORMS: { value: Webhook["form"]; label: string }[] = [
  { value: "standard", label: "Standard Webhooks" },
  { value: "slack", label: "Slack" },
  { value: "mlflow", label: "MLflow" },
  { value: "openlineage", label: "OpenLineage" },
];
const ACTIONS = [
  ...["register_version", "seal_version", "promote", "demote", "archive", "rollback", "transition", "transition_refused"],
  ...["request_promotion", "approve", "reject", "set_alias", "delete_alias", "monitor_alarm", "monitor_recovered"],
];

/** Who is told of what happens in the project. */
export function Webhooks({ project }: { project: string }) {
  const { webhook: chosen } = useSearch({ from: FROM });
  const found = useQuery(webhooks(project));
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={3} />;
  const one = found.data.find((each) => each.uid === chosen);
  return (
    <Stack gap="lg">
      {found.data.length === 0 ? (
        <Empty title="Nobody is told">
          <Text>A webhook tells an address of every promotion, approval and alarm of {project}, in their order, and tries again until it is heard.</Text>
        </Empty>
      ) : (
        <Table label="Webhooks" heads={["Webhook", "Form", "Of what", "State", "Made"]}>
          {found.data.map((each) => (
            <tr key={each.uid} aria-current={each.uid === chosen ? "true" : undefined}>
              <td>
                <Link to={FROM} params={{ project }} search={{ tab: "webhooks", webhook: each.uid }} className={styles.link}>
                  {each.name || each.url}
                </Link>
                {each.name && (
                  <Text size="xs" c="dimmed">
                    {each.url}
                  </Text>
                )}
              </td>
              <td>{each.form}</td>
              <td>{interest(each)}</td>
              <td>
                <State mood={STATUS_MOODS[each.status]}>{each.status}</State>
                {each.failing_since && (
                  <Text size="xs" c="var(--mantine-color-error)">
                    failing for <Moment at={each.failing_since} since />
                  </Text>
                )}
              </td>
              <td>
                <Moment at={each.created_at} /> by {each.created_by}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {one && <OneWebhook key={one.uid} webhook={one} />}
      {chosen && !one && <Text c="dimmed">That webhook is gone.</Text>}
      <NewWebhook project={project} />
    </Stack>
  );
}

export function interest({ models, stages, actions }: Webhook): string {
  const parts = [
    actions.length ? actions.join(", ") : "everything",
    models.length ? `of ${models.join(", ")}` : "",
    stages.length ? `about ${stages.join(", ")}` : "",
  ];
  return parts.filter(Boolean).join(" ");
}

function NewWebhook({ project }: { project: string }) {
  const [url, setUrl] = useState("");
  const [name, setName] = useState("");
  const [form, setForm] = useState<Webhook["form"]>("standard");
  const [actions, setActions] = useState<string[]>([]);
  const [models, setModels] = useState<string[]>([]);
  const [stages, setStages] = useState<string[]>([]);
  const counts = useQuery(summary(project));
  const make = useMutation({
    mutationFn: () => {
      const body = { url: url.trim(), name: name.trim(), description: "", form, actions, models, stages };
      return said(api.POST("/api/v1/projects/{project}/webhooks", { params: { path: { project } }, body }));
    },
    meta: { shown: true },
    onSuccess: () => {
      setUrl("");
      setName("");
    },
  });
  return (
    <Panel title="Tell somebody" onSubmit={() => make.mutate()}>
      <Group align="flex-end" gap="sm">
        <TextInput label="Address" type="url" placeholder="https://" value={url} onChange={(event) => setUrl(event.currentTarget.value)} required maxLength={2000} style={{ flex: "2 1 16rem" }} />
        <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={250} style={{ flex: "1 1 9rem" }} />
        <Select label="Form" data={FORMS} value={form} onChange={(next) => setForm((next as Webhook["form"] | null) ?? "standard")} allowDeselect={false} />
      </Group>
      <Group align="flex-start" gap="sm">
        <TagsInput label="Only these actions" data={ACTIONS} value={actions} onChange={setActions} placeholder={actions.length ? "" : "everything"} style={{ flex: "1 1 14rem" }} />
        <TagsInput label="Only these models" value={models} onChange={setModels} placeholder={models.length ? "" : "all"} style={{ flex: "1 1 10rem" }} />
        <TagsInput
          label="Only about these stages"
          data={Object.keys(counts.data?.by_stage ?? {})}
          value={stages}
          onChange={setStages}
          placeholder={stages.length ? "" : "all"}
          style={{ flex: "1 1 10rem" }}
        />
      </Group>
      {make.error && <ProblemCard error={make.error} />}
      <Group>
        <Button type="submit" loading={make.isPending} disabled={!url.trim()}>
          Make the webhook
        </Button>
      </Group>
      {make.data && (
        <>
          <Secret of={`What signs what ${make.data.webhook.url} is sent`} secret={make.data.secret} />
          <Text size="sm">
            The receiver checks each message with it: <Code>lockgate webhook verify</Code> does, and every Standard Webhooks library.
          </Text>
        </>
      )}
    </Panel>
  );
}
