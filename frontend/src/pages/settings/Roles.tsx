import { Badge, Button, Group, MultiSelect, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Role } from "../../api/access";
import { api, said } from "../../api/client";
import { roles, whoami } from "../../api/lives";
import { Panel } from "../../parts/Panel";
import { ProblemCard, RowsComing } from "../../parts/states";
import { Table } from "../../parts/Table";
import { tellDone } from "../../shell/toasts";
import { Uncontrolled } from "./Uncontrolled";

const PATH = "/api/v1/roles/{name}";
/** So many permissions are named before the rest is counted. */
const SHOWN = 6;

const BUILT_IN: Record<string, string> = {
  viewer: "Sees.",
  contributor: "Registers, pushes, edits, asks.",
  approver: "Sees and decides.",
  maintainer: "All of that, and promotes, sets aliases, writes policies.",
  admin: "Everything in a project; given everywhere, everything there is.",
};

/** What each role gives: the five that are always there, and one's own. */
export function Roles(_: { project: string }) {
  const found = useQuery(roles());
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [given, setGiven] = useState<string[]>([]);
  const set = useMutation({
    mutationFn: () => said(api.PUT(PATH, { params: { path: { name: name.trim() } }, body: { description, permissions: given } })),
    meta: { shown: true },
    onSuccess: (made) => {
      tellDone(`Role ${made.name} gives ${made.permissions.length} permissions.`);
      setName("");
      setDescription("");
      setGiven([]);
    },
  });
  const remove = useMutation({
    mutationFn: (role: string) => said(api.DELETE(PATH, { params: { path: { name: role } } })),
    onSuccess: (_gone, role) => tellDone(`Role ${role} is gone.`),
  });
  const asked = useQuery(whoami());
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data || !asked.data) return <RowsComing rows={5} />;
  const all = [...new Set(found.data.flatMap((each) => each.permissions))].sort();
  return (
    <Stack gap="lg">
      <Table label="Roles" heads={["Role", "Gives"]} doing="Change">
        {found.data.map((each) => (
          <tr key={each.name}>
            <td>
              {each.name}{" "}
              {each.built_in && (
                <Badge variant="default" tt="none">
                  always there
                </Badge>
              )}
            </td>
            <td>
              {each.description || BUILT_IN[each.name]}
              <Given role={each} />
            </td>
            <td>
              {!each.built_in && (
                <Group gap="xs" justify="flex-end" wrap="nowrap">
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`Change ${each.name}`}
                    onClick={() => {
                      setName(each.name);
                      setDescription(each.description);
                      setGiven(each.permissions);
                    }}
                  >
                    Change
                  </Button>
                  <Button size="compact-xs" variant="default" aria-label={`Remove ${each.name}`} onClick={() => remove.mutate(each.name)}>
                    Remove
                  </Button>
                </Group>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {!asked.data.controlled && <Uncontrolled />}
      {asked.data.controlled && (
        <Panel title="Make a role, or change one" onSubmit={() => set.mutate()}>
          <Group align="flex-end" gap="sm">
            <TextInput label="Role" value={name} onChange={(event) => setName(event.currentTarget.value)} required maxLength={63} />
            <TextInput label="Description" value={description} onChange={(event) => setDescription(event.currentTarget.value)} style={{ flex: "1 1 14rem" }} />
          </Group>
          <MultiSelect label="Permissions" data={all} value={given} onChange={setGiven} searchable />
          {set.error && <ProblemCard error={set.error} />}
          <Group>
            <Button type="submit" loading={set.isPending} disabled={!name.trim() || given.length === 0}>
              Keep
            </Button>
          </Group>
        </Panel>
      )}
    </Stack>
  );
}

function Given({ role }: { role: Role }) {
  const [all, setAll] = useState(false);
  const shown = all ? role.permissions : role.permissions.slice(0, SHOWN);
  const rest = role.permissions.length - shown.length;
  return (
    <Text size="xs" c="dimmed" component="div">
      {shown.join(", ")}
      {rest > 0 && (
        <>
          {" "}
          <Button size="compact-xs" variant="subtle" aria-label={`All that ${role.name} gives`} onClick={() => setAll(true)}>
            and {rest} more
          </Button>
        </>
      )}
    </Text>
  );
}
