/** Deciding a request: a comment that goes on record, and a button for each thing that can be said. */

import { Button, Group, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, said } from "../api/client";
import type { Request } from "../api/lives";
import { Comment } from "./Comment";
import { ProblemCard } from "./states";

export type Verdict = "approve" | "reject" | "withdraw";

interface Props {
  request: string;
  /** Whether it can be taken back here, too. */
  withdrawable?: boolean;
  description?: string;
  onDecided: (verdict: Verdict, request: Request) => void;
}

export function Decision({ request, withdrawable, description, onDecided }: Props) {
  const [comment, setComment] = useState("");
  const decide = useMutation({
    mutationFn: async (verdict: Verdict) => {
      const given = { params: { path: { request } }, body: { comment } };
      if (verdict === "withdraw") return said(api.POST("/api/v1/requests/{request}/withdraw", given));
      const path = verdict === "approve" ? "/api/v1/requests/{request}/approve" : "/api/v1/requests/{request}/reject";
      return (await said(api.POST(path, given))).request;
    },
    meta: { shown: true },
    onSuccess: (after, verdict) => {
      setComment("");
      onDecided(verdict, after);
    },
  });
  return (
    <Stack gap="sm">
      <Comment description={description} value={comment} onChange={setComment} />
      {decide.error && <ProblemCard error={decide.error} />}
      <Group gap="sm">
        <Button onClick={() => decide.mutate("approve")} loading={decide.isPending}>
          Approve
        </Button>
        <Button variant="default" onClick={() => decide.mutate("reject")} disabled={decide.isPending}>
          Reject
        </Button>
        {withdrawable && (
          <Button variant="subtle" color="gray" onClick={() => decide.mutate("withdraw")} disabled={decide.isPending}>
            Withdraw
          </Button>
        )}
      </Group>
    </Stack>
  );
}
