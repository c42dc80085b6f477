import { Skeleton, Stack, Text, Title } from "@mantine/core";
import { type CSSProperties, lazy, Suspense, useMemo } from "react";
import type { Box } from "../../parts/Graph";
import { stageColour } from "../../theme";
import { edgeLabel, edgesOf, type Lifecycle, rulesOf, rulesOfAll, type Stage, stagesOf } from "../../words/lifecycles";
import styles from "./lifecycles.module.css";

const Graph = lazy(() => import("../../parts/Graph"));

/** A lifecycle as a picture and as sentences. */
export function Drawn({ lifecycle }: { lifecycle: Lifecycle }) {
  const boxes = useMemo(() => stagesOf(lifecycle).map((stage) => boxOf(stage, lifecycle)), [lifecycle]);
  const arrows = useMemo(() => {
    const order = stagesOf(lifecycle).map((stage) => stage.name);
    return edgesOf(lifecycle).map((edge) => ({
      from: edge.from,
      to: edge.to,
      label: edgeLabel(edge) || undefined,
      back: order.indexOf(edge.from) > order.indexOf(edge.to),
    }));
  }, [lifecycle]);
  return (
    <Stack gap="lg">
      <Suspense fallback={<Skeleton height={190} role="status" aria-label="Loading" />}>
        <Graph boxes={boxes} arrows={arrows} label={`Stages of ${lifecycle.name}`} />
      </Suspense>
      <div className={styles.stages}>
        {stagesOf(lifecycle).map((stage) => (
          <StageRules key={stage.name} stage={stage} lifecycle={lifecycle} />
        ))}
      </div>
      <section className={styles.panel} aria-label="Everywhere">
        <Title order={2} size="h5" mb="xs">
          Everywhere
        </Title>
        <ul className={styles.sentences}>
          {rulesOfAll(lifecycle).map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      </section>
    </Stack>
  );
}

function boxOf(stage: Stage, lifecycle: Lifecycle): Box {
  const notes = [
    stage.name === lifecycle.initial && "begins here",
    stage.exclusive && "holds one",
    lifecycle.sentences[stage.name]?.length && "guarded",
  ].filter(Boolean);
  return {
    id: stage.name,
    title: stage.name,
    note: notes.join(", ") || undefined,
    colour: stageColour(stage.colour ?? "gray"),
    strong: stage.serving,
  };
}

function StageRules({ stage, lifecycle }: { stage: Stage; lifecycle: Lifecycle }) {
  const rules = rulesOf(stage, lifecycle);
  const asked = lifecycle.sentences[stage.name] ?? [];
  const ways = edgesOf(lifecycle).filter((edge) => edge.from === stage.name);
  return (
    <section className={styles.panel} style={{ "--stage": stageColour(stage.colour ?? "gray") } as CSSProperties} aria-label={stage.name}>
      <Title order={2} size="h5" mb="xs" className={styles.stage}>
        <i className={styles.dot} /> {stage.name}
      </Title>
      <ul className={styles.sentences}>
        {stage.description && <li>{stage.description}</li>}
        {rules.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
        <li>{ways.length ? `From here to ${ways.map((edge) => edge.to).join(", ")}.` : "Nothing leads out of here."}</li>
      </ul>
      {asked.length > 0 && (
        <>
          <Text size="sm" fw={600} mt="sm">
            To enter:
          </Text>
          <ul className={styles.sentences}>
            {asked.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
