import { Autocomplete, Button, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { protections } from "../api/access";
import { api, said } from "../api/client";
import { roles } from "../api/lives";
import { summary } from "../api/queries";
import { Moment } from "./Moment";
import { Panel } from "./Panel";
import { Empty, ProblemCard, RowsComing } from "./states";
import { Table } from "./Table";
import { tellDone } from "../shell/toasts";

const OF_PROJECT = "/api/v1/projects/{project}/protections/{kind}/{name}";
const OF_MODEL = "/api/v1/projects/{project}/models/{model}/protections/{kind}/{name}";
type Kind = "stage" | "alias";

/** Which stages and aliases are kept for some, beyond what a change needs anyway. */
export function Protections({ project, model }: { project: string; model?: string }) {
  const found = useQuery(protections(project, model));
  const known = useQuery(roles());
  const counts = useQuery(summary(project));
  const [kind, setKind] = useState<Kind>("stage");
  const [name, setName] = useState("");
  const [needs, setNeeds] = useState("");
  const set = useMutation({
    mutationFn: () => {
      const wanted = { kind, name: name.trim() };
      const body = { needs: needs.trim() };
      return model === undefined
        ? said(api.PUT(OF_PROJECT, { params: { path: { project, ...wanted } }, body }))
        : said(api.PUT(OF_MODEL, { params: { path: { project, model, ...wanted } }, body }));
    },
    meta: { shown: true },
    onSuccess: (made) => {
      tellDone(`${made.name} needs ${made.needs} from now on.`);
      setName("");
    },
  });
  const remove = useMutation({
    mutationFn: (of: { kind: Kind; name: string; model: string | null }) =>
      of.model === null
        ? said(api.DELETE(OF_PROJECT, { params: { path: { project, kind: of.kind, name: of.name } } }))
        : said(api.DELETE(OF_MODEL, { params: { path: { project, model: of.model, kind: of.kind, name: of.name } } })),
    onSuccess: (_gone, of) => tellDone(`${of.name} is kept for nobody any more.`),
  });
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={2} />;
  return (
    <Stack gap="lg">
      {found.data.length === 0 ? (
        <Empty title="Nothing is kept for some">
          <Text>
            {model === undefined ? "Every model's" : "This model's"} stages and aliases are open to whoever may promote and set aliases. Keep Production for
            maintainers, say, or the alias champion for one role.
          </Text>
        </Empty>
      ) : (
        <Table label="Protections" heads={["What", "Of", "Needs", "Set"]} doing="Remove">
          {found.data.map((each) => (
            <tr key={`${each.model} ${each.kind} ${each.name}`}>
              <td>
                {each.kind} <b>{each.name}</b>
              </td>
              <td>{each.model ?? "every model"}</td>
              <td>{each.needs}</td>
              <td>
                <Moment at={each.set_at} /> by {each.set_by}
              </td>
              <td>
                {(model === undefined || each.model !== null) && (
                  <Button size="compact-xs" variant="default" aria-label={`Remove the protection of ${each.name}`} onClick={() => remove.mutate(each)}>
                    Remove
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      <Panel title="Keep a stage or an alias for some" onSubmit={() => set.mutate()}>
        <Group align="flex-end" gap="sm">
          <SegmentedControl
            aria-label="What is kept"
            data={[
              { value: "stage", label: "Stage" },
              { value: "alias", label: "Alias" },
            ]}
            value={kind}
            onChange={(next) => setKind(next as Kind)}
          />
          <Autocomplete
            label={kind === "stage" ? "Stage" : "Alias"}
            data={kind === "stage" ? Object.keys(counts.data?.by_stage ?? {}) : []}
            value={name}
            onChange={setName}
            required
            maxLength={100}
          />
          <Autocomplete
            label="Needs"
            placeholder="a role or a permission"
            data={known.data?.map((each) => each.name) ?? []}
            value={needs}
            onChange={setNeeds}
            required
            maxLength={100}
          />
          <Button type="submit" loading={set.isPending} disabled={!name.trim() || !needs.trim()}>
            Keep it
          </Button>
        </Group>
        {set.error && <ProblemCard error={set.error} />}
      </Panel>
    </Stack>
  );
}
