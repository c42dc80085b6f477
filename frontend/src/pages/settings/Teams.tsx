import { Button, Group, MultiSelect, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { accounts, teams } from "../../api/access";
import { api, said } from "../../api/client";
import { roles, whoami } from "../../api/lives";
import { Panel } from "../../parts/Panel";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { Table } from "../../parts/Table";
import { tellDone } from "../../shell/toasts";
import { Uncontrolled } from "./Uncontrolled";

const PATH = "/api/v1/teams/{name}";

/** People who have roles together. */
export function Teams(_: { project: string }) {
  const found = useQuery(teams());
  const known = useQuery(roles());
  const people = useQuery(accounts());
  const [name, setName] = useState("");
  const [who, setWho] = useState<string[]>([]);
  const [wanted, setWanted] = useState<string[]>([]);
  const set = useMutation({
    mutationFn: () => said(api.PUT(PATH, { params: { path: { name: name.trim() } }, body: { members: who, roles: wanted } })),
    meta: { shown: true },
    onSuccess: (made) => {
      tellDone(`${made.name}: ${made.members.join(", ")}.`);
      setName("");
      setWho([]);
      setWanted([]);
    },
  });
  const remove = useMutation({
    mutationFn: (team: string) => said(api.DELETE(PATH, { params: { path: { name: team } } })),
    onSuccess: (_gone, team) => tellDone(`${team} is no team any more.`),
  });
  const asked = useQuery(whoami());
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data || !asked.data) return <RowsComing rows={3} />;
  if (!asked.data.controlled) return <Uncontrolled />;
  return (
    <Stack gap="lg">
      {found.data.length === 0 ? (
        <Empty title="No teams yet">
          <Text>A team is a name for people who have roles together: make it a member of a project, and all of them are.</Text>
        </Empty>
      ) : (
        <Table label="Teams" heads={["Team", "People", "Roles everywhere"]} doing="Change">
          {found.data.map((each) => (
            <tr key={each.name}>
              <td>{each.name}</td>
              <td>{each.members.join(", ")}</td>
              <td>{each.roles.join(", ") || "none: what projects give"}</td>
              <td>
                <Group gap="xs" justify="flex-end" wrap="nowrap">
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`Change ${each.name}`}
                    onClick={() => {
                      setName(each.name);
                      setWho(each.members);
                      setWanted(each.roles);
                    }}
                  >
                    Change
                  </Button>
                  <Button size="compact-xs" variant="default" aria-label={`Remove ${each.name}`} onClick={() => remove.mutate(each.name)}>
                    Remove
                  </Button>
                </Group>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <Panel title="Make a team, or change one" onSubmit={() => set.mutate()}>
        <Group align="flex-end" gap="sm">
          <TextInput label="Team" value={name} onChange={(event) => setName(event.currentTarget.value)} required maxLength={100} />
          <TagsInput label="People" data={people.data?.map((each) => each.name) ?? []} value={who} onChange={setWho} style={{ flex: "1 1 14rem" }} />
          <MultiSelect
            label="Roles in the whole installation"
            data={known.data?.map((each) => each.name) ?? []}
            value={wanted}
            onChange={setWanted}
            searchable
            style={{ flex: "1 1 14rem" }}
          />
          <Button type="submit" loading={set.isPending} disabled={!name.trim() || who.length === 0}>
            Keep
          </Button>
        </Group>
        {set.error && <ProblemCard error={set.error} />}
      </Panel>
    </Stack>
  );
}
