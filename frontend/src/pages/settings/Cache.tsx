import { Badge, Code, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { cached } from "../../api/lives";
import { Moment } from "../../parts/Moment";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { Table } from "../../parts/Table";

const COLOURS: Record<string, string> = { DOWNLOADED: "canal", DOWNLOADING: "copper", ERROR: "red" };

/** Which node of a cluster holds which model, the longest unused first. */
export function Cache(_: { project: string }) {
  const found = useQuery(cached());
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (found.isPending) return <RowsComing rows={3} />;
  if (!found.data?.items.length) {
    return (
      <Empty title="No node holds a model">
        <Text>
          {found.data === null
            ? "This server coordinates no downloads. "
            : "Nothing was fetched through this server yet. "}
          With it, many replicas need one download.
        </Text>
        <Text>
          Start the server with <Code>LOCKGATE_COORDINATION=registry</Code>, and fetch with <Code>lockgate cache ensure</Code>.
        </Text>
      </Empty>
    );
  }
  return (
    <Table label="Cache" heads={["Model", "Node", "State", "Last used", "Message"]}>
      {found.data.items.map((each) => (
        <tr key={`${each.provider} ${each.model} ${each.revision} ${each.node}`}>
          <td>
            {each.model} {each.revision && <Code>{each.revision.slice(0, 20)}</Code>}{" "}
            <Text span size="xs" c="dimmed">
              {each.provider}
            </Text>
          </td>
          <td>{each.node || "shared"}</td>
          <td>
            <Badge variant="light" tt="none" color={COLOURS[each.status]}>
              {each.status.toLowerCase()}
            </Badge>
          </td>
          <td>
            <Moment at={each.last_used_at} />
          </td>
          <td>{each.message || "–"}</td>
        </tr>
      ))}
    </Table>
  );
}
