import { Badge, Button, Group, MultiSelect, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { accounts } from "../../api/access";
import { api, said } from "../../api/client";
import { roles, whoami } from "../../api/lives";
import { Moment } from "../../parts/Moment";
import { Panel } from "../../parts/Panel";
import { ProblemCard, RowsComing } from "../../parts/states";
import { Table } from "../../parts/Table";
import { tellDone } from "../../shell/toasts";
import { Uncontrolled } from "./Uncontrolled";

const PATH = "/api/v1/accounts/{name}";

/** People and service accounts, and their roles in the whole installation. */
export function People(_: { project: string }) {
  const found = useQuery(accounts());
  const known = useQuery(roles());
  const [name, setName] = useState("");
  const [kind, setKind] = useState<"person" | "service">("person");
  const [wanted, setWanted] = useState<string[]>([]);
  const set = useMutation({
    mutationFn: () => said(api.PUT(PATH, { params: { path: { name: name.trim() } }, body: { kind, roles: wanted } })),
    meta: { shown: true },
    onSuccess: (made) => {
      tellDone(`${made.name} is known.`);
      setName("");
      setWanted([]);
    },
  });
  const disable = useMutation({
    mutationFn: (who: string) => said(api.DELETE(PATH, { params: { path: { name: who } } })),
    onSuccess: (gone) => tellDone(`${gone.name} is shut out, and the tokens with them.`),
  });
  const asked = useQuery(whoami());
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data || !asked.data) return <RowsComing rows={3} />;
  if (!asked.data.controlled) return <Uncontrolled />;
  return (
    <Stack gap="lg">
        <Table label="Accounts" heads={["Name", "Kind", "Roles everywhere", "Made"]} doing="Change">
          {found.data.map((each) => (
            <tr key={each.name}>
              <td>
                {each.name}{" "}
                {each.disabled_at && (
                  <Badge variant="default" tt="none">
                    shut out
                  </Badge>
                )}
              </td>
              <td>{each.kind}</td>
              <td>{each.roles.join(", ") || "none: what projects give"}</td>
              <td>
                <Moment at={each.created_at} /> by {each.created_by}
              </td>
              <td>
                <Group gap="xs" justify="flex-end" wrap="nowrap">
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`Change ${each.name}`}
                    onClick={() => {
                      setName(each.name);
                      setKind(each.kind);
                      setWanted(each.roles);
                    }}
                  >
                    {each.disabled_at ? "Let in again" : "Change"}
                  </Button>
                  {!each.disabled_at && (
                    <Button size="compact-xs" variant="default" aria-label={`Shut ${each.name} out`} onClick={() => disable.mutate(each.name)}>
                      Shut out
                    </Button>
                  )}
                </Group>
              </td>
            </tr>
          ))}
        </Table>
      <Panel title="Let somebody in" onSubmit={() => set.mutate()}>
        <Group align="flex-end" gap="sm">
          <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} required maxLength={100} />
          <SegmentedControl
            aria-label="Kind"
            data={[
              { value: "person", label: "Person" },
              { value: "service", label: "Service" },
            ]}
            value={kind}
            onChange={(next) => setKind(next as "person" | "service")}
          />
          <MultiSelect
            label="Roles in the whole installation"
            data={known.data?.map((each) => each.name) ?? []}
            value={wanted}
            onChange={setWanted}
            searchable
            style={{ flex: "1 1 14rem" }}
          />
          <Button type="submit" loading={set.isPending} disabled={!name.trim()}>
            Keep
          </Button>
        </Group>
        <Text size="sm" c="dimmed">
          Roles in one project are given under Members; a token is made under Tokens, or with `lockgate token create`.
        </Text>
        {set.error && <ProblemCard error={set.error} />}
      </Panel>
    </Stack>
  );
}
