import { Badge, Group, Stack, Switch, Text, Title } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { inbox, type Request, standing } from "../../api/lives";
import { asked } from "../../api/versions";
import { Decision, type Verdict } from "../../parts/Decision";
import { GateRows, headline } from "../../parts/GateRows";
import { Moment } from "../../parts/Moment";
import { Sides } from "../../parts/Sides";
import { Empty, ProblemCard, RowsComing } from "../../parts/states";
import { tellDone } from "../../shell/toasts";
import styles from "./inbox.module.css";

const FROM = "/p/$project/inbox";

/** What waits for a decision, and beside it all that one needs to decide. */
export function InboxPage() {
  const { project } = useParams({ from: FROM });
  const { request: wanted, all } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: FROM });
  const mine = all !== "yes";
  const found = useQuery({ ...inbox(project, mine), placeholderData: keepPreviousData });
  const waiting = found.data?.items ?? [];
  const chosen = wanted ?? waiting[0]?.uid;
  return (
    <Stack gap="lg">
      <Group justify="space-between" gap="sm">
        <Title order={1} size="h2">
          Inbox
        </Title>
        <Switch
          label="Also what waits for others"
          checked={!mine}
          onChange={({ currentTarget: { checked } }) => navigate({ search: (before) => ({ ...before, all: checked ? "yes" : undefined }), replace: true })}
        />
      </Group>
      {found.error && <ProblemCard error={found.error} retry={() => void found.refetch()} />}
      {found.isPending && <RowsComing />}
      {found.isSuccess && waiting.length === 0 && !wanted && <Nothing project={project} mine={mine} />}
      {(waiting.length > 0 || wanted) && found.isSuccess && (
        <div className={styles.columns}>
          <nav aria-label="Requests" className={styles.list}>
            {waiting.map((each) => (
              <Link
                key={each.uid}
                to={FROM}
                params={{ project }}
                search={(before) => ({ ...before, request: each.uid })}
                className={styles.item}
                aria-current={each.uid === chosen ? "true" : undefined}
              >
                <Text fw={600} size="sm" style={{ overflowWrap: "anywhere" }}>
                  {each.model} {each.version}
                </Text>
                <Text size="xs" c="dimmed">
                  to {each.to_stage} · {each.requested_by} · <Moment at={each.created_at} />
                </Text>
              </Link>
            ))}
            {found.data.next_cursor && (
              <Text size="xs" c="dimmed" p="sm">
                These are the newest {waiting.length}. Decide some, and older ones come up.
              </Text>
            )}
          </nav>
          {chosen && <Chosen key={chosen} uid={chosen} listed={waiting.find((each) => each.uid === chosen)} />}
        </div>
      )}
    </Stack>
  );
}

function Nothing({ project, mine }: { project: string; mine: boolean }) {
  return (
    <Empty title={mine ? "Nothing waits for you" : "Nothing waits for a decision"}>
      <Text>When somebody asks that a version be let into a stage whose gate wants approvals, the request stands here until it is decided.</Text>
      {mine && (
        <Text>
          What you registered yourself, or have decided already, waits for{" "}
          <Link to={FROM} params={{ project }} search={{ all: "yes" }} className={styles.link}>
            others
          </Link>
          .
        </Text>
      )}
      <Text>
        Asking is part of moving a version: on the{" "}
        <Link to="/p/$project/board" params={{ project }} className={styles.link}>
          board
        </Link>{" "}
        or on its page.
      </Text>
    </Empty>
  );
}

/** The request that is looked at, whether it waits for whoever looks, for others, or no more. */
function Chosen({ uid, listed }: { uid: string; listed: Request | undefined }) {
  const found = useQuery(asked(uid));
  const request = listed ?? found.data?.request;
  if (request?.status === "open") return <Decide request={request} />;
  if (found.error) return <ProblemCard error={found.error} />;
  return found.data ? <Closed found={found.data} /> : <RowsComing rows={3} />;
}

/** A link to a request that waits no longer says what became of it. */
function Closed({ found }: { found: Schemas["AskedDocument"] }) {
  const { request } = found;
  return (
    <section className={styles.panel} aria-label="Decided">
      <Stack gap="xs">
        <Group gap="sm">
          <Title order={2} size="h4">
            {request.model} {request.version} to {request.to_stage}
          </Title>
          <Badge variant="light" tt="none">
            {request.status}
          </Badge>
        </Group>
        <Text size="sm">
          Asked by {request.requested_by} <Moment at={request.created_at} />
          {request.closed_at && (
            <>
              , closed by {request.closed_by} <Moment at={request.closed_at} />
            </>
          )}
          .
        </Text>
        <GateRows report={found.report} />
      </Stack>
    </section>
  );
}

function Decide({ request }: { request: Request }) {
  const navigate = useNavigate({ from: FROM });
  const now = useQuery(asked(request.uid));
  const incumbent = useQuery(standing(request.project, request.model, request.to_stage));
  const decided = (verdict: Verdict, after: Request) => {
    const done = after.status === "completed" ? ` It stands in ${request.to_stage} now.` : "";
    tellDone(`${request.model} ${request.version}: ${verdict === "approve" ? "approved" : "rejected"}.${done}`);
    if (after.status !== "open") void navigate({ search: (before) => ({ ...before, request: undefined }), replace: true });
  };
  const path = { project: request.project, model: request.model, version: request.version };
  return (
    <section className={styles.panel} aria-labelledby="request">
      <Stack gap="md">
        <Stack gap={4}>
          <Title order={2} size="h4" id="request" style={{ overflowWrap: "anywhere" }}>
            <Link to="/p/$project/models/$model/versions/$version" params={path} className={styles.link}>
              {request.model} {request.version}
            </Link>{" "}
            to {request.to_stage}?
          </Title>
          <Text size="sm" c="dimmed">
            Asked by {request.requested_by} <Moment at={request.created_at} />
            {request.auto_promote && ". It moves by itself once everything holds"}
            {request.expires_at && (
              <>
                . Runs out <Moment at={request.expires_at} />
              </>
            )}
            .
          </Text>
          {request.comment && <blockquote className={styles.quote}>{request.comment}</blockquote>}
        </Stack>
        {now.data && (
          <Stack gap="xs">
            <Text size="sm" fw={600}>
              {headline(now.data.report)}
            </Text>
            <GateRows report={now.data.report} />
          </Stack>
        )}
        <Stack gap="xs">
          <Title order={3} size="h5">
            {incumbent.data ? `Beside ${incumbent.data.label}, in ${request.to_stage} now` : `${request.to_stage} is empty: nothing to compare with`}
          </Title>
          {incumbent.data && incumbent.data.label !== request.version && (
            <Sides project={request.project} model={request.model} versions={[incumbent.data.label, request.version]} all={false} brief />
          )}
        </Stack>
        <Decision request={request.uid} description="Goes on record with your decision." onDecided={decided} />
      </Stack>
    </section>
  );
}
