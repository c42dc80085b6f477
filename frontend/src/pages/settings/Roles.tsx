import { Badge, Button, MultiSelect, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Role } from "../../api/access";
import { api, said } from "../../api/client";
import { roles, whoami } from "../../api/lives";
import { ProblemCard, RowsComing } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import { KeepForm } from "./KeepForm";
import { Listed } from "./Listed";
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
  const change = (role: Role) => {
    setName(role.name);
    setDescription(role.description);
    setGiven(role.permissions);
  };
  const asked = useQuery(whoami());
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data || !asked.data) return <RowsComing rows={5} />;
  const all = [...new Set(found.data.flatMap((each) => each.permissions))].sort();
  return (
    <Stack gap="lg">
      <Listed
        label="Roles"
        heads={["Role", "Gives"]}
        rows={found.data}
        nameOf={(each) => each.name}
        cells={(each) => [
          <>
            {each.name}{" "}
            {each.built_in && (
              <Badge variant="default" tt="none">
                always there
              </Badge>
            )}
          </>,
          <>
            {each.description || BUILT_IN[each.name]}
            <Given role={each} />
          </>,
        ]}
        acts={(each) =>
          each.built_in
            ? []
            : [
                { text: "Change", label: `Change ${each.name}`, run: () => change(each) },
                { text: "Remove", label: `Remove ${each.name}`, run: () => remove.mutate(each.name) },
              ]
        }
      />
      {!asked.data.controlled && <Uncontrolled />}
      {asked.data.controlled && (
        <KeepForm title="Make a role, or change one" action="Keep" ready={name.trim() !== "" && given.length > 0} saving={set}>
          <TextInput label="Role" value={name} onChange={(event) => setName(event.currentTarget.value)} required maxLength={63} />
          <TextInput label="Description" value={description} onChange={(event) => setDescription(event.currentTarget.value)} style={{ flex: "1 1 14rem" }} />
          <MultiSelect label="Permissions" data={all} value={given} onChange={setGiven} searchable style={{ flex: "1 1 100%" }} />
        </KeepForm>
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
