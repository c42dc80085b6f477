import { Text, Timeline } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { events } from "../../api/versions";
import { Moment } from "../../parts/Moment";
import { ProblemCard, RowsComing } from "../../parts/states";
import { deed, remark } from "../../words/events";
import type { TabProps } from "./tabs";
import styles from "./version.module.css";

/** Everything that happened to the version, newest first, as the log has it. */
export function History({ named }: TabProps) {
  const found = useQuery(events(named));
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (found.isPending) return <RowsComing />;
  return (
    <section className={styles.panel} aria-label="History">
      <Timeline bulletSize={14} lineWidth={2} active={found.data.items.length}>
        {found.data.items.map((event) => (
          <Timeline.Item key={event.seq}>
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              <b>{event.actor}</b> {deed(event)}
              {event.cause !== null && ", to make room"}
            </Text>
            {remark(event) && <blockquote className={styles.quote}>{remark(event)}</blockquote>}
            <Text size="xs" c="dimmed">
              <Moment at={event.at} /> · event {event.seq}
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
      {found.data.next_cursor && (
        <Text size="sm" c="dimmed" mt="md">
          These are the newest events; `lockgate audit log` has the rest.
        </Text>
      )}
    </section>
  );
}
