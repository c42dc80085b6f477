/** The dialog before a version moves: what the gate says, who makes room, and why one does it. */

import { Alert, Button, Checkbox, Group, Modal, Skeleton, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, said } from "../api/client";
import { type Named, type Preview, preview, requests, transitions } from "../api/versions";
import { tellDone } from "../shell/toasts";
import { Comment } from "./Comment";
import { GateRows, headline, rowsOf } from "./GateRows";
import { Moment } from "./Moment";
import { ProblemCard } from "./states";

const VERBS: Record<string, string> = { promote: "Promote", demote: "Demote", archive: "Archive" };

export interface Wished {
  named: Named;
  /** Where the version stood when this was begun: if it stands elsewhere now, somebody else was first. */
  from: string;
  to: string;
}

export function MoveDialog({ wished, close }: { wished: Wished | null; close: () => void }) {
  return (
    <Modal
      opened={wished !== null}
      onClose={close}
      title={wished && `Move ${wished.named.model} ${wished.named.version} to ${wished.to}`}
      size="lg"
      closeButtonProps={{ "aria-label": "Close" }}
      styles={{ title: { fontWeight: 650, overflowWrap: "anywhere" } }}
    >
      {wished && <Asking key={JSON.stringify(wished)} {...wished} close={close} />}
    </Modal>
  );
}

function Asking({ named, from, to, close }: Wished & { close: () => void }) {
  const found = useQuery({ ...preview(named, to), staleTime: 0 });
  if (found.error && !found.data) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Skeleton height={150} role="status" aria-label="Loading" />;
  if (found.data.version.stage !== from) return <Overtaken named={named} from={from} to={to} seen={found.data} close={close} />;
  return <Verdict named={named} from={from} seen={found.data} close={close} />;
}

/** Somebody else was first: what they did, and nothing is overwritten. */
function Overtaken({ named, from, to, seen, close }: Wished & { seen: Preview; close: () => void }) {
  const passages = useQuery(transitions(named));
  const last = passages.data?.at(-1);
  const there = seen.version.stage === to;
  return (
    <Stack gap="md">
      <Alert color="copper" title="Somebody was here before you" role="alert">
        <Stack gap="xs">
          <Text size="sm">
            You saw it in {from}; it stands in {seen.version.stage} now. Nothing was changed by you.
          </Text>
          {last && (
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              {last.actor} moved it from {last.from_stage} to {last.to_stage} <Moment at={last.at} />
              {last.comment && <>: “{last.comment}”</>}
            </Text>
          )}
        </Stack>
      </Alert>
      <Group justify="flex-end">
        <Button onClick={close}>{there ? "All right" : "Look again"}</Button>
      </Group>
    </Stack>
  );
}

function Verdict({ named, from, seen, close }: { named: Named; from: string; seen: Preview; close: () => void }) {
  const [comment, setComment] = useState("");
  const [alone, setAlone] = useState(true);
  const open = useQuery(requests(named, "open"));
  const to = seen.to_stage;
  const waiting = open.data?.items.find((each) => each.to_stage === to);
  const rows = rowsOf(seen.report);
  const wantsApproval = rows.some((row) => row.requirement === "approvals" && row.verdict === "missing");
  const noWay = seen.moves.length === 0;
  const mayAsk = !noWay && wantsApproval && !waiting;
  const mayMove = !noWay && seen.report.allowed;
  const verb = VERBS[seen.moves.at(-1)?.verb ?? ""] ?? "Move";
  const move = useMutation({
    mutationFn: () =>
      said(
        api.POST("/api/v1/projects/{project}/models/{model}/versions/{version}/transitions", {
          params: { path: named },
          body: { to, comment, expected_stage: from, verb: "transition", archive_others: false, force: false, reason: "" },
        }),
      ),
    meta: { shown: true },
    onSuccess: (done) => {
      tellDone(`${named.model} ${named.version} stands in ${done.version.stage}.`);
      close();
    },
  });
  const ask = useMutation({
    mutationFn: () =>
      said(
        api.POST("/api/v1/projects/{project}/models/{model}/versions/{version}/requests", {
          params: { path: named },
          body: { to, comment, auto_promote: alone },
        }),
      ),
    meta: { shown: true },
    onSuccess: () => {
      tellDone(`Approval was asked for: ${named.model} ${named.version} to ${to}.`);
      close();
    },
  });
  const problem = move.error ?? ask.error;
  return (
    <Stack gap="md">
      <Displaced seen={seen} />
      <Stack gap="xs">
        <Text fw={600} size="sm">
          {noWay && !rows.length ? `It stands in ${to} already.` : headline(seen.report)}
        </Text>
        <GateRows report={seen.report} />
      </Stack>
      {waiting && (
        <Alert color="canal" variant="light">
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {waiting.requested_by} asked for this <Moment at={waiting.created_at} />
            {waiting.comment && <>: “{waiting.comment}”</>}.{" "}
            <Link
              to="/p/$project/models/$model/versions/$version"
              params={named}
              search={{ tab: "approvals" }}
              style={{ color: "var(--link)" }}
            >
              Decide about it
            </Link>
          </Text>
        </Alert>
      )}
      {(mayAsk || mayMove) && (
        <Comment description="Goes on record with what happens." value={comment} onChange={setComment} />
      )}
      {mayAsk && (
        <Checkbox
          label={`Once everything holds, move it to ${to} without asking again`}
          checked={alone}
          onChange={(event) => setAlone(event.currentTarget.checked)}
        />
      )}
      {problem && <ProblemCard error={problem} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
        {mayAsk && (
          <Button variant={mayMove ? "default" : "filled"} onClick={() => ask.mutate()} loading={ask.isPending}>
            Request approval
          </Button>
        )}
        {mayMove && (
          <Button onClick={() => move.mutate()} loading={move.isPending}>
            {verb} to {to}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

function Displaced({ seen }: { seen: Preview }) {
  const leaving = seen.moves.filter((each) => each.displaced_by !== null);
  return (
    <Stack gap={2}>
      <Text size="sm">
        It goes from {seen.version.stage} to {seen.to_stage}.
      </Text>
      {leaving.map((each) => (
        <Text key={each.label} size="sm">
          Version <b>{each.label}</b> stands in {each.source} now and makes room: it goes to {each.target}.
        </Text>
      ))}
    </Stack>
  );
}
