import { Breadcrumbs, Group, Skeleton, Stack, Tabs, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import type { Model } from "../../api/client";
import { model as modelQuery } from "../../api/queries";
import { TagChip } from "../../parts/chips";
import { Moment } from "../../parts/Moment";
import { ProblemCard, RowsComing } from "../../parts/states";
import { count } from "../../words/numbers";
import styles from "./model.module.css";
import { Overview } from "./Overview";
import { Versions } from "./Versions";

const Past = lazy(() => import("./Past"));
const Trends = lazy(() => import("./Trends"));
const Aliases = lazy(() => import("./Aliases"));
const Deployments = lazy(() => import("./Deployments"));
const Split = lazy(() => import("./Split"));
const Monitoring = lazy(() => import("./Monitoring"));
const ModelSettings = lazy(() => import("./ModelSettings"));

/** The tabs of a model, in order. */
const TABS = [
  { key: "overview", label: "Overview", Tab: Overview },
  { key: "versions", label: "Versions", Tab: Versions },
  { key: "trends", label: "Trends", Tab: Trends },
  { key: "past", label: "Timeline", Tab: Past },
  { key: "deployments", label: "Deployments", Tab: Deployments },
  { key: "split", label: "A/B split", Tab: Split },
  { key: "monitoring", label: "Monitoring", Tab: Monitoring },
  { key: "aliases", label: "Aliases", Tab: Aliases },
  { key: "settings", label: "Settings", Tab: ModelSettings },
] as const;

/** One model: what serves, how to use it, and all its versions. */
export function ModelPage() {
  const { project, model: name } = useParams({ from: "/p/$project/models/$model" });
  const { tab } = useSearch({ from: "/p/$project/models/$model" });
  const navigate = useNavigate({ from: "/p/$project/models/$model" });
  const found = useQuery(modelQuery(project, name));
  const chosen = TABS.find((each) => each.key === tab)?.key ?? "overview";
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  return (
    <Stack gap="md">
      <Breadcrumbs>
        <Link to="/p/$project/models" params={{ project }} className={styles.crumb}>
          Models
        </Link>
        <Text size="sm" c="dimmed">
          {name}
        </Text>
      </Breadcrumbs>
      {found.data ? <Head model={found.data} /> : <Skeleton height={72} role="status" aria-label="Loading" />}
      {found.data && (
        <Tabs
          value={chosen}
          onChange={(key) => navigate({ search: (before) => ({ ...before, tab: key === "overview" ? undefined : (key ?? undefined) }) })}
          keepMounted={false}
        >
          <Tabs.List mb="md" className={styles.tabs}>
            {TABS.map((each) => (
              <Tabs.Tab key={each.key} value={each.key}>
                {each.label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {TABS.map(({ key, Tab }) => (
            <Tabs.Panel key={key} value={key}>
              <Suspense fallback={<RowsComing />}>
                <Tab model={found.data} />
              </Suspense>
            </Tabs.Panel>
          ))}
        </Tabs>
      )}
    </Stack>
  );
}

function Head({ model }: { model: Model }) {
  return (
    <Stack gap={6}>
      <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
        {model.name}
      </Title>
      {model.description && <Text style={{ overflowWrap: "anywhere" }}>{model.description}</Text>}
      <Group gap="xs">
        <Text size="sm" c="dimmed">
          {model.owner && <>Owned by {model.owner} · </>}
          {count(model.version_count, "version")} ·{" "}
          <Link to="/p/$project/board" params={{ project: model.project }} search={{ model: model.name }} className={styles.crumb}>
            board
          </Link>{" "}
          ·{" "}
          <Link to="/p/$project/lifecycles" params={{ project: model.project }} search={{ name: model.lifecycle }} className={styles.crumb}>
            lifecycle {model.lifecycle}
          </Link>{" "}
          · made <Moment at={model.created_at} /> by {model.created_by}
        </Text>
        {Object.entries(model.tags).map(([key, value]) => (
          <TagChip key={key} name={key} value={value} />
        ))}
      </Group>
    </Stack>
  );
}
