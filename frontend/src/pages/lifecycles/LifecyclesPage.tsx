import { Button, Group, Select, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lifecycles } from "../../api/queries";
import { policies } from "../../api/versions";
import { Moment } from "../../parts/Moment";
import { ProblemCard, RowsComing } from "../../parts/states";
import type { Lifecycle } from "../../words/lifecycles";
import { Drawn } from "./Drawn";
import { Editor } from "./Editor";
import styles from "./lifecycles.module.css";

const FROM = "/p/$project/lifecycles";

/** Every lifecycle there is: its stages drawn, its rules as sentences, and a new revision of it. */
export function LifecyclesPage() {
  const words = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const found = useQuery(lifecycles());
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (found.isPending) return <RowsComing />;
  const newest = new Map<string, Lifecycle>();
  for (const each of found.data) {
    const known = newest.get(each.name);
    if (!known || known.revision < each.revision) newest.set(each.name, each);
  }
  const name = words.name !== undefined && newest.has(words.name) ? words.name : ([...newest.keys()].find((each) => each === "standard") ?? [...newest.keys()][0]);
  const revisions = found.data.filter((each) => each.name === name).toReversed();
  const chosen = revisions.find((each) => String(each.revision) === words.revision) ?? revisions[0];
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-end">
        <div>
          <Title order={1} size="h2">
            Lifecycles
          </Title>
          <Text size="sm" c="dimmed">
            The stages a version rises through, and what must hold on the way. A model keeps the revision it was given until it is moved to another.
          </Text>
        </div>
        {words.edit === undefined && (
          <Group gap="sm">
            <Button variant="default" onClick={() => navigate({ search: (before) => ({ ...before, edit: "new" }) })}>
              New lifecycle
            </Button>
            <Button onClick={() => navigate({ search: (before) => ({ ...before, edit: "revision" }) })}>New revision</Button>
          </Group>
        )}
      </Group>
      {words.edit === undefined && (
        <nav aria-label="Lifecycles" className={styles.names}>
          {[...newest.values()].map((each) => (
            <Link
              key={each.name}
              from={FROM}
              to="."
              search={{ name: each.name }}
              className={styles.name}
              data-chosen={each.name === name || undefined}
              aria-current={each.name === name ? "page" : undefined}
            >
              {each.name}
            </Link>
          ))}
        </nav>
      )}
      {chosen && words.edit === undefined && (
        <Group gap="sm" align="center">
          <Text style={{ flex: "1 1 16rem" }}>{chosen.description}</Text>
          {revisions.length > 1 && (
            <Select
              aria-label="Revision"
              data={revisions.map((each) => ({ value: String(each.revision), label: `Revision ${each.revision}` }))}
              value={String(chosen.revision)}
              onChange={(revision) => navigate({ search: (before) => ({ ...before, revision: revision ?? undefined }) })}
              allowDeselect={false}
              w="9rem"
            />
          )}
        </Group>
      )}
      {chosen && words.edit !== undefined && (
        <Editor
          key={`${words.edit} ${chosen.name} ${chosen.revision}`}
          base={chosen}
          fresh={words.edit === "new"}
          close={(applied) => navigate({ search: applied ? { name: applied.name } : ({ edit: _, ...rest }) => rest })}
        />
      )}
      {chosen && words.edit === undefined && <Drawn lifecycle={chosen} />}
      {words.edit === undefined && <ProjectPolicies />}
    </Stack>
  );
}

/** What guards the stages of every model of this project, whatever lifecycle it follows. */
function ProjectPolicies() {
  const { project } = useParams({ from: FROM });
  const found = useQuery(policies(project));
  if (found.error) return <ProblemCard error={found.error} />;
  const attached = found.data?.filter((each) => each.scope === "project") ?? [];
  return (
    <section className={styles.panel} aria-label={`In the project ${project}`}>
      <Title order={2} size="h5" mb="xs">
        In the project {project}
      </Title>
      {attached.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing more is asked. `lockgate policy attach` guards a stage of all its models, or of one.
        </Text>
      )}
      {attached.map((each) => (
        <div key={each.stage}>
          <Text size="sm" fw={600}>
            To enter {each.stage}, whatever the lifecycle:
          </Text>
          <ul className={styles.sentences}>
            {each.sentences.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
          {each.set_at && (
            <Text size="xs" c="dimmed">
              Set by {each.set_by} <Moment at={each.set_at} />
            </Text>
          )}
        </div>
      ))}
    </section>
  );
}
