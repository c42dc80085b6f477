import { Breadcrumbs, Group, Skeleton, Stack, Tabs, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { type ComponentType, lazy, Suspense } from "react";
import type { Model, Version } from "../../api/client";
import { model as modelQuery } from "../../api/queries";
import { type Named, requests, version as versionQuery } from "../../api/versions";
import { AliasChip, StageChip, TagChip } from "../../parts/chips";
import { Moment } from "../../parts/Moment";
import { MoveDialog, type Wished } from "../../parts/MoveDialog";
import { MoveMenu } from "../../parts/MoveMenu";
import { ProblemCard, RowsComing } from "../../parts/states";
import { Approvals } from "./Approvals";
import { Facts } from "./Facts";
import { Files } from "./Files";
import { Gate } from "./Gate";
import { History } from "./History";
import { Lineage } from "./Lineage";
import type { TabProps } from "./tabs";
import styles from "./version.module.css";

const FROM = "/p/$project/models/$model/versions/$version";

const TABS: { key: string; label: string; Tab: ComponentType<TabProps> }[] = [
  { key: "overview", label: "Overview", Tab: Facts },
  { key: "files", label: "Files", Tab: Files },
  { key: "gate", label: "Gate", Tab: Gate },
  { key: "approvals", label: "Approvals", Tab: Approvals },
  { key: "history", label: "History", Tab: History },
  { key: "lineage", label: "Lineage", Tab: Lineage },
  { key: "users", label: "Used by", Tab: lazy(() => import("./Users")) },
];

/** One version: what it is made of, how good it is, where it may go, and who said so. */
export function VersionPage() {
  const { project, model: name, version: label } = useParams({ from: FROM });
  const words = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const named = { project, model: name, version: label };
  const model = useQuery(modelQuery(project, name));
  const version = useQuery(versionQuery(named));
  const chosen = TABS.find((each) => each.key === words.tab)?.key ?? "overview";
  const problem = model.error ?? version.error;
  if (problem) {
    return <ProblemCard error={problem} retry={() => void Promise.all([model.refetch(), version.refetch()])} />;
  }
  const wished: Wished | null = words.to && words.from ? { named, from: words.from, to: words.to } : null;
  const ask = (to: string) => navigate({ search: (before) => ({ ...before, to, from: version.data?.stage }) });
  const close = () => navigate({ search: (before) => ({ ...before, to: undefined, from: undefined }), replace: true });
  return (
    <Stack gap="md">
      <Breadcrumbs>
        <Link to="/p/$project/models" params={{ project }} className={styles.crumb}>
          Models
        </Link>
        <Link to="/p/$project/models/$model" params={{ project, model: name }} className={styles.crumb}>
          {name}
        </Link>
        <Text size="sm" c="dimmed">
          {version.data?.label ?? label}
        </Text>
      </Breadcrumbs>
      {!(model.data && version.data) && <Skeleton height={300} role="status" aria-label="Loading" />}
      {model.data && version.data && (
        <>
          <Head model={model.data} version={version.data} ask={ask} />
          <Tabs
            value={chosen}
            onChange={(key) =>
              navigate({ search: (before) => ({ ...before, tab: key === "overview" ? undefined : (key ?? undefined) }) })
            }
            keepMounted={false}
          >
            <Tabs.List mb="md" className={styles.tabs}>
              {TABS.map((each) => (
                <Tabs.Tab key={each.key} value={each.key} rightSection={each.key === "approvals" ? <Waiting named={named} /> : undefined}>
                  {each.label}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            {TABS.map(({ key, Tab }) => (
              <Tabs.Panel key={key} value={key}>
                <Suspense fallback={<RowsComing rows={3} />}>
                  <Tab model={model.data} version={version.data} named={named} ask={ask} />
                </Suspense>
              </Tabs.Panel>
            ))}
          </Tabs>
        </>
      )}
      <MoveDialog wished={wished} close={close} />
    </Stack>
  );
}

function Head({ model, version, ask }: { model: Model; version: Version; ask: (to: string) => void }) {
  return (
    <Group justify="space-between" align="flex-start" gap="md">
      <Stack gap={6} className={styles.head}>
        <Group gap="sm">
          <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
            {version.model} <span className={styles.label}>{version.label}</span>
          </Title>
          <StageChip stage={version.stage} of={model} />
          {version.aliases.map((alias) => (
            <AliasChip key={alias} alias={alias} />
          ))}
        </Group>
        <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          In {version.stage} for <Moment at={version.stage_since} since /> · registered <Moment at={version.created_at} /> by {version.created_by}
          {version.approved_by && <> · let in by {version.approved_by}</>}
        </Text>
        {Object.keys(version.tags).length > 0 && (
          <Group gap={6}>
            {Object.entries(version.tags).map(([key, value]) => (
              <TagChip key={key} name={key} value={value} />
            ))}
          </Group>
        )}
      </Stack>
      <MoveMenu of={model} name={version.label} stage={version.stage} choose={ask} />
    </Group>
  );
}

/** How many requests wait for a decision. */
function Waiting({ named }: { named: Named }) {
  const { data } = useQuery(requests(named, "open"));
  const count = data?.items.length ?? 0;
  return count ? (
    <span className={styles.count} aria-label={`${count} waiting`}>
      {count}
    </span>
  ) : null;
}
