import { Code, CopyButton, ActionIcon, Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense } from "react";
import { card } from "../../api/queries";
import { CheckIcon, CopyIcon } from "../../parts/icons";
import { metricText } from "../../words/numbers";
import type { TabProps } from "./tabs";
import styles from "./version.module.css";

const Markdown = lazy(() => import("../../parts/Markdown"));

/** What is known of the version: how good it is, from what it was made, its card. */
export function Facts({ version, named }: TabProps) {
  const metrics = Object.entries(version.metrics);
  const params = Object.entries(version.params);
  const metadata = Object.keys(version.metadata).length;
  return (
    <div className={styles.columns}>
      <Stack gap="lg">
        <Panel title="Metrics">
          {metrics.length ? (
            <Pairs label="Metrics" pairs={metrics.map(([name, value]) => [name, metricText(value as number)])} numbers />
          ) : (
            <Text c="dimmed" size="sm">
              None yet. Give them when you register the version, or later with `lockgate version metrics`.
            </Text>
          )}
        </Panel>
        <Panel title="Card">
          <Card named={named} />
        </Panel>
      </Stack>
      <Stack gap="lg">
        <Panel title="About">
          <dl className={styles.about}>
            <Fact term="Reference">
              <Copied text={version.reference} />
            </Fact>
            <Fact term="Number">{version.seq}</Fact>
            {version.digest && (
              <Fact term="Digest">
                <Copied text={version.digest} />
              </Fact>
            )}
            {version.artifact_uri && <Fact term="Files lie at">{version.artifact_uri}</Fact>}
            {version.sources.run_id && <Fact term="Run">{version.sources.run_id}</Fact>}
            {version.sources.dataset && <Fact term="Data">{version.sources.dataset}</Fact>}
            {version.sources.code && <Fact term="Code">{version.sources.code}</Fact>}
          </dl>
        </Panel>
        {params.length > 0 && (
          <Panel title="Params">
            <Pairs label="Params" pairs={params.map(([name, value]) => [name, String(value)])} />
          </Panel>
        )}
        {metadata > 0 && (
          <Panel title="Metadata">
            <Code block tabIndex={0} aria-label="Metadata">
              {JSON.stringify(version.metadata, null, 2)}
            </Code>
          </Panel>
        )}
      </Stack>
    </div>
  );
}

export function Panel({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.panel} aria-label={title}>
      <Title order={2} size="h5" mb="sm">
        {title}
      </Title>
      {children}
    </section>
  );
}

function Pairs({ label, pairs, numbers = false }: { label: string; pairs: [string, string][]; numbers?: boolean }) {
  return (
    <table className={styles.pairs} aria-label={label}>
      <tbody>
        {pairs.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td className={numbers ? "number" : undefined}>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** Text that one wants to take along. */
export function Copied({ text, shown = text }: { text: string; shown?: string }) {
  return (
    <Group gap={4} wrap="nowrap" align="flex-start">
      <span className={styles.mono} data-cut={shown !== text || undefined} title={shown === text ? undefined : text}>
        {shown}
        {shown !== text && "…"}
      </span>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <ActionIcon size={24} variant="subtle" color="gray" onClick={copy} aria-label={copied ? "Copied" : `Copy ${text}`}>
            {copied ? <CheckIcon size={14} /> : <CopyIcon size={14} />}
          </ActionIcon>
        )}
      </CopyButton>
    </Group>
  );
}

function Card({ named }: { named: TabProps["named"] }) {
  const found = useQuery(card(named.project, named.model, named.version));
  if (found.isPending) return <Skeleton height={120} role="status" aria-label="Loading" />;
  if (!found.data?.text) {
    return (
      <Text c="dimmed" size="sm">
        No card yet. Put a README.md beside the model’s files and push them, or describe the version: what it is for, what it was trained on, where it fails.
      </Text>
    );
  }
  return (
    <Suspense fallback={<Skeleton height={120} role="status" aria-label="Loading" />}>
      <Markdown>{found.data.text}</Markdown>
    </Suspense>
  );
}
