import { Button, Group, Select, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { lifecycle } from "../../api/queries";
import { preview } from "../../api/versions";
import { GateRows, headline } from "../../parts/GateRows";
import { ProblemCard } from "../../parts/states";
import { servingStage, stagesOf, stepsFrom } from "../../words/lifecycles";
import { Panel } from "./Facts";
import type { TabProps } from "./tabs";

const FROM = "/p/$project/models/$model/versions/$version";

/** What is missing to get to production, or to any other stage. */
export function Gate({ model, version, named, ask }: TabProps) {
  const { gate } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const rules = useQuery(lifecycle(model.lifecycle, model.lifecycle_revision));
  const steps = rules.data ? stepsFrom(rules.data, version.stage) : [];
  const serving = rules.data ? servingStage(rules.data) : "";
  // In production already, the next question is about the next step.
  const to = gate ?? (serving === version.stage ? (steps[0] ?? serving) : serving);
  const found = useQuery({ ...preview(named, to), enabled: to !== "" });
  const stages = rules.data ? stagesOf(rules.data).filter((stage) => stage.name !== version.stage) : [];
  const stands = to === version.stage;
  return (
    <Panel title={stands ? `It stands in ${to}` : `What is missing to get to ${to || "production"}?`}>
      <Stack gap="md">
        <Group gap="sm" align="flex-end">
          <Select
            label="Stage"
            data={stages.map((stage) => stage.name)}
            value={stands ? null : to}
            placeholder="Another stage"
            onChange={(next) => navigate({ search: (before) => ({ ...before, gate: next ?? undefined }), replace: true })}
            allowDeselect={false}
            w="13rem"
          />
          {steps.includes(to) && (
            <Button variant="default" onClick={() => ask(to)}>
              Move to {to}…
            </Button>
          )}
        </Group>
        {found.error && <ProblemCard error={found.error} retry={() => void found.refetch()} />}
        {!found.data && !found.error && <Skeleton height={120} role="status" aria-label="Loading" />}
        {found.data && !stands && (
          <>
            <Text fw={600}>{headline(found.data.report)}</Text>
            <GateRows report={found.data.report} />
            {found.data.moves
              .filter((move) => move.displaced_by !== null)
              .map((move) => (
                <Text key={move.label} size="sm">
                  Version <b>{move.label}</b> would make room: it goes to {move.target}.
                </Text>
              ))}
          </>
        )}
      </Stack>
    </Panel>
  );
}
