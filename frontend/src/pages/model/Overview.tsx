import { Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import type { Model } from "../../api/client";
import { card, production } from "../../api/queries";
import { AliasChip, MetricChip, StageChip } from "../../parts/chips";
import { Moment } from "../../parts/Moment";
import { Snippet } from "../../parts/Snippet";
import { ProblemCard } from "../../parts/states";
import { SERVER } from "../../place";
import styles from "./model.module.css";
import { waysToUse } from "./snippets";

const Markdown = lazy(() => import("../../parts/Markdown"));

/** What is in production, how to use it, and the card. */
export function Overview({ model }: { model: Model }) {
  return (
    <div className={styles.columns}>
      <Card model={model} />
      <Stack gap="lg">
        <Production model={model} />
        <Use model={model} />
      </Stack>
    </div>
  );
}

function Production({ model }: { model: Model }) {
  const found = useQuery(production(model.project, model.name));
  const version = found.data;
  return (
    <section className={`${styles.panel} ${styles.serving}`} aria-labelledby="serving">
      <Title order={2} size="h5" id="serving" mb="xs">
        In production
      </Title>
      {found.isPending && <Skeleton height={70} role="status" aria-label="Loading" />}
      {found.error && <ProblemCard error={found.error} />}
      {version === null && <Text c="dimmed">Nothing yet. A version gets here when the gates on its way let it through.</Text>}
      {version && (
        <Stack gap="xs">
          <Group gap="sm" align="center">
            <Link
              to="/p/$project/models/$model/versions/$version"
              params={{ project: version.project, model: version.model, version: version.label }}
              className={styles.label}
            >
              {version.label}
            </Link>
            <StageChip stage={version.stage} of={model} />
            {version.aliases.map((alias) => (
              <AliasChip key={alias} alias={alias} />
            ))}
          </Group>
          <Text size="sm" c="dimmed">
            For <Moment at={version.stage_since} since />
            {version.approved_by && <>, let in by {version.approved_by}</>}. Registered <Moment at={version.created_at} /> by {version.created_by}.
          </Text>
          <Group gap={6}>
            {Object.entries(version.metrics).map(([name, value]) => (
              <MetricChip key={name} name={name} value={value} />
            ))}
          </Group>
        </Stack>
      )}
    </section>
  );
}

function Use({ model }: { model: Model }) {
  const { snippet } = useSearch({ from: "/p/$project/models/$model" });
  const navigate = useNavigate({ from: "/p/$project/models/$model" });
  const ways = waysToUse(model.project, model.name, SERVER.href.replace(/\/$/, ""));
  return (
    <section className={styles.panel} aria-labelledby="use">
      <Title order={2} size="h5" id="use" mb="sm">
        Use what is in production
      </Title>
      <Snippet
        ways={ways}
        chosen={snippet}
        choose={(key) => navigate({ search: (before) => ({ ...before, snippet: key === "python" ? undefined : key }), replace: true })}
      />
    </section>
  );
}

/** The card of what serves; before anything does, of the latest version. */
function Card({ model }: { model: Model }) {
  const serving = useQuery(production(model.project, model.name));
  const label = serving.data?.label ?? (serving.isPending ? null : model.latest_version);
  const found = useQuery({ ...card(model.project, model.name, label ?? ""), enabled: label !== null });
  const text = found.data?.text;
  return (
    <section className={styles.panel} aria-labelledby="card">
      <Title order={2} size="h5" id="card" mb="sm">
        Card
        {text && (
          <Text span size="sm" c="dimmed" fw={400}>
            {" "}
            of {label}
          </Text>
        )}
      </Title>
      {found.isLoading && <Skeleton height={160} role="status" aria-label="Loading" />}
      {found.error && <ProblemCard error={found.error} />}
      {text && (
        <Suspense fallback={<Skeleton height={160} role="status" aria-label="Loading" />}>
          <Markdown>{text}</Markdown>
        </Suspense>
      )}
      {!text && !found.isLoading && !found.error && (
        <Text c="dimmed">
          No card yet. Put a README.md beside the model’s files and push them, or describe the version: what it is for, what it was trained on, where it fails.
        </Text>
      )}
    </section>
  );
}
