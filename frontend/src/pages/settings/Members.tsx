import { Button, Group, MultiSelect, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, said } from "../../api/client";
import { members, roles } from "../../api/lives";
import { Panel } from "../../parts/Panel";
import { ProblemCard, RowsComing } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import { Table } from "../../parts/Table";

const PATH = "/api/v1/projects/{project}/members/{person}";

/** Who has which roles in the project. */
export function Members({ project }: { project: string }) {
  const found = useQuery(members(project));
  const [person, setPerson] = useState("");
  const [wanted, setWanted] = useState<string[]>([]);
  const known = useQuery(roles());
  const remove = useMutation({
    mutationFn: (who: string) => said(api.DELETE(PATH, { params: { path: { project, person: who } } })),
    onSuccess: (_, who) => tellDone(`${who} is no member any more.`),
  });
  const set = useMutation({
    mutationFn: () => said(api.PUT(PATH, { params: { path: { project, person: person.trim() } }, body: { roles: wanted } })),
    meta: { shown: true },
    onSuccess: (member) => {
      tellDone(`${member.person}: ${member.roles.join(", ")}.`);
      setPerson("");
      setWanted([]);
    },
  });
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={3} />;
  return (
    <Stack gap="lg">
      {found.data.length === 0 && (
        <Text c="dimmed">
          {project} has no members. Without access control everybody who reaches this server may do everything in it; once it has members, its gates are decided by them. The first member must be an admin.
        </Text>
      )}
      {found.data.length > 0 && (
        <Table label="Members" heads={["Member", "Roles"]} doing="Change">
          {found.data.map((each) => (
            <tr key={each.person}>
              <td>{each.person}</td>
              <td>{each.roles.join(", ")}</td>
              <td>
                <Group gap="xs" justify="flex-end" wrap="nowrap">
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`Change ${each.person}`}
                    onClick={() => {
                      setPerson(each.person);
                      setWanted(each.roles);
                    }}
                  >
                    Change
                  </Button>
                  <Button size="compact-xs" variant="default" aria-label={`Remove ${each.person}`} onClick={() => remove.mutate(each.person)}>
                    Remove
                  </Button>
                </Group>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <Panel title="Give roles" onSubmit={() => set.mutate()}>
        <Group align="flex-end" gap="sm">
          <TextInput label="Person or team" value={person} onChange={(event) => setPerson(event.currentTarget.value)} required />
          <MultiSelect
            label="Roles"
            data={known.data?.map((each) => each.name) ?? []}
            value={wanted}
            onChange={setWanted}
            searchable
            style={{ flex: "1 1 14rem" }}
          />
          <Button type="submit" loading={set.isPending} disabled={!person.trim() || wanted.length === 0}>
            Give
          </Button>
        </Group>
        {known.data
          ?.filter((each) => wanted.includes(each.name) && each.description)
          .map((each) => (
            <Text key={each.name} size="sm" c="dimmed">
              {each.name}: {each.description}
            </Text>
          ))}
        {set.error && <ProblemCard error={set.error} />}
      </Panel>
    </Stack>
  );
}
