/** Keeps what is shown current: another person's change is on the page within two seconds.
 *
 * Every change of state is one event of its project's log. So the log's newest number is asked for
 * each second (a few hundred bytes), and only when it grew are the queries on screen asked again.
 */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, said } from "./api/client";

const PULSE_MS = 1_000;

export function useLive(project: string): void {
  const client = useQueryClient();
  const before = useRef<{ project: string; seq: number } | null>(null);
  const { data: seq } = useQuery({
    queryKey: ["pulse", project],
    queryFn: async ({ signal }) => {
      const query = { project, limit: 1, newest_first: true };
      const page = await said(api.GET("/api/v1/audit", { params: { query }, signal }));
      return page.items[0]?.seq ?? 0;
    },
    refetchInterval: PULSE_MS,
    gcTime: 0,
  });
  useEffect(() => {
    if (seq === undefined) return;
    const last = before.current;
    before.current = { project, seq };
    if (last?.project === project && last.seq !== seq) {
      void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "pulse" });
    }
  }, [client, project, seq]);
}
