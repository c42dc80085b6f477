/** A table of settings: what each is, and at its end what can be done with it. */

import { Button, Group } from "@mantine/core";
import type { ReactNode } from "react";
import { Table } from "../../parts/Table";

interface Act {
  text: string;
  /** The same for the ear, with the name of what it is done with. */
  label: string;
  run: () => void;
}

interface Props<Row> {
  label: string;
  heads: readonly string[];
  rows: readonly Row[];
  nameOf: (row: Row) => string;
  /** As many as there are heads. */
  cells: (row: Row) => readonly ReactNode[];
  acts: (row: Row) => readonly Act[];
}

export function Listed<Row>({ label, heads, rows, nameOf, cells, acts }: Props<Row>) {
  return (
    <Table label={label} heads={heads} doing="Change">
      {rows.map((row) => (
        <tr key={nameOf(row)}>
          {cells(row).map((cell, at) => (
            <td key={heads[at]}>{cell}</td>
          ))}
          <td>
            <Group gap="xs" justify="flex-end" wrap="nowrap">
              {acts(row).map(({ text, label: spoken, run }) => (
                <Button key={spoken} size="compact-xs" variant="default" aria-label={spoken} onClick={run}>
                  {text}
                </Button>
              ))}
            </Group>
          </td>
        </tr>
      ))}
    </Table>
  );
}
