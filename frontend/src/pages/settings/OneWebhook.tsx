import { Button, Group, Stack, Switch, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Webhook } from "../../api/access";
import { api, said } from "../../api/client";
import { Moment } from "../../parts/Moment";
import { Panel } from "../../parts/Panel";
import { Secret } from "../../parts/Secret";
import { State } from "../../parts/State";
import { ProblemCard } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import { Deliveries } from "./Deliveries";

const ONE = "/api/v1/webhooks/{webhook}" as const;

/** One webhook: what can be done with it, and what became of each telling. */
export function OneWebhook({ webhook }: { webhook: Webhook }) {
  const [skip, setSkip] = useState(false);
  const [sure, setSure] = useState(false);
  const navigate = useNavigate({ from: "/p/$project/settings" });
  const params = { path: { webhook: webhook.uid } };
  const called = webhook.name || webhook.url;
  const pause = useMutation({
    mutationFn: () => said(api.POST(`${ONE}/pause`, { params })),
    onSuccess: () => tellDone(`${called} is told nothing until it is resumed.`),
  });
  const resume = useMutation({
    mutationFn: () => said(api.POST(`${ONE}/resume`, { params, body: { skip } })),
    onSuccess: () => tellDone(skip ? `${called} is told of what happens from now on.` : `${called} is told on, from where it was.`),
  });
  const rotate = useMutation({ mutationFn: () => said(api.POST(`${ONE}/secret`, { params, body: {} })) });
  const tried = useMutation({
    mutationFn: () => said(api.POST(`${ONE}/test`, { params, body: {} })),
    meta: { shown: true },
    onSuccess: (sent) => void navigate({ search: (before) => ({ ...before, delivery: sent.uid }) }),
  });
  const remove = useMutation({
    mutationFn: () => said(api.DELETE(ONE, { params })),
    onSuccess: () => {
      tellDone(`${called} is gone, with its deliveries.`);
      void navigate({ search: { tab: "webhooks" }, replace: true });
    },
  });
  const active = webhook.status === "active";
  return (
    <Panel title={called}>
      <Stack gap={4}>
        {webhook.description && <Text size="sm">{webhook.description}</Text>}
        {webhook.status === "disabled" && (
          <Text size="sm" c="var(--mantine-color-error)">
            Disabled: {webhook.reason || "it could not be reached"}. Resume it once its receiver is back.
          </Text>
        )}
        {webhook.retry_at && active && (
          <Text size="sm">
            {webhook.failures} failures in a row; tried again <Moment at={webhook.retry_at} />.
          </Text>
        )}
        <Text size="sm" c="dimmed">
          Told of the log up to event {webhook.seq}.
        </Text>
      </Stack>
      <Group gap="sm">
        <Button onClick={() => tried.mutate()} loading={tried.isPending}>
          Send a trial
        </Button>
        {active ? (
          <Button variant="default" onClick={() => pause.mutate()} loading={pause.isPending}>
            Pause
          </Button>
        ) : (
          <>
            <Button variant="default" onClick={() => resume.mutate()} loading={resume.isPending}>
              Resume
            </Button>
            <Switch label="Leave out what happened meanwhile" checked={skip} onChange={(event) => setSkip(event.currentTarget.checked)} />
          </>
        )}
        <Button variant="default" onClick={() => rotate.mutate()} loading={rotate.isPending}>
          New secret
        </Button>
        {sure ? (
          <Button color="red" onClick={() => remove.mutate()} loading={remove.isPending}>
            Yes, delete it with its deliveries
          </Button>
        ) : (
          <Button variant="default" onClick={() => setSure(true)}>
            Delete…
          </Button>
        )}
      </Group>
      {tried.error && <ProblemCard error={tried.error} />}
      {tried.data && (
        <Text size="sm" role="status">
          The trial was{" "}
          <State mood={tried.data.status === "delivered" ? "good" : "bad"}>{tried.data.status === "delivered" ? "heard" : "not heard"}</State>{" "}
          {tried.data.attempts.at(-1)?.error || (tried.data.attempts.at(-1)?.status && `with status ${tried.data.attempts.at(-1)?.status}`)}
        </Text>
      )}
      {rotate.data && <Secret of="The new secret (the old one signs as well for a day)" secret={rotate.data.secret} />}
      <Deliveries webhook={webhook.uid} />
    </Panel>
  );
}
