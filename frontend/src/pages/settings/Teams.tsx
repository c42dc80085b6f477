import { Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { accounts, type Team, teams } from "../../api/access";
import { api, said } from "../../api/client";
import { whoami } from "../../api/lives";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import { KeepForm, RolesField } from "./KeepForm";
import { Listed } from "./Listed";
import { Uncontrolled } from "./Uncontrolled";

const PATH = "/api/v1/teams/{name}";

/** People who have roles together. */
export function Teams(_: { project: string }) {
  const found = useQuery(teams());
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
  const change = (team: Team) => {
    setName(team.name);
    setWho(team.members);
    setWanted(team.roles);
  };
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
        <Listed
          label="Teams"
          heads={["Team", "People", "Roles everywhere"]}
          rows={found.data}
          nameOf={(each) => each.name}
          cells={(each) => [each.name, each.members.join(", "), each.roles.join(", ") || "none: what projects give"]}
          acts={(each) => [
            { text: "Change", label: `Change ${each.name}`, run: () => change(each) },
            { text: "Remove", label: `Remove ${each.name}`, run: () => remove.mutate(each.name) },
          ]}
        />
      )}
      <KeepForm title="Make a team, or change one" action="Keep" ready={name.trim() !== "" && who.length > 0} saving={set}>
        <TextInput label="Team" value={name} onChange={(event) => setName(event.currentTarget.value)} required maxLength={100} />
        <TagsInput label="People" data={people.data?.map((each) => each.name) ?? []} value={who} onChange={setWho} style={{ flex: "1 1 14rem" }} />
        <RolesField label="Roles in the whole installation" value={wanted} onChange={setWanted} />
      </KeepForm>
    </Stack>
  );
}
