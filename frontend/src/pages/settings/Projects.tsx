import { Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, said } from "../../api/client";
import { lifecycles, projects } from "../../api/queries";
import { Moment } from "../../parts/Moment";
import { Panel } from "../../parts/Panel";
import { ProblemCard, RowsComing } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import styles from "./settings.module.css";
import { Table } from "../../parts/Table";

/** All projects that one may see, and the way to make another. */
export function Projects(_: { project: string }) {
  const found = useQuery(projects());
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={3} />;
  return (
    <Stack gap="lg">
      <Table label="Projects" heads={["Project", "Description", "Lifecycle of new models", "Made"]}>
        {found.data.items.map((each) => (
          <tr key={each.name}>
            <td>
              <Link to="/p/$project/models" params={{ project: each.name }} className={styles.link}>
                {each.name}
              </Link>
            </td>
            <td>{each.description || "–"}</td>
            <td>{each.lifecycle}</td>
            <td>
              <Moment at={each.created_at} /> by {each.created_by}
            </td>
          </tr>
        ))}
      </Table>
      <NewProject />
    </Stack>
  );
}

function NewProject() {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [chosen, setChosen] = useState("standard");
  const known = useQuery(lifecycles());
  const make = useMutation({
    mutationFn: () => said(api.POST("/api/v1/projects", { body: { name: name.trim(), description, lifecycle: chosen } })),
    meta: { shown: true },
    onSuccess: (made) => {
      tellDone(`Project ${made.name} is there.`);
      setName("");
      setDescription("");
    },
  });
  return (
    <Panel title="Make a project" onSubmit={() => make.mutate()}>
          <Group align="flex-end" gap="sm">
        <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} required />
        <TextInput label="Description" value={description} onChange={(event) => setDescription(event.currentTarget.value)} style={{ flex: "1 1 14rem" }} />
        <Select
          label="Lifecycle"
          data={[...new Set(["standard", ...(known.data?.map((each) => each.name) ?? [])])]}
          value={chosen}
          onChange={(next) => setChosen(next ?? "standard")}
        />
        <Button type="submit" loading={make.isPending} disabled={!name.trim()}>
          Make
        </Button>
          </Group>
          {make.error && <ProblemCard error={make.error} />}
    </Panel>
  );
}
