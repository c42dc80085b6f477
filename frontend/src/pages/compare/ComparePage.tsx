import { Breadcrumbs, Button, CopyButton, Group, MultiSelect, Stack, Switch, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { COMPARED_MAX, COMPARED_MIN, trend } from "../../api/lives";
import { CheckIcon, CopyIcon } from "../../parts/icons";
import { Sides } from "../../parts/Sides";
import { Empty } from "../../parts/states";
import styles from "./compare.module.css";

const FROM = "/p/$project/models/$model/compare";

/** Two to six versions side by side; which ones is in the URL, so that a link can be shared. */
export function ComparePage() {
  const { project, model } = useParams({ from: FROM });
  const { version, all } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const known = useQuery(trend(project, model));
  const chosen = version ?? [];
  const labels = [...new Set([...chosen, ...(known.data?.items.map((each) => each.label) ?? [])])];
  return (
    <Stack gap="md">
      <Breadcrumbs style={{ flexWrap: "wrap" }}>
        <Link to="/p/$project/models" params={{ project }} className={styles.crumb}>
          Models
        </Link>
        <Link to="/p/$project/models/$model" params={{ project, model }} className={styles.crumb}>
          {model}
        </Link>
        <Text size="sm" c="dimmed">
          compare
        </Text>
      </Breadcrumbs>
      <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
        Compare {model}
      </Title>
      <Group gap="md" align="center">
        <MultiSelect
          aria-label="Versions to compare"
          placeholder={chosen.length ? undefined : "Choose versions"}
          data={labels}
          value={chosen}
          onChange={(next) => navigate({ search: (before) => ({ ...before, version: next }) })}
          maxValues={COMPARED_MAX}
          searchable
          style={{ flex: "1 1 18rem" }}
        />
        <Switch
          label="Also what is the same"
          checked={all !== undefined}
          onChange={(event) => navigate({ search: (before) => ({ ...before, all: event.currentTarget.checked ? "yes" : undefined }), replace: true })}
        />
        <CopyButton value={window.location.href}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy} leftSection={copied ? <CheckIcon size={16} /> : <CopyIcon size={16} />}>
              {copied ? "Copied" : "Copy link"}
            </Button>
          )}
        </CopyButton>
      </Group>
      {chosen.length < COMPARED_MIN ? (
        <Empty title="Choose two to six versions">
          <Text>The first is what the others are held against. Versions can also be ticked in the table of versions.</Text>
        </Empty>
      ) : (
        <Sides project={project} model={model} versions={chosen} all={all !== undefined} />
      )}
    </Stack>
  );
}
