import { useDraggable } from "@dnd-kit/core";
import { Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { KeyboardEventHandler, ReactNode } from "react";
import type { BoardCard } from "../../api/versions";
import { AliasChip, MetricChip } from "../../parts/chips";
import { GripIcon, HourglassIcon } from "../../parts/icons";
import { Moment } from "../../parts/Moment";
import { MoveMenu } from "../../parts/MoveMenu";
import styles from "./board.module.css";

const METRICS_SHOWN = 3;

/** A card that can be carried: by the mouse anywhere on it, by the keyboard at its grip. */
export function DragCard({ card, ofProject, ask }: { card: BoardCard; ofProject: boolean; ask: (to: string) => void }) {
  const { version } = card;
  const { setNodeRef, setActivatorNodeRef, listeners, attributes, isDragging } = useDraggable({ id: version.uid, data: card });
  const { onKeyDown, ...pointers } = listeners ?? {};
  const called = `${version.model} ${version.label}`;
  return (
    <div ref={setNodeRef} {...pointers} data-dragging={isDragging || undefined} className={styles.carrier}>
      <VersionCard card={card} ofProject={ofProject}>
        <MoveMenu small of={card} name={called} stage={version.stage} choose={ask} />
        <button
          type="button"
          ref={setActivatorNodeRef}
          className={styles.grip}
          onKeyDown={onKeyDown as KeyboardEventHandler}
          aria-describedby={attributes["aria-describedby"]}
          aria-label={`Carry ${called}`}
        >
          <GripIcon size={16} />
        </button>
      </VersionCard>
    </div>
  );
}

interface Props {
  card: BoardCard;
  /** On a project's board the card says of which model it is. */
  ofProject: boolean;
  lifted?: boolean;
  children?: ReactNode;
}

export function VersionCard({ card, ofProject, lifted = false, children }: Props) {
  const { version, requests } = card;
  const metrics = Object.entries(version.metrics);
  return (
    <article className={styles.card} data-lifted={lifted || undefined} aria-hidden={lifted || undefined} aria-label={`${version.model} ${version.label}`}>
      <Group gap={4} wrap="nowrap" align="flex-start">
        <div className={styles.names}>
          {ofProject && <div className={styles.model}>{version.model}</div>}
          <Link
            to="/p/$project/models/$model/versions/$version"
            params={namedOf(card)}
            className={styles.label}
            draggable={false}
            tabIndex={lifted ? -1 : undefined}
          >
            {version.label}
          </Link>
        </div>
        <Group gap={0} wrap="nowrap" ml="auto">
          {children}
        </Group>
      </Group>
      {version.aliases.length > 0 && (
        <Group gap="xs">
          {version.aliases.map((alias) => (
            <AliasChip key={alias} alias={alias} />
          ))}
        </Group>
      )}
      {metrics.length > 0 && (
        <Group gap={4}>
          {metrics.slice(0, METRICS_SHOWN).map(([name, value]) => (
            <MetricChip key={name} name={name} value={value} />
          ))}
          {metrics.length > METRICS_SHOWN && (
            <Text size="xs" c="dimmed">
              +{metrics.length - METRICS_SHOWN}
            </Text>
          )}
        </Group>
      )}
      {requests.map((request) => (
        <div key={request.uid} className={styles.waiting}>
          <HourglassIcon size={14} />
          <span>
            Approval for {request.to_stage}, asked by {request.requested_by}
          </span>
        </div>
      ))}
      <Text className={styles.foot}>
        {version.created_by} · here for <Moment at={version.stage_since} since />
      </Text>
    </article>
  );
}

export function namedOf({ version }: BoardCard) {
  return { project: version.project, model: version.model, version: version.label };
}
