import { Badge, Button, Code, Group, MultiSelect, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, said } from "../../api/client";
import { roles, tokens, whoami } from "../../api/lives";
import { projects } from "../../api/queries";
import { Moment } from "../../parts/Moment";
import { Panel } from "../../parts/Panel";
import { Secret } from "../../parts/Secret";
import { ProblemCard, RowsComing } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import { Uncontrolled } from "./Uncontrolled";
import { Table } from "../../parts/Table";

/** One's own tokens: what programs prove themselves with. */
export function Tokens(_: { project: string }) {
  const who = useQuery(whoami());
  if (who.error) return <ProblemCard error={who.error} />;
  if (!who.data) return <RowsComing rows={2} />;
  if (!who.data.controlled) return <Uncontrolled />;
  return <Own />;
}

function Own() {
  const found = useQuery(tokens());
  const revoke = useMutation({
    mutationFn: (token: string) => said(api.DELETE("/api/v1/tokens/{token}", { params: { path: { token } } })),
    onSuccess: (token) => tellDone(`${token.name} stops within a second.`),
  });
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={2} />;
  return (
    <Stack gap="lg">
      <NewToken />
      <Table label="Tokens" heads={["Token", "May", "Made", "Last used", "Ends"]} doing="Revoke">
        {found.data.map((each) => (
          <tr key={each.id}>
            <td>
              {each.name} <Code>{each.id}</Code>
            </td>
            <td>
              {each.permissions?.join(", ") ?? "all that its owner may"}
              {each.projects && <>, in {each.projects.join(", ")}</>}
            </td>
            <td>
              <Moment at={each.created_at} />
            </td>
            <td>{each.last_used_at ? <Moment at={each.last_used_at} /> : "never"}</td>
            <td>{each.expires_at ? <Moment at={each.expires_at} /> : "–"}</td>
            <td>
              {each.revoked_at ? (
                <Badge variant="default" tt="none">
                  revoked
                </Badge>
              ) : (
                <Button size="compact-xs" variant="default" aria-label={`Revoke ${each.name}`} onClick={() => revoke.mutate(each.id)}>
                  Revoke
                </Button>
              )}
            </td>
          </tr>
        ))}
      </Table>
    </Stack>
  );
}

function NewToken() {
  const [name, setName] = useState("");
  const [expires, setExpires] = useState("");
  const [permissions, setPermissions] = useState<string[]>([]);
  const [within, setWithin] = useState<string[]>([]);
  const known = useQuery(roles());
  const all = useQuery(projects());
  const make = useMutation({
    mutationFn: () =>
      said(
        api.POST("/api/v1/tokens", {
          body: {
            name: name.trim(),
            expires_at: expires ? `${expires}T00:00:00Z` : null,
            permissions: permissions.length ? permissions : null,
            projects: within.length ? within : null,
          },
        }),
      ),
    meta: { shown: true },
    onSuccess: () => setName(""),
  });
  return (
    <Panel title="Make a token" onSubmit={() => make.mutate()}>
      <Text size="sm" c="dimmed">
        It may what you may, or less: give a program no more than it needs.
      </Text>
      <Group align="flex-end" gap="sm">
        <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} required maxLength={100} />
        <TextInput label="Ends on" type="date" value={expires} onChange={(event) => setExpires(event.currentTarget.value)} />
        <MultiSelect
          label="Only in"
          data={all.data?.items.map((each) => each.name) ?? []}
          value={within}
          onChange={setWithin}
          placeholder={within.length ? "" : "every project"}
          searchable
          style={{ flex: "1 1 12rem" }}
        />
      </Group>
      <MultiSelect
        label="May only"
        data={[...new Set(known.data?.flatMap((each) => each.permissions) ?? [])].sort()}
        value={permissions}
        onChange={setPermissions}
        placeholder={permissions.length ? "" : "all that you may"}
        searchable
      />
      {make.error && <ProblemCard error={make.error} />}
      <Group>
        <Button type="submit" loading={make.isPending} disabled={!name.trim()}>
          Make
        </Button>
      </Group>
      {make.data && <Secret of={make.data.token.name} secret={make.data.secret} />}
    </Panel>
  );
}
