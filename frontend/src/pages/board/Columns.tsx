import {
  type Announcements,
  type CollisionDetection,
  closestCenter,
  DndContext,
  type DragEndEvent,
  DragOverlay,
  KeyboardSensor,
  MouseSensor,
  pointerWithin,
  TouchSensor,
  useDroppable,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import { Group, Text } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type CSSProperties, useState } from "react";
import type { Schemas } from "../../api/client";
import { lifecycle } from "../../api/queries";
import type { Board, BoardCard } from "../../api/versions";
import type { Wished } from "../../parts/MoveDialog";
import { stageColour } from "../../theme";
import { type Lifecycle, stageNamed, stepsFrom } from "../../words/lifecycles";
import styles from "./board.module.css";
import { besideColumn } from "./keyboard";
import { DragCard, namedOf, VersionCard } from "./VersionCard";

const INSTRUCTIONS =
  "To move the version, press space or enter. Then choose a stage with the arrow keys, press space or enter again to see what its gate says, or escape to leave it where it is.";

/** A pointer must be within a column; what the keyboard moves goes to the nearest. */
const collide: CollisionDetection = (given) => (given.pointerCoordinates ? pointerWithin(given) : closestCenter(given));

export function Columns({ board, ask }: { board: Board; ask: (wished: Wished) => void }) {
  const [dragged, setDragged] = useState<BoardCard | null>(null);
  const lifecycles = useLifecycles(board);
  const sensors = useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 6 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 220, tolerance: 8 } }),
    useSensor(KeyboardSensor, { coordinateGetter: besideColumn }),
  );
  const of = (card: BoardCard) => lifecycles.get(keyOf(card));
  const wish = (card: BoardCard, column: string) => {
    const target = of(card);
    const to = (target && stageNamed(target, column)?.name) ?? column;
    if (to !== card.version.stage) ask({ named: namedOf(card), from: card.version.stage, to });
  };
  const drop = ({ active, over }: DragEndEvent) => {
    setDragged(null);
    const card = active.data.current as BoardCard | undefined;
    if (card && over) wish(card, String(over.id));
  };
  const draggedBy = dragged ? of(dragged) : undefined;
  const reach = dragged && draggedBy ? stepsFrom(draggedBy, dragged.version.stage).map((each) => each.toLowerCase()) : null;
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={collide}
      onDragStart={({ active }) => setDragged(active.data.current as BoardCard)}
      onDragCancel={() => setDragged(null)}
      onDragEnd={drop}
      accessibility={{ announcements, screenReaderInstructions: { draggable: INSTRUCTIONS } }}
    >
      <div className={styles.board} role="region" aria-label="Board" tabIndex={0}>
        {board.columns.map((column) => (
          <Column
            key={column.stage}
            column={column}
            board={board}
            ask={wish}
            dim={reach !== null && !reach.includes(column.stage.toLowerCase())}
          />
        ))}
      </div>
      <DragOverlay dropAnimation={null}>{dragged && <VersionCard card={dragged} ofProject={board.model === null} lifted />}</DragOverlay>
    </DndContext>
  );
}

interface ColumnProps {
  column: Schemas["BoardColumn"];
  board: Board;
  ask: (card: BoardCard, to: string) => void;
  dim: boolean;
}

function Column({ column, board, ask, dim }: ColumnProps) {
  const { setNodeRef, isOver } = useDroppable({ id: column.stage });
  const hidden = column.count - column.cards.length;
  const colour = { "--stage": stageColour(column.colour) } as CSSProperties;
  return (
    <section
      ref={setNodeRef}
      className={styles.column}
      style={colour}
      data-over={isOver || undefined}
      data-dim={dim || undefined}
      aria-label={column.stage}
    >
      <Group className={styles.head} gap="xs" wrap="nowrap" title={column.description || undefined}>
        <i className={styles.dot} />
        <h2 className={styles.stage}>{column.stage}</h2>
        <Text size="sm" c="dimmed" ml="auto" aria-label={`${column.count} here`}>
          {column.count}
        </Text>
      </Group>
      <ul className={styles.cards}>
        {column.cards.map((card) => (
          <li key={card.version.uid}>
            <DragCard card={card} ofProject={board.model === null} ask={(to) => ask(card, to)} />
          </li>
        ))}
      </ul>
      {column.count === 0 && <p className={styles.nobody}>Nothing stands here</p>}
      {hidden > 0 && <Hidden board={board} stage={column.stage} hidden={hidden} />}
    </section>
  );
}

function Hidden({ board, stage, hidden }: { board: Board; stage: string; hidden: number }) {
  const told = `${hidden} older ${hidden === 1 ? "version" : "versions"}`;
  if (board.model === null) return <p className={styles.nobody}>and {told}: choose a model</p>;
  return (
    <Link
      className={styles.more}
      to="/p/$project/models/$model"
      params={{ project: board.project, model: board.model }}
      search={{ tab: "versions", stage }}
    >
      and {told}
    </Link>
  );
}

function keyOf(card: BoardCard): string {
  return `${card.lifecycle} ${card.lifecycle_revision}`;
}

/** The lifecycles of all cards; a revision is asked for once. */
function useLifecycles(board: Board): Map<string, Lifecycle> {
  const cards = board.columns.flatMap((column) => column.cards);
  const wanted = [...new Map(cards.map((card) => [keyOf(card), card])).values()];
  const found = useQueries({ queries: wanted.map((card) => lifecycle(card.lifecycle, card.lifecycle_revision)) });
  return new Map(wanted.flatMap((card, at) => (found[at]?.data ? [[keyOf(card), found[at].data]] : [])));
}

const told = (data: Record<string, unknown> | undefined) => {
  const { version } = data as unknown as BoardCard;
  return `${version.model} ${version.label}`;
};

const announcements: Announcements = {
  onDragStart: ({ active }) => `Picked up ${told(active.data.current)}.`,
  onDragOver: ({ active, over }) => (over ? `${told(active.data.current)} is over ${over.id}.` : undefined),
  onDragEnd: ({ active, over }) => (over ? `${told(active.data.current)} was put on ${over.id}.` : `${told(active.data.current)} stays where it is.`),
  onDragCancel: ({ active }) => `${told(active.data.current)} stays where it is.`,
};
