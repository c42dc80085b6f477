/** The form below a table of settings: its fields in a line, one button, and what was wrong. */

import { Button, Group, MultiSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { roles } from "../../api/lives";
import { Panel } from "../../parts/Panel";
import { ProblemCard } from "../../parts/states";

interface Props {
  title: string;
  /** What the button says. */
  action: string;
  ready: boolean;
  saving: { mutate: () => void; isPending: boolean; error: Error | null };
  /** What is to be known besides, below the fields. */
  note?: ReactNode;
  children: ReactNode;
}

export function KeepForm({ title, action, ready, saving, note, children }: Props) {
  return (
    <Panel title={title} onSubmit={() => saving.mutate()}>
      <Group align="flex-end" gap="sm">
        {children}
        <Button type="submit" loading={saving.isPending} disabled={!ready}>
          {action}
        </Button>
      </Group>
      {note}
      {saving.error && <ProblemCard error={saving.error} />}
    </Panel>
  );
}

interface RolesProps {
  label: string;
  value: string[];
  onChange: (next: string[]) => void;
}

/** Which of the roles that there are. */
export function RolesField({ label, value, onChange }: RolesProps) {
  const known = useQuery(roles());
  return (
    <MultiSelect
      label={label}
      data={known.data?.map((each) => each.name) ?? []}
      value={value}
      onChange={onChange}
      searchable
      style={{ flex: "1 1 14rem" }}
    />
  );
}
