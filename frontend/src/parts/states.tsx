/** What a page shows when it has nothing (yet): what broke, what to do next, what is coming. */

import { Alert, Button, Code, Skeleton, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { adviceFor, asProblem } from "../api/problem";
import { EmptyIcon } from "./icons";
import styles from "./states.module.css";

/** An error as sentences: what was wrong, what would be right, and by which number its log knows it. */
export function ProblemCard({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = asProblem(error);
  const advice = problem.hint || adviceFor(problem);
  return (
    <Alert color="red" variant="light" title={problem.title} role="alert" classNames={{ root: styles.problem, title: styles.title }}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {problem.detail}
        </Text>
        {advice && <Text size="sm">{advice}</Text>}
        {problem.requestId && (
          <Text size="xs" c="dimmed">
            Request <Code>{problem.requestId}</Code>
          </Text>
        )}
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** A place where nothing is yet, and the step that puts something there. */
export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack align="center" gap="sm" py={56} px="md" ta="center" c="dimmed">
      <EmptyIcon size={44} />
      <Title order={2} size="h4" c="var(--mantine-color-text)">
        {title}
      </Title>
      <Stack gap="sm" maw="34rem" align="center">
        {children}
      </Stack>
    </Stack>
  );
}

export function RowsComing({ rows = 6 }: { rows?: number }) {
  return (
    <Stack gap="sm" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={52} />
      ))}
    </Stack>
  );
}
