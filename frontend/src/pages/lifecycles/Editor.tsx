import { Alert, Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, said } from "../../api/client";
import { asProblem } from "../../api/problem";
import { ProblemCard } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import type { Lifecycle } from "../../words/lifecycles";
import { Drawn } from "./Drawn";

const PAUSE_MS = 350;
const STARTER = `name = "release-train"
description = "Built, tried, live."
initial = "Built"
version_scheme = "semver"

[[stages]]
name = "Built"

[[stages]]
name = "Trial"
colour = "amber"

[[stages]]
name = "Live"
colour = "green"
exclusive = true
incumbent = "demote:Trial"
serving = true

[[edges]]
from = "Built"
to = "Trial"

[[edges]]
from = "Trial"
to = "Live"

[[edges]]
from = "Live"
to = "Trial"

[policies.Live]
requirements = [{ kind = "approvals", count = 1 }]
`;

/** Write a document, see at once what the server makes of it, and apply it. */
export function Editor({ base, fresh, close }: { base: Lifecycle; fresh: boolean; close: (applied?: Lifecycle) => void }) {
  const [text, setText] = useState(() => (fresh ? STARTER : written(base)));
  const [sought] = useDebouncedValue(text, PAUSE_MS);
  const checked = useQuery({
    queryKey: ["lifecycle", "validated", sought],
    queryFn: ({ signal }) => said(api.POST("/api/v1/lifecycles/validate", { ...sent(sought), signal })),
    retry: false,
    placeholderData: (before) => before,
  });
  const apply = useMutation({
    mutationFn: () => said(api.POST("/api/v1/lifecycles", sent(text))),
    meta: { shown: true },
    onSuccess: (applied) => {
      tellDone(`${applied.name} is at revision ${applied.revision}.`);
      close(applied);
    },
  });
  const settled = sought === text && !checked.isFetching;
  return (
    <Stack gap="md">
      <Textarea
        label={fresh ? "The new lifecycle" : `The next revision of ${base.name}`}
        description="TOML or JSON. Models stay with the revision they have until they are moved."
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        autosize
        minRows={14}
        maxRows={20}
        spellCheck={false}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.8125rem", whiteSpace: "pre", overflowX: "auto" } }}
      />
      {checked.error && <Faults error={checked.error} />}
      {apply.error && <ProblemCard error={apply.error} />}
      <Group gap="sm">
        <Button onClick={() => apply.mutate()} disabled={!settled || !checked.isSuccess || checked.isPlaceholderData} loading={apply.isPending}>
          Apply
        </Button>
        <Button variant="default" onClick={() => close()}>
          Cancel
        </Button>
        {settled && checked.isSuccess && (
          <Text size="sm" c="dimmed" role="status">
            It holds together; below is what it says.
          </Text>
        )}
      </Group>
      {checked.data && !checked.error && <Drawn lifecycle={checked.data} />}
    </Stack>
  );
}

/** Every fault of the document at once. */
function Faults({ error }: { error: unknown }) {
  const problem = asProblem(error);
  const faults = Array.isArray(problem.fields.faults) ? problem.fields.faults.map(String) : [];
  if (faults.length === 0) return <ProblemCard error={problem} />;
  return (
    <Alert color="red" variant="light" role="alert" title={problem.title}>
      <ul style={{ margin: 0, paddingLeft: "1.1rem" }}>
        {faults.map((fault) => (
          <li key={fault}>
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              {fault}
            </Text>
          </li>
        ))}
      </ul>
    </Alert>
  );
}

/** The document of a lifecycle, without what the server adds to it. */
function written({ revision: _revision, sentences: _sentences, ...document }: Lifecycle): string {
  return JSON.stringify(document, null, 2);
}

/** How a text is sent: as what it is. */
function sent(text: string) {
  const json = text.trimStart().startsWith("{");
  return {
    body: text as unknown as Record<string, never>,
    bodySerializer: (body: unknown) => body as string,
    headers: { "Content-Type": json ? "application/json" : "application/toml" },
  };
}
