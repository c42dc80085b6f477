/** Where a version may go, as a menu: what dragging a card does, for whoever does not drag. */

import { ActionIcon, Button, Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lifecycle } from "../api/queries";
import { stepsFrom } from "../words/lifecycles";
import { MoveIcon } from "./icons";

interface Props {
  of: { lifecycle: string; lifecycle_revision: number };
  name: string;
  stage: string;
  choose: (to: string) => void;
  small?: boolean;
}

export function MoveMenu({ of, name, stage, choose, small = false }: Props) {
  const { data } = useQuery(lifecycle(of.lifecycle, of.lifecycle_revision));
  const steps = data ? stepsFrom(data, stage) : [];
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        {small ? (
          <ActionIcon variant="subtle" color="gray" size={28} aria-label={`Move ${name}`}>
            <MoveIcon size={16} />
          </ActionIcon>
        ) : (
          <Button leftSection={<MoveIcon size={16} />}>Move to…</Button>
        )}
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{steps.length ? "Move to" : `No step leads out of ${stage}`}</Menu.Label>
        {steps.map((to) => (
          <Menu.Item key={to} onClick={() => choose(to)}>
            {to}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
