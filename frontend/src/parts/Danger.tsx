/** The way to delete something that others may use: first without force, and by force only once
 * the registry has said who uses it. */

import { Button, Group, List, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Problem } from "../api/problem";
import { Panel } from "./Panel";
import { ProblemCard } from "./states";

export interface Forcing {
  force: boolean;
  reason: string;
}

/** Return the query of a deletion. */
export function forcing({ force, reason }: Forcing): { force?: boolean; reason?: string } {
  return force ? { force, reason } : {};
}

interface Props {
  /** What is deleted, as its button calls it, and what must be typed. */
  title: string;
  called: string;
  typed: string;
  children: ReactNode;
  remove: (how: Forcing) => Promise<unknown>;
  done: () => void;
}

const REASON_CHARS_MAX = 2_000;

export function Danger({ title, called, typed: wanted, children, remove, done }: Props) {
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const drop = useMutation({ mutationFn: remove, meta: { shown: true }, onSuccess: done });
  const users = usersIn(drop.error);
  const forced = drop.variables?.force === true;
  const [known, setKnown] = useState<readonly string[] | null>(null);
  const named = users ?? (forced ? known : null);
  return (
    <Panel
      title={title}
      danger
      onSubmit={() => {
        if (typed !== wanted || drop.isPending) return;
        if (named && reason.trim()) {
          setKnown(named);
          drop.mutate({ force: true, reason: reason.trim() });
        } else if (!named) drop.mutate({ force: false, reason: "" });
      }}
    >
      <Text size="sm" component="div">
        {children}
      </Text>
      <TextInput
        label={`Type ${wanted} to delete it`}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          drop.reset();
        }}
        autoComplete="off"
      />
      {drop.error && !users && <ProblemCard error={drop.error} />}
      {named && (
        <Stack gap="xs" role="alert">
          <Text size="sm" fw={600}>
            Nothing was deleted: it is in use.
          </Text>
          <List size="sm">
            {named.map((each) => (
              <List.Item key={each} style={{ overflowWrap: "anywhere" }}>
                {each}
              </List.Item>
            ))}
          </List>
          <Textarea
            label="Why delete it all the same"
            description="Goes on record. Better: end these uses first."
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={REASON_CHARS_MAX}
            autosize
            minRows={2}
            maxRows={6}
            required
          />
        </Stack>
      )}
      <Group>
        <Button type="submit" color="red" disabled={typed !== wanted || (named !== null && !reason.trim())} loading={drop.isPending}>
          {named ? `Delete ${called} by force` : `Delete ${called}`}
        </Button>
      </Group>
    </Panel>
  );
}

/** Who uses it, when that is why it was refused. */
function usersIn(error: unknown): readonly string[] | null {
  if (!(error instanceof Problem) || error.code !== "in_use") return null;
  const { users } = error.fields;
  return Array.isArray(users) ? users.map(String) : [error.detail];
}
