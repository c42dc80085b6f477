import { Alert, Badge, Button, Code, CopyButton, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, said } from "../../api/client";
import { tokens, whoami } from "../../api/lives";
import { Moment } from "../../parts/Moment";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import styles from "./settings.module.css";
import { Table } from "./Table";

/** One's own tokens: what programs prove themselves with. */
export function Tokens(_: { project: string }) {
  const who = useQuery(whoami());
  if (who.error) return <ProblemCard error={who.error} />;
  if (!who.data) return <RowsComing rows={2} />;
  if (!who.data.controlled) {
    return (
      <Empty title="Access control is off">
        <Text>Everybody who reaches this server may do everything, under the name that they give.</Text>
        <Text>
          Whoever can open the database switches it on: <Code>lockgate admin init ana</Code> makes ana the administrator and prints her token, once.
        </Text>
      </Empty>
    );
  }
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
  const make = useMutation({
    mutationFn: () => said(api.POST("/api/v1/tokens", { body: { name: name.trim(), expires_at: expires ? `${expires}T00:00:00Z` : null } })),
    meta: { shown: true },
    onSuccess: () => setName(""),
  });
  return (
    <section className={styles.panel} aria-labelledby="new-token">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <Stack gap="sm">
          <Title order={2} size="h5" id="new-token">
            Make a token
          </Title>
          <Text size="sm" c="dimmed">
            It may what you may. One that may less is made with `lockgate token create --in … --may …`.
          </Text>
          <Group align="flex-end" gap="sm">
            <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} required />
            <TextInput label="Ends on" type="date" value={expires} onChange={(event) => setExpires(event.currentTarget.value)} />
            <Button type="submit" loading={make.isPending} disabled={!name.trim()}>
              Make
            </Button>
          </Group>
          {make.error && <ProblemCard error={make.error} />}
          {make.data && (
            <Alert color="canal" title={`${make.data.token.name}: copy it now, it is never shown again`}>
              <Group gap="sm">
                <Code style={{ overflowWrap: "anywhere" }}>{make.data.secret}</Code>
                <CopyButton value={make.data.secret}>
                  {({ copied, copy }) => (
                    <Button size="compact-xs" onClick={copy}>
                      {copied ? "Copied" : "Copy"}
                    </Button>
                  )}
                </CopyButton>
              </Group>
            </Alert>
          )}
        </Stack>
      </form>
    </section>
  );
}
