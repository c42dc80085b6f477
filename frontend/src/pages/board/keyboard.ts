/** How arrow keys carry a card: from column to column, never in between. */

import type { KeyboardCoordinateGetter } from "@dnd-kit/core";

const STEPS: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export const besideColumn: KeyboardCoordinateGetter = (event, { context }) => {
  const step = STEPS[event.code];
  const { collisionRect, droppableRects } = context;
  if (step === undefined || collisionRect === null) return undefined;
  event.preventDefault();
  const columns = [...droppableRects].sort(([, one], [, other]) => one.left - other.left);
  const here = context.over
    ? columns.findIndex(([id]) => id === context.over?.id)
    : columns.findIndex(([, rect]) => collisionRect.left >= rect.left && collisionRect.left < rect.right);
  const next = columns[Math.min(Math.max(here + step, 0), columns.length - 1)]?.[1];
  if (next === undefined) return undefined;
  // Centre upon centre, so that the nearest column is this one.
  return { x: next.left + (next.width - collisionRect.width) / 2, y: next.top + (next.height - collisionRect.height) / 2 };
};
