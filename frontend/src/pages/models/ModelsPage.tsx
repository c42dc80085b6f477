import { Button, Group, Select, Stack, TagsInput, Text, Title } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Overview } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { askedBy, modelsWanted, overview, summary } from "../../api/queries";
import { AliasChip, MetricChip, StageChip, TagChip } from "../../parts/chips";
import { Moment } from "../../parts/Moment";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { Snippet } from "../../parts/Snippet";
import { count } from "../../words/numbers";
import type { Written } from "../../words/filters";
import { FilterBox } from "./FilterBox";
import styles from "./models.module.css";

const METRICS_SHOWN = 3;

/** Every model of the project, what is in production, and since when. */
export function ModelsPage() {
  const { project } = useParams({ from: "/p/$project/models" });
  const words = useSearch({ from: "/p/$project/models" });
  const navigate = useNavigate({ from: "/p/$project/models" });
  const asked = askedBy(words);
  const found = useInfiniteQuery({ ...overview(modelsWanted(project, words)), placeholderData: keepPreviousData });
  const counts = useQuery(summary(project));
  const set = (changed: Partial<typeof words>) => navigate({ search: (before) => ({ ...before, ...changed }) });
  const rows = found.data?.pages.flatMap((page) => page.items) ?? [];
  const problem = found.error ? asProblem(found.error) : null;
  const misread = problem?.code === "invalid_filter" ? problem : null;
  return (
    <Stack gap="md">
      <Group justify="space-between" align="baseline">
        <Title order={1} size="h2">
          Models
        </Title>
        {counts.data && (
          <Text c="dimmed" size="sm">
            {count(counts.data.total_models, "model")}, {count(counts.data.total_versions, "version")}
          </Text>
        )}
      </Group>
      <div className={styles.filters} role="search" aria-label="Models">
        <FilterBox project={project} value={words.q ?? ""} onSubmit={(q) => set({ q: q || undefined })} invalid={misread !== null} />
        <Select
          aria-label="Stage"
          placeholder="Any stage"
          data={Object.keys(counts.data?.by_stage ?? {})}
          value={words.stage ?? null}
          onChange={(stage) => set({ stage: stage ?? undefined })}
          clearable
          clearButtonProps={{ "aria-label": "Any stage" }}
        />
        <TagsInput
          aria-label="Tags"
          placeholder={words.tag ? "" : "Tag or tag=value"}
          value={words.tag ?? []}
          onChange={(tag) => set({ tag: tag.length ? tag : undefined })}
        />
        <Select
          aria-label="Sort by"
          data={[
            { value: "name", label: "By name" },
            { value: "-name", label: "By name, backwards" },
            { value: "updated", label: "Changed last" },
            { value: "created", label: "Made last" },
            { value: "owner", label: "By owner" },
          ]}
          value={words.sort ?? "name"}
          onChange={(sort) => set({ sort: sort === "name" ? undefined : (sort ?? undefined) })}
          allowDeselect={false}
        />
      </div>
      {misread && <Fault problem={misread} typed={words.q ?? ""} asked={asked} />}
      {problem && !misread && <ProblemCard error={problem} retry={() => void found.refetch()} />}
      {found.isPending && <RowsComing />}
      {found.isSuccess && rows.length === 0 && (asked.filter ? <NothingFound reset={() => navigate({ search: {} })} /> : <NoModels project={project} />)}
      {!problem && rows.length > 0 && <Rows rows={rows} project={project} />}
      {!problem && found.hasNextPage && (
        <Group gap="md">
          <Button variant="default" onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>
            Show more
          </Button>
          <Text size="sm" c="dimmed" role="status">
            {rows.length.toLocaleString("en")} shown
            {!asked.filter && counts.data && ` of ${count(counts.data.total_models, "model")}`}
          </Text>
        </Group>
      )}
    </Stack>
  );
}

function Rows({ rows, project }: { rows: Overview[]; project: string }) {
  return (
    <div className={styles.table}>
      <table>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">In production</th>
            <th scope="col">Metrics</th>
            <th scope="col" className="number">
              Versions
            </th>
            <th scope="col">Changed</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((each) => (
            <Row key={each.model.uid} row={each} project={project} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row: { model, production }, project }: { row: Overview; project: string }) {
  const metrics = Object.entries(production?.metrics ?? {}).slice(0, METRICS_SHOWN);
  const tags = Object.entries(model.tags).slice(0, 4);
  return (
    <tr>
      <td>
        <Link className={styles.name} to="/p/$project/models/$model" params={{ project, model: model.name }}>
          {model.name}
        </Link>
        <Text className={styles.about} lineClamp={1}>
          {[model.owner, model.description].filter(Boolean).join(" · ")}
        </Text>
        {tags.length > 0 && (
          <div className={styles.chips}>
            {tags.map(([key, value]) => (
              <TagChip key={key} name={key} value={value} />
            ))}
          </div>
        )}
      </td>
      <td>
        {production ? (
          <>
            <Group gap="xs">
              <span className={styles.version}>{production.label}</span>
              <StageChip stage={production.stage} of={model} />
              {production.aliases.map((alias) => (
                <AliasChip key={alias} alias={alias} />
              ))}
            </Group>
            <div className={styles.about}>
              for <Moment at={production.stage_since} since />
            </div>
          </>
        ) : (
          <span className={styles.empty}>Nothing in production</span>
        )}
      </td>
      <td>
        <Group gap={4}>
          {metrics.map(([name, value]) => (
            <MetricChip key={name} name={name} value={value} />
          ))}
        </Group>
      </td>
      <td className={`number ${styles.wide}`}>{model.version_count}</td>
      <td className={styles.wide}>
        <Moment at={model.updated_at} />
      </td>
    </tr>
  );
}

/** What the server could not read, with a mark at the column that it names. */
function Fault({ problem, typed, asked }: { problem: Problem; typed: string; asked: Written }) {
  const column = typeof problem.fields.column === "number" ? problem.fields.column : null;
  const at = column === null || asked.before === null ? null : column - asked.before - 1;
  // The sentence is the first line; below it the server marks the place in the whole filter.
  const shown = at === null ? problem.detail : problem.detail.split("\n")[0];
  return (
    <pre className={styles.fault} role="alert" aria-label="The filter cannot be read">
      {at !== null && at >= 0 && (
        <>
          {typed}
          {"\n"}
          {" ".repeat(at)}
          <mark>▲</mark>
          {"\n"}
        </>
      )}
      <span className={styles.sentence}>{shown}</span>
    </pre>
  );
}

function NothingFound({ reset }: { reset: () => void }) {
  return (
    <Empty title="No model fits">
      <Text>A plain word is looked for in names; a filter such as owner = 'risk' AND tags.team = 'fraud' asks for more.</Text>
      <Button variant="default" onClick={reset}>
        Show all models
      </Button>
    </Empty>
  );
}

function NoModels({ project }: { project: string }) {
  const [way, setWay] = useState("cli");
  const ways = [
    { key: "cli", label: "Command line", code: `lockgate --project ${project} push ./my-model churn` },
    { key: "python", label: "Python", code: `import lockgate\n\nlockgate.log_model("./my-model", "${project}/churn", metrics={"auc": 0.93})` },
  ];
  return (
    <Empty title="No models yet">
      <Text>Push a folder, and it is the first version of a model:</Text>
      <div style={{ textAlign: "left", maxWidth: "100%" }}>
        <Snippet ways={ways} chosen={way} choose={setWay} />
      </div>
    </Empty>
  );
}
