import { Button, Group, Select, Stack, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, type Model, said } from "../../api/client";
import { lifecycles } from "../../api/queries";
import { Danger, forcing } from "../../parts/Danger";
import { Panel } from "../../parts/Panel";
import { ProblemCard } from "../../parts/states";
import { Protections } from "../../parts/Protections";
import { tellDone } from "../../shell/toasts";
import { count } from "../../words/numbers";

const PATH = "/api/v1/projects/{project}/models/{model}";

/** What may be changed about a model, and the way to delete it. */
export default function ModelSettings({ model }: { model: Model }) {
  return (
    <Stack gap="lg">
      {/* What somebody else saved meanwhile is shown anew, and not overwritten. */}
      <Facts key={model.revision} model={model} />
      <Protections project={model.project} model={model.name} />
      <Delete model={model} />
    </Stack>
  );
}

function Facts({ model }: { model: Model }) {
  const [description, setDescription] = useState(model.description);
  const [owner, setOwner] = useState(model.owner ?? "");
  const [tags, setTags] = useState(() => Object.entries(model.tags).map(([key, value]) => `${key}=${value}`));
  const [moved, setMoved] = useState<string>(model.lifecycle);
  const known = useQuery(lifecycles());
  const save = useMutation({
    mutationFn: () => {
      const wanted: Record<string, string | null> = {};
      for (const key of Object.keys(model.tags)) wanted[key] = null;
      for (const each of tags) {
        const [key = "", ...rest] = each.split("=");
        wanted[key] = rest.length ? rest.join("=") : "true";
      }
      return said(
        api.PATCH(PATH, {
          params: { path: { project: model.project, model: model.name } },
          headers: { "If-Match": `"${model.revision}"` },
          body: { description, owner, tags: wanted as Record<string, string>, ...(moved === model.lifecycle ? {} : { lifecycle: moved }) } as never,
        }),
      );
    },
    meta: { shown: true },
    onSuccess: () => tellDone("Saved."),
  });
  return (
    <Panel title="About this model" onSubmit={() => save.mutate()}>
          <TextInput label="Owner" value={owner} onChange={(event) => setOwner(event.currentTarget.value)} />
          <Textarea label="Description" value={description} onChange={(event) => setDescription(event.currentTarget.value)} autosize minRows={2} maxRows={10} />
          <TagsInput label="Tags" description="key=value" value={tags} onChange={setTags} />
          <Select
            label="Lifecycle"
            description={`Revision ${model.lifecycle_revision} of ${model.lifecycle} now. Another one is taken in its newest revision; the stages of all versions must be in it.`}
            data={[...new Set([model.lifecycle, ...(known.data?.map((each) => each.name) ?? [])])]}
            value={moved}
            onChange={(next) => setMoved(next ?? model.lifecycle)}
          />
          {save.error && <ProblemCard error={save.error} />}
          <Group>
            <Button type="submit" loading={save.isPending}>
              Save
            </Button>
          </Group>
    </Panel>
  );
}

function Delete({ model }: { model: Model }) {
  const navigate = useNavigate();
  const path = { project: model.project, model: model.name };
  return (
    <Danger
      title="Delete this model"
      called={model.name}
      typed={model.name}
      remove={(how) => said(api.DELETE(PATH, { params: { path, query: forcing(how) } }))}
      done={() => {
        tellDone(`${model.name} is deleted. \`lockgate model restore ${model.name}\` brings it back for a time.`);
        void navigate({ to: "/p/$project/models", params: { project: model.project } });
      }}
    >
      {count(model.version_count, "version")} of it go with it. While one is in production or deployed somewhere, you are told first. The log keeps what happened, and for a time the
      model can be restored.
    </Danger>
  );
}
