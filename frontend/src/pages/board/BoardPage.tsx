import { Group, Select, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, said } from "../../api/client";
import { board } from "../../api/versions";
import { MoveDialog, type Wished } from "../../parts/MoveDialog";
import { Empty, ProblemCard } from "../../parts/states";
import styles from "./board.module.css";
import { Columns } from "./Columns";

/** The lifecycle as a board: a column a stage, a card a version. */
export function BoardPage() {
  const { project } = useParams({ from: "/p/$project/board" });
  const words = useSearch({ from: "/p/$project/board" });
  const navigate = useNavigate({ from: "/p/$project/board" });
  const found = useQuery({ ...board(project, words.model), placeholderData: keepPreviousData });
  const empty = found.data?.columns.every((column) => column.count === 0);
  const wished = wishedIn(project, words);
  const open = ({ named, from, to }: Wished) =>
    navigate({ search: (before) => ({ ...before, move: `${named.model}:${named.version}`, from, to }) });
  const close = () => navigate({ search: ({ model }) => ({ model }), replace: true });
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-end">
        <div>
          <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
            {words.model ?? "Board"}
          </Title>
          <Text size="sm" c="dimmed">
            Drag a card to where it should stand, or use its arrow. Nothing happens before you were shown what the gate says.
          </Text>
        </div>
        <ModelChoice project={project} chosen={words.model} choose={(model) => navigate({ search: { model } })} />
      </Group>
      {found.error && <ProblemCard error={found.error} retry={() => void found.refetch()} />}
      {found.isPending && <ColumnsComing />}
      {found.data && empty && <NothingStands project={project} model={words.model} />}
      {found.data && !empty && <Columns board={found.data} ask={open} />}
      <MoveDialog wished={wished} close={close} />
    </Stack>
  );
}

/** The dialog that the URL says is open. */
function wishedIn(project: string, { move, from, to }: { move?: string; from?: string; to?: string }): Wished | null {
  const cut = move?.indexOf(":") ?? -1;
  if (!move || cut < 1 || !from || !to) return null;
  return { named: { project, model: move.slice(0, cut), version: move.slice(cut + 1) }, from, to };
}

const MODELS_SHOWN = 50;

function ModelChoice({ project, chosen, choose }: { project: string; chosen?: string; choose: (model?: string) => void }) {
  const [typed, setTyped] = useState("");
  const [sought] = useDebouncedValue(typed === chosen ? "" : typed, 200);
  const found = useQuery({
    queryKey: ["models", "names", project, sought],
    queryFn: ({ signal }) => {
      const filter = sought ? `name ILIKE '%${sought.replace(/[^\w.-]/g, "_")}%'` : "";
      const query = { project, filter, limit: MODELS_SHOWN };
      return said(api.GET("/api/v1/search/models", { params: { query }, signal }));
    },
    placeholderData: keepPreviousData,
  });
  const names = found.data?.items.map((each) => each.name) ?? [];
  return (
    <Select
      aria-label="Model"
      placeholder="All models"
      data={[...new Set([...(chosen ? [chosen] : []), ...names])]}
      value={chosen ?? null}
      onChange={(model) => choose(model ?? undefined)}
      searchable
      searchValue={typed}
      onSearchChange={setTyped}
      // The server has searched already.
      filter={({ options }) => options}
      nothingFoundMessage="No model is called so"
      clearable
      clearButtonProps={{ "aria-label": "All models" }}
      w="15rem"
    />
  );
}

function ColumnsComing() {
  return (
    <div className={styles.board} role="status" aria-label="Loading">
      {Array.from({ length: 4 }, (_, column) => (
        <Skeleton key={column} height={360} radius="lg" />
      ))}
    </div>
  );
}

function NothingStands({ project, model }: { project: string; model?: string }) {
  return (
    <Empty title={model ? `${model} has no versions yet` : "No versions yet"}>
      <Text>
        Push a folder with `lockgate push ./folder {model ?? "my-model"}`: its first version is the first card, and you drag it from stage to stage.
      </Text>
      <Link to="/p/$project/lifecycles" params={{ project }} className={styles.more}>
        See which stages there are
      </Link>
    </Empty>
  );
}
