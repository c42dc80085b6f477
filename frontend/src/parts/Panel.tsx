/** A box with a title of its own; with `onSubmit` it is a form. */

import { Stack, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";
import styles from "./panel.module.css";

interface Props {
  title: string;
  danger?: boolean;
  onSubmit?: () => void;
  children: ReactNode;
}

export function Panel({ title, danger, onSubmit, children }: Props) {
  const id = useId();
  const inside = (
    <Stack gap="sm">
      <Title order={2} size="h5" id={id} style={{ overflowWrap: "anywhere" }}>
        {title}
      </Title>
      {children}
    </Stack>
  );
  return (
    <section className={styles.panel} data-danger={danger ? "" : undefined} aria-labelledby={id}>
      {onSubmit ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
          }}
        >
          {inside}
        </form>
      ) : (
        inside
      )}
    </section>
  );
}
