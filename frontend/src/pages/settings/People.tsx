import { Badge, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Account, accounts } from "../../api/access";
import { api, said } from "../../api/client";
import { whoami } from "../../api/lives";
import { Moment } from "../../parts/Moment";
import { ProblemCard, RowsComing } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import { KeepForm, RolesField } from "./KeepForm";
import { Listed } from "./Listed";
import { Uncontrolled } from "./Uncontrolled";

const PATH = "/api/v1/accounts/{name}";

/** People and service accounts, and their roles in the whole installation. */
export function People(_: { project: string }) {
  const found = useQuery(accounts());
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
  const change = (account: Account) => {
    setName(account.name);
    setKind(account.kind);
    setWanted(account.roles);
  };
  const asked = useQuery(whoami());
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data || !asked.data) return <RowsComing rows={3} />;
  if (!asked.data.controlled) return <Uncontrolled />;
  return (
    <Stack gap="lg">
      <Listed
        label="Accounts"
        heads={["Name", "Kind", "Roles everywhere", "Made"]}
        rows={found.data}
        nameOf={(each) => each.name}
        cells={(each) => [
          <>
            {each.name}{" "}
            {each.disabled_at && (
              <Badge variant="default" tt="none">
                shut out
              </Badge>
            )}
          </>,
          each.kind,
          each.roles.join(", ") || "none: what projects give",
          <>
            <Moment at={each.created_at} /> by {each.created_by}
          </>,
        ]}
        acts={(each) => [
          { text: each.disabled_at ? "Let in again" : "Change", label: `Change ${each.name}`, run: () => change(each) },
          ...(each.disabled_at ? [] : [{ text: "Shut out", label: `Shut ${each.name} out`, run: () => disable.mutate(each.name) }]),
        ]}
      />
      <KeepForm
        title="Let somebody in"
        action="Keep"
        ready={name.trim() !== ""}
        saving={set}
        note={
          <Text size="sm" c="dimmed">
            Roles in one project are given under Members; a token is made under Tokens, or with `lockgate token create`.
          </Text>
        }
      >
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
        <RolesField label="Roles in the whole installation" value={wanted} onChange={setWanted} />
      </KeepForm>
    </Stack>
  );
}
