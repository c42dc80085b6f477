import { Code, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, said } from "../../api/client";
import { users } from "../../api/uses";
import { Danger, forcing } from "../../parts/Danger";
import { Moment } from "../../parts/Moment";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { Table } from "../../parts/Table";
import { WebLink } from "../../parts/WebLink";
import { tellDone } from "../../shell/toasts";
import type { TabProps } from "./tabs";

const KINDS: Record<string, string> = { deployment: "runs it", pull: "pulled it", cache: "keeps it in a cache" };

/** Who uses the version, and the way to delete it. */
export default function Users({ version, named }: TabProps) {
  const found = useQuery(users(named));
  const navigate = useNavigate();
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <RowsComing rows={2} />;
  return (
    <Stack gap="lg">
      {found.data.length === 0 ? (
        <Empty title="Nobody uses it, as far as is known">
          <Text>
            Deployments that are reported (<Code>lockgate deploy report</Code>), whoever pulled it lately, and nodes of the shared cache stand here.
          </Text>
        </Empty>
      ) : (
        <Table label="Used by" heads={["Who", "How", "Last sign of life"]}>
          {found.data.map((each) => (
            <tr key={`${each.kind} ${each.name}`}>
              <td>
                <WebLink url={each.url}>{each.name}</WebLink>
              </td>
              <td>{KINDS[each.kind] ?? each.kind}</td>
              <td>
                <Moment at={each.last_at} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      <Danger
        title="Delete this version"
        called={version.label}
        typed={version.label}
        remove={(how) =>
          said(api.DELETE("/api/v1/projects/{project}/models/{model}/versions/{version}", { params: { path: named, query: forcing(how) } }))
        }
        done={() => {
          tellDone(`${version.model} ${version.label} is deleted. \`lockgate version restore\` brings it back for a time.`);
          void navigate({ to: "/p/$project/models/$model", params: { project: named.project, model: named.model }, search: { tab: "versions" } });
        }}
      >
        While it is in production, named by an alias or used by somebody, you are told first. The log keeps what happened, and for a time the version can be restored.
      </Danger>
    </Stack>
  );
}
