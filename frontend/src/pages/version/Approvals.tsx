import { Badge, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { asked, events, type Named, type Request, requests } from "../../api/versions";
import { Decision, type Verdict } from "../../parts/Decision";
import { GateRows, headline } from "../../parts/GateRows";
import { Moment } from "../../parts/Moment";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import { deed, remark } from "../../words/events";
import type { TabProps } from "./tabs";
import styles from "./version.module.css";

const DECISIONS = ["approve", "reject", "withdraw"];

/** Who asked to let the version in, who said yes or no, and why. */
export function Approvals({ named }: TabProps) {
  const found = useQuery(requests(named));
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (found.isPending) return <RowsComing rows={3} />;
  if (found.data.items.length === 0) {
    return (
      <Empty title="Nobody asked for anything yet">
        <Text>Where a gate wants approvals, moving the version offers to ask for them. Whoever decides finds the request here and in the inbox.</Text>
      </Empty>
    );
  }
  return (
    <Stack gap="md">
      {found.data.items.map((request) => (
        <RequestCard key={request.uid} request={request} named={named} />
      ))}
    </Stack>
  );
}

function RequestCard({ request, named }: { request: Request; named: Named }) {
  return (
    <section className={styles.panel} aria-label={`Request for ${request.to_stage}`}>
      <Stack gap="sm">
        <Group gap="sm">
          <Text fw={600}>To {request.to_stage}</Text>
          <Badge variant="light" color={COLOURS[request.status]} tt="none">
            {request.status}
          </Badge>
          <Text size="sm" c="dimmed">
            asked by {request.requested_by} <Moment at={request.created_at} />
            {request.auto_promote && ", to be moved once all holds"}
          </Text>
        </Group>
        {request.comment && <blockquote className={styles.quote}>{request.comment}</blockquote>}
        <Decisions named={named} request={request.uid} />
        {request.status === "open" && <Decide request={request} />}
      </Stack>
    </section>
  );
}

const COLOURS: Record<string, string> = { open: "copper", completed: "canal", rejected: "red", withdrawn: "gray", expired: "gray" };

/** What was said about a request, from the log. */
function Decisions({ named, request }: { named: Named; request: string }) {
  const found = useQuery(events(named));
  const said = found.data?.items.filter((event) => event.detail.request === request && DECISIONS.includes(event.action)) ?? [];
  return said.toReversed().map((event) => (
    <div key={event.seq}>
      <Text size="sm">
        <b>{event.actor}</b> {deed(event)} <Moment at={event.at} />
      </Text>
      {remark(event) && <blockquote className={styles.quote}>{remark(event)}</blockquote>}
    </div>
  ));
}

const DONE: Record<Verdict, string> = { approve: "Approved.", reject: "Rejected.", withdraw: "Withdrawn." };

function Decide({ request }: { request: Request }) {
  const now = useQuery(asked(request.uid));
  return (
    <Stack gap="sm">
      {now.data && (
        <>
          <Text size="sm" fw={600}>
            {headline(now.data.report)}
          </Text>
          <GateRows report={now.data.report} />
        </>
      )}
      <Decision request={request.uid} withdrawable onDecided={(verdict) => tellDone(DONE[verdict])} />
    </Stack>
  );
}
