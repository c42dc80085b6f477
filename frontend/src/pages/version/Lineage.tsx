import { Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import type { Version } from "../../api/client";
import { children } from "../../api/versions";
import type { Arrow, Box } from "../../parts/Graph";
import { Empty, ProblemCard } from "../../parts/states";
import { parentOf } from "../../words/references";
import type { TabProps } from "./tabs";

const Graph = lazy(() => import("../../parts/Graph"));

/** What the version was made from, and what was made from it. */
export function Lineage({ version, named }: TabProps) {
  const found = useQuery(children(named));
  const drawn = useMemo(() => drawing(version, found.data ?? []), [version, found.data]);
  if (found.error) return <ProblemCard error={found.error} retry={() => void found.refetch()} />;
  if (found.isPending) return <Skeleton height={180} role="status" aria-label="Loading" />;
  if (drawn.arrows.length === 0) {
    return (
      <Empty title="Nobody said where it comes from">
        <Text>Name its run, its data, its code and its parents when you register it: `lockgate version register --dataset … --parent …`.</Text>
      </Empty>
    );
  }
  return (
    <Stack gap="sm">
      <Suspense fallback={<Skeleton height={180} role="status" aria-label="Loading" />}>
        <Graph boxes={drawn.boxes} arrows={drawn.arrows} label={`Lineage of ${version.model} ${version.label}`} />
      </Suspense>
      <Text size="xs" c="dimmed">
        From left to right, or downwards: what it was made from, the version itself, and what names it as a parent.
      </Text>
    </Stack>
  );
}

function drawing(version: Version, made: readonly Version[]): { boxes: Box[]; arrows: Arrow[] } {
  const { run_id, dataset, code, parents } = version.sources;
  const here = "this";
  const boxes: Box[] = [];
  const arrows: Arrow[] = [];
  const source = (kind: string, title: string | null, link?: Box["link"]) => {
    if (!title) return;
    const id = `${kind} ${title}`;
    boxes.push({ id, kind, title, link });
    arrows.push({ from: id, to: here });
  };
  source("Run", run_id);
  source("Data", dataset);
  source("Code", code);
  for (const parent of new Set(parents)) source("Parent", parent, linkTo(parentOf(parent, version.project)));
  boxes.push({ id: here, kind: "This version", title: `${version.model} ${version.label}`, note: version.stage, strong: true });
  for (const child of made) {
    boxes.push({
      id: child.uid,
      kind: "Child",
      title: `${child.model} ${child.label}`,
      note: child.stage,
      link: linkTo({ project: child.project, model: child.model, version: child.label }),
    });
    arrows.push({ from: here, to: child.uid });
  }
  return { boxes, arrows };
}

function linkTo(named: { project: string; model: string; version: string } | null): Box["link"] {
  if (named === null) return undefined;
  return { to: "/p/$project/models/$model/versions/$version", params: named, search: { tab: "lineage" } };
}
