import { Autocomplete, Button, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, type Model, said } from "../../api/client";
import { aliases, trend } from "../../api/lives";
import { AliasChip } from "../../parts/chips";
import { Moment } from "../../parts/Moment";
import { ProblemCard, RowsComing } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import styles from "./model.module.css";

/** The movable names of a model's versions: what each means, and to what else it may move. */
export default function Aliases({ model }: { model: Model }) {
  const path = { project: model.project, model: model.name };
  const found = useQuery(aliases(model.project, model.name));
  const drop = useMutation({
    mutationFn: (alias: string) =>
      said(api.DELETE("/api/v1/projects/{project}/models/{model}/aliases/{alias}", { params: { path: { ...path, alias } } })),
    onSuccess: (_, alias) => tellDone(`${alias} names nothing any more.`),
  });
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={2} />;
  return (
    <Stack gap="lg">
      {found.data.length === 0 && (
        <Text c="dimmed">No alias yet. One such as `champion` names a version for whoever uses it, and moves when you say so.</Text>
      )}
      {found.data.length > 0 && (
        <div className={styles.scroll} tabIndex={0} role="region" aria-label="Aliases">
          <table>
            <thead>
              <tr>
                <th scope="col">Alias</th>
                <th scope="col">Version</th>
                <th scope="col">Set</th>
                <th scope="col">
                  <span className={styles.unseen}>Take away</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {found.data.map((each) => (
                <tr key={each.alias}>
                  <td>
                    <AliasChip alias={each.alias} />
                    {each.protected && (
                      <Text span size="xs" c="dimmed">
                        {" "}
                        protected
                      </Text>
                    )}
                  </td>
                  <td>
                    <Link to="/p/$project/models/$model/versions/$version" params={{ ...path, version: each.version }} className={`${styles.mono} ${styles.crumb}`}>
                      {each.version}
                    </Link>
                  </td>
                  <td>
                    <Moment at={each.set_at} /> by {each.set_by}
                  </td>
                  <td className="number">
                    <Button size="compact-xs" variant="default" onClick={() => drop.mutate(each.alias)} aria-label={`Take ${each.alias} away`}>
                      Take away
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <SetAlias model={model} known={found.data.map((each) => each.alias)} />
    </Stack>
  );
}

function SetAlias({ model, known }: { model: Model; known: string[] }) {
  const [alias, setAlias] = useState("");
  const [version, setVersion] = useState("");
  const there = useQuery(trend(model.project, model.name));
  const set = useMutation({
    mutationFn: () =>
      said(
        api.PUT("/api/v1/projects/{project}/models/{model}/aliases/{alias}", {
          params: { path: { project: model.project, model: model.name, alias: alias.trim() } },
          body: { version: version.trim() },
        }),
      ),
    meta: { shown: true },
    onSuccess: (done) => {
      tellDone(`${done.alias} names ${done.version} now.`);
      setAlias("");
      setVersion("");
    },
  });
  return (
    <section className={styles.panel} aria-labelledby="set-alias">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          set.mutate();
        }}
      >
        <Stack gap="sm">
          <Title order={2} size="h5" id="set-alias">
            {known.includes(alias.trim()) ? `Move ${alias.trim()}` : "Set an alias"}
          </Title>
          <Group align="flex-end" gap="sm">
            <Autocomplete label="Alias" data={known} value={alias} onChange={setAlias} required />
            {there.data ? (
              <Autocomplete label="Version" data={there.data.items.map((each) => each.label)} value={version} onChange={setVersion} limit={20} required />
            ) : (
              <TextInput label="Version" value={version} onChange={(event) => setVersion(event.currentTarget.value)} required />
            )}
            <Button type="submit" loading={set.isPending} disabled={!alias.trim() || !version.trim()}>
              {known.includes(alias.trim()) ? "Move" : "Set"}
            </Button>
          </Group>
          {set.error && <ProblemCard error={set.error} />}
        </Stack>
      </form>
    </section>
  );
}
