import { Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, said } from "../../api/client";
import { members, roles } from "../../api/lives";
import { ProblemCard, RowsComing } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import { KeepForm, RolesField } from "./KeepForm";
import { Listed } from "./Listed";

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
  const change = (member: { person: string; roles: string[] }) => {
    setPerson(member.person);
    setWanted(member.roles);
  };
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
        <Listed
          label="Members"
          heads={["Member", "Roles"]}
          rows={found.data}
          nameOf={(each) => each.person}
          cells={(each) => [each.person, each.roles.join(", ")]}
          acts={(each) => [
            { text: "Change", label: `Change ${each.person}`, run: () => change(each) },
            { text: "Remove", label: `Remove ${each.person}`, run: () => remove.mutate(each.person) },
          ]}
        />
      )}
      <KeepForm
        title="Give roles"
        action="Give"
        ready={person.trim() !== "" && wanted.length > 0}
        saving={set}
        note={known.data
          ?.filter((each) => wanted.includes(each.name) && each.description)
          .map((each) => (
            <Text key={each.name} size="sm" c="dimmed">
              {each.name}: {each.description}
            </Text>
          ))}
      >
        <TextInput label="Person or team" value={person} onChange={(event) => setPerson(event.currentTarget.value)} required />
        <RolesField label="Roles" value={wanted} onChange={setWanted} />
      </KeepForm>
    </Stack>
  );
}
