import { Badge, Button, Code, Group, Stack, Text, TextInput, Title, Tooltip } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, said } from "../../api/client";
import { type AuditEvent, log, verified } from "../../api/lives";
import { CheckIcon, CrossIcon, DownloadIcon, HourglassIcon } from "../../parts/icons";
import { Moment } from "../../parts/Moment";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { deed, doing, remark } from "../../words/events";
import styles from "./audit.module.css";

const FROM = "/p/$project/audit";
const FILTERS = [
  { key: "model", label: "Model" },
  { key: "version", label: "Version" },
  { key: "actor", label: "Who" },
  { key: "action", label: "Action" },
  { key: "since", label: "From" },
  { key: "until", label: "Before" },
] as const;
const EXPORT_KEPT_MS = 60_000;

/** The log of a project: every change and every refusal, and whether anybody meddled with it. */
export function AuditPage() {
  const { project } = useParams({ from: FROM });
  const { event: open, ...wanted } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const found = useInfiniteQuery({ ...log(project, wanted), placeholderData: keepPreviousData });
  const events = found.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = Object.values(wanted).some(Boolean);
  const show = (seq: string | undefined) => navigate({ search: (before) => ({ ...before, event: seq }), replace: true, resetScroll: false });
  return (
    <Stack gap="lg">
      <Group justify="space-between">
        <Group gap="md">
          <Title order={1} size="h2">
            Audit
          </Title>
          <VerifiedBadge project={project} />
        </Group>
        <Doings project={project} />
      </Group>
      <Filters key={JSON.stringify(wanted)} />
      {found.error && <ProblemCard error={found.error} retry={() => void found.refetch()} />}
      {found.isPending && <RowsComing />}
      {found.isSuccess && events.length === 0 && (
        <Empty title={filtered ? "No event fits" : "Nothing happened yet"}>
          <Text>{filtered ? "Take a filter away, or look at another time." : "Every change and every refusal will be a line here."}</Text>
        </Empty>
      )}
      {events.length > 0 && (
        <ol className={styles.log} aria-label="Events" reversed>
          {events.map((event) => (
            <Event key={event.seq} event={event} open={open === String(event.seq)} show={show} />
          ))}
        </ol>
      )}
      {open && found.isSuccess && !events.some((event) => String(event.seq) === open) && (
        <Text size="sm" c="dimmed">
          Event {open} is not among these{found.hasNextPage ? ": it is further down, or filtered out" : ""}.
        </Text>
      )}
      {found.hasNextPage && (
        <Button variant="default" onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>
          Show more
        </Button>
      )}
    </Stack>
  );
}

function Filters() {
  const words = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const [typed, setTyped] = useState<Record<string, string>>({});
  return (
    <form
      role="search"
      aria-label="Filter events"
      className={styles.filters}
      onSubmit={(event) => {
        event.preventDefault();
        void navigate({ search: (before) => ({ ...before, event: undefined, ...Object.fromEntries(Object.entries(typed).map(([key, value]) => [key, value.trim() || undefined])) }) });
      }}
    >
      {FILTERS.map(({ key, label }) => (
        <TextInput
          key={key}
          size="xs"
          label={label}
          placeholder={key === "since" || key === "until" ? "2026-10-01T12:00Z" : "any"}
          value={typed[key] ?? words[key] ?? ""}
          onChange={(event) => setTyped({ ...typed, [key]: event.currentTarget.value })}
        />
      ))}
      <Group gap="xs" align="flex-end">
        <Button type="submit" size="xs">
          Filter
        </Button>
        {FILTERS.some(({ key }) => words[key]) && (
          <Button size="xs" variant="default" onClick={() => navigate({ search: {} })}>
            All events
          </Button>
        )}
      </Group>
    </form>
  );
}

/** How far the log holds. Only what is new is looked at, so asking is cheap. */
function VerifiedBadge({ project }: { project: string }) {
  const { data } = useQuery(verified(project));
  if (!data) return null;
  if (!data.ok) {
    return (
      <Badge color="red" size="lg" tt="none" leftSection={<CrossIcon size={14} />} role="alert" h="auto" style={{ whiteSpace: "normal" }}>
        {data.detail}
      </Badge>
    );
  }
  const done = data.seq === data.size;
  const about = `Each event’s hash, its link to the one before and the root of the log were recomputed by this server, once. Root ${data.root.slice(0, 16)}…`;
  return (
    <Tooltip label={about} multiline w={320} withArrow events={{ hover: true, focus: true, touch: true }}>
      <Badge
        size="lg"
        tt="none"
        variant="light"
        color={done ? "canal" : "copper"}
        leftSection={done ? <CheckIcon size={14} /> : <HourglassIcon size={14} />}
        tabIndex={0}
      >
        verified to event {data.seq}
        {!done && ` of ${data.size}`}
      </Badge>
    </Tooltip>
  );
}

function Doings({ project }: { project: string }) {
  const whole = useMutation({
    mutationFn: () => said(api.GET("/api/v1/audit/verify", { params: { query: { project } } })),
  });
  const take = useMutation({
    mutationFn: async () => {
      const text = await said(api.POST("/api/v1/audit/export", { params: { query: { project } }, parseAs: "blob" }));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(text as unknown as Blob);
      link.download = `${project}-audit.jsonl`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), EXPORT_KEPT_MS);
    },
  });
  return (
    <Group gap="xs">
      {whole.data && (
        <Text size="sm" c={whole.data.ok ? "dimmed" : "red"} role="status">
          {whole.data.ok ? `All ${whole.data.size} events hold, and the tables agree.` : whole.data.detail}
        </Text>
      )}
      <Button variant="default" size="xs" onClick={() => whole.mutate()} loading={whole.isPending}>
        Verify everything
      </Button>
      <Button variant="default" size="xs" leftSection={<DownloadIcon size={15} />} onClick={() => take.mutate()} loading={take.isPending}>
        Export
      </Button>
    </Group>
  );
}

function Event({ event, open, show }: { event: AuditEvent; open: boolean; show: (seq: string | undefined) => void }) {
  return (
    <li className={styles.event}>
      <div className={styles.line}>
        <button type="button" className={styles.seq} aria-expanded={open} aria-label={`Event ${event.seq}`} onClick={() => show(open ? undefined : String(event.seq))}>
          {event.seq}
        </button>
        <div className={styles.told}>
          <Text size="sm">
            <b>{event.actor}</b> {event.version === null ? doing(event) : deed(event)}
            {event.model && (
              <>
                {" · "}
                <Named event={event} />
              </>
            )}
            {event.cause !== null && <span className={styles.quiet}> because of event {event.cause}</span>}
          </Text>
          {remark(event) && <span className={styles.quiet}>“{remark(event)}”</span>}
        </div>
        <Text size="xs" c="dimmed" className={styles.when}>
          <Moment at={event.at} />
        </Text>
      </div>
      {open && (
        <Code block tabIndex={0} className={styles.json} aria-label={`JSON of event ${event.seq}`}>
          {JSON.stringify(event, null, 2)}
        </Code>
      )}
    </li>
  );
}

function Named({ event }: { event: AuditEvent }) {
  const model = event.model ?? "";
  if (event.version === null) {
    return (
      <Link to="/p/$project/models/$model" params={{ project: event.project, model }} className={styles.link}>
        {model}
      </Link>
    );
  }
  return (
    <Link to="/p/$project/models/$model/versions/$version" params={{ project: event.project, model, version: event.version }} className={styles.link}>
      {model} {event.version}
    </Link>
  );
}
