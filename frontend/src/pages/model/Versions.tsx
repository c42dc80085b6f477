import { Button, Checkbox, Group, MultiSelect, Select, Stack, Text } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { Model, Version } from "../../api/client";
import { COMPARED_MAX, COMPARED_MIN } from "../../api/lives";
import { lifecycle, versions } from "../../api/queries";
import { AliasChip, StageChip } from "../../parts/chips";
import { Moment } from "../../parts/Moment";
import { CompareIcon } from "../../parts/icons";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { columnsOf, DEFAULT_COLUMNS, nameOf, valueOf } from "./columns";
import styles from "./model.module.css";

/** All versions, newest first, with the columns that the reader wants. */
export function Versions({ model }: { model: Model }) {
  const words = useSearch({ from: "/p/$project/models/$model" });
  const navigate = useNavigate({ from: "/p/$project/models/$model" });
  const found = useInfiniteQuery({ ...versions(model.project, model.name, words.stage), placeholderData: keepPreviousData });
  const stages = useQuery(lifecycle(model.lifecycle, model.lifecycle_revision));
  const ticked = words.tick ?? [];
  const rows = found.data?.pages.flatMap((page) => page.items) ?? [];
  const there = columnsOf(rows);
  const chosen = words.columns ?? DEFAULT_COLUMNS.concat(there.filter((each) => each.startsWith("metrics.")).slice(0, 4));
  const set = (changed: Partial<typeof words>) => navigate({ search: (before) => ({ ...before, ...changed }), replace: true });
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  return (
    <Stack gap="md">
      <Group gap="sm" align="flex-start">
        <Select
          aria-label="Stage"
          placeholder="Any stage"
          data={stages.data?.stages.map((each) => String(each.name)) ?? []}
          value={words.stage ?? null}
          onChange={(stage) => set({ stage: stage ?? undefined })}
          clearable
          clearButtonProps={{ "aria-label": "Any stage" }}
          w="11rem"
        />
        <MultiSelect
          aria-label="Columns"
          placeholder="Columns"
          data={[...new Set([...there, ...chosen])]}
          value={chosen}
          onChange={(columns) => set({ columns })}
          searchable
          style={{ flex: "1 1 16rem" }}
        />
        <Button
          variant="default"
          leftSection={<CompareIcon size={16} />}
          disabled={ticked.length < COMPARED_MIN}
          onClick={() =>
            navigate({ to: "/p/$project/models/$model/compare", params: { project: model.project, model: model.name }, search: { version: ticked } })
          }
        >
          Compare{ticked.length ? ` ${ticked.length}` : ""}
        </Button>
      </Group>
      {found.isPending && <RowsComing />}
      {found.isSuccess && rows.length === 0 && (
        <Empty title={words.stage ? `Nothing stands in ${words.stage}` : "No versions yet"}>
          <Text>Push a folder with `lockgate push ./folder {model.name}`, and it is the first version.</Text>
        </Empty>
      )}
      {rows.length > 0 && (
        <div className={styles.scroll} tabIndex={0} role="region" aria-label="Versions">
          <table>
            <thead>
              <tr>
                <th scope="col">
                  <span className={styles.unseen}>Compare</span>
                </th>
                <th scope="col">Version</th>
                <th scope="col">Stage</th>
                {chosen.map((column) => (
                  <th key={column} scope="col" className={column.startsWith("metrics.") ? "number" : undefined}>
                    {nameOf(column)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((version) => (
                <Row key={version.uid} version={version} model={model} columns={chosen} ticked={ticked} tick={(next) => set({ tick: next })} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.hasNextPage && (
        <Button variant="default" onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>
          Show more
        </Button>
      )}
    </Stack>
  );
}

interface RowProps {
  version: Version;
  model: Model;
  columns: readonly string[];
  /** The versions that are chosen to be compared, in the order in which they were. */
  ticked: string[];
  tick: (next: string[]) => void;
}

function Row({ version, model, columns, ticked, tick }: RowProps) {
  const there = ticked.includes(version.label);
  return (
    <tr>
      <td>
        <Checkbox
          size="xs"
          aria-label={`Compare ${version.label}`}
          checked={there}
          disabled={!there && ticked.length >= COMPARED_MAX}
          onChange={() => tick(there ? ticked.filter((each) => each !== version.label) : [...ticked, version.label])}
        />
      </td>
      <td>
        <Group gap="xs" wrap="nowrap">
          <Link
            to="/p/$project/models/$model/versions/$version"
            params={{ project: version.project, model: version.model, version: version.label }}
            className={`${styles.mono} ${styles.crumb}`}
          >
            {version.label}
          </Link>
          {version.aliases.map((alias) => (
            <AliasChip key={alias} alias={alias} />
          ))}
        </Group>
      </td>
      <td>
        <StageChip stage={version.stage} of={model} />
      </td>
      {columns.map((column) => (
        <td key={column} className={column.startsWith("metrics.") ? "number" : undefined}>
          {column === "registered" ? <Moment at={version.created_at} /> : valueOf(version, column)}
        </td>
      ))}
    </tr>
  );
}
