import { Button, Code, Group, Select, Stack, Text, Title } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { type Delivery, deliveries, delivery } from "../../api/access";
import { api, said } from "../../api/client";
import { Moment } from "../../parts/Moment";
import { type Mood, State } from "../../parts/State";
import { ProblemCard, RowsComing } from "../../parts/states";
import { Table } from "../../parts/Table";
import { tellDone } from "../../shell/toasts";
import styles from "./settings.module.css";

const FROM = "/p/$project/settings";
const MOODS: Record<Delivery["status"], Mood> = { pending: "soon", delivered: "good", failed: "bad", skipped: "quiet" };

/** What a webhook was told, and what it answered. */
export function Deliveries({ webhook }: { webhook: string }) {
  const { project } = useParams({ from: FROM });
  const { status, delivery: open } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const found = useInfiniteQuery(deliveries(webhook, status));
  const rows = found.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack gap="sm">
      <Group justify="space-between" align="flex-end">
        <Title order={3} size="h6">
          Deliveries
        </Title>
        <Select
          aria-label="Status"
          placeholder="Any status"
          data={Object.keys(MOODS)}
          value={status ?? null}
          onChange={(next) => navigate({ search: (before) => ({ ...before, status: next ?? undefined }), replace: true })}
          clearable
          clearButtonProps={{ "aria-label": "Any status" }}
          w="10rem"
        />
      </Group>
      {found.error && <ProblemCard error={found.error} retry={() => void found.refetch()} />}
      {found.isPending && <RowsComing rows={3} />}
      {found.isSuccess && rows.length === 0 && (
        <Text size="sm" c="dimmed">
          {status ? `None is ${status}.` : "It was told nothing yet. Send a trial, or promote something."}
        </Text>
      )}
      {rows.length > 0 && (
        <Table label="Deliveries" heads={["What", "State", "When", { text: "Attempts", number: true }]}>
          {rows.map((each) => (
            <tr key={each.uid} aria-current={each.uid === open ? "true" : undefined}>
              <td>
                <Link
                  to={FROM}
                  params={{ project }}
                  search={(before) => ({ ...before, delivery: each.uid })}
                  className={styles.link}
                  resetScroll={false}
                >
                  {each.seq ? each.action.replaceAll("_", " ") : "trial"}
                </Link>{" "}
                {each.model}
                {each.seq > 0 && (
                  <Text span size="xs" c="dimmed">
                    {" "}
                    event {each.seq}
                  </Text>
                )}
              </td>
              <td>
                <State mood={MOODS[each.status]}>{each.status}</State>
              </td>
              <td>
                <Moment at={each.created_at} />
              </td>
              <td className="number">{each.attempt_count}</td>
            </tr>
          ))}
        </Table>
      )}
      {found.hasNextPage && (
        <Button variant="default" onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>
          Show more
        </Button>
      )}
      {open && <One key={open} uid={open} />}
    </Stack>
  );
}

/** What was sent, and what came back. */
function One({ uid }: { uid: string }) {
  const found = useQuery(delivery(uid));
  const again = useMutation({
    mutationFn: () => said(api.POST("/api/v1/deliveries/{delivery}/redeliver", { params: { path: { delivery: uid } } })),
    onSuccess: () => tellDone("It is sent again."),
  });
  if (found.error) return <ProblemCard error={found.error} />;
  if (!found.data) return <RowsComing rows={2} />;
  const { attempts, body, url, status, due_at, seq } = found.data;
  return (
    <section aria-label="Delivery">
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={4} size="h6" style={{ overflowWrap: "anywhere" }}>
            To {url}
          </Title>
          {/* A trial is not sent again: one tries once more. */}
          {seq > 0 && (
            <Button size="compact-sm" variant="default" onClick={() => again.mutate()} loading={again.isPending}>
              Send it again
            </Button>
          )}
        </Group>
        {status === "pending" && (
          <Text size="sm">
            Tried next <Moment at={due_at} />.
          </Text>
        )}
        <Text size="sm" fw={600}>
          Request
        </Text>
        <Code block className={styles.body} tabIndex={0} aria-label="Request body">
          {pretty(body)}
        </Code>
        {attempts.length === 0 && (
          <Text size="sm" c="dimmed">
            Not tried yet.
          </Text>
        )}
        {attempts.toReversed().map((attempt) => (
          <Stack key={attempt.at} gap={4}>
            <Text size="sm">
              <b>{attempt.status === null ? "No answer" : `Answer ${attempt.status}`}</b>{" "}
              <Text span size="sm" c="dimmed">
                <Moment at={attempt.at} />, after {attempt.took_ms.toLocaleString("en")} ms
              </Text>
            </Text>
            {(attempt.error || attempt.answer) && (
              <Code block className={styles.body} tabIndex={0} aria-label="Answer">
                {attempt.error || pretty(attempt.answer)}
              </Code>
            )}
          </Stack>
        ))}
      </Stack>
    </section>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
