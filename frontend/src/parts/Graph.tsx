/** Boxes and arrows, laid out by themselves. Load it lazily: what draws them is large. */

import "@xyflow/react/dist/base.css";

import dagre from "@dagrejs/dagre";
import { BaseEdge, type Edge, EdgeLabelRenderer, type EdgeProps, Handle, MarkerType, type Node, type NodeProps, Position, ReactFlow } from "@xyflow/react";
import { Link, type LinkProps } from "@tanstack/react-router";
import { useMediaQuery } from "@mantine/hooks";
import { type CSSProperties, useMemo } from "react";
import styles from "./graph.module.css";

export interface Box {
  id: string;
  title: string;
  /** A word above the title: what it is. */
  kind?: string;
  /** A word below it. */
  note?: string;
  colour?: string;
  strong?: boolean;
  link?: LinkProps;
}

export interface Arrow {
  from: string;
  to: string;
  label?: string;
  /** It leads back: it is drawn against the order that the other arrows give the boxes. */
  back?: boolean;
}

const WIDTH = 172;
const WIDTH_DOWN = 140;
const MARGIN = 14;
const HEIGHT = 64;
const LABEL_WIDTH = 62;
type BoxNode = Node<{ box: Box; down: boolean }>;
type ArrowEdge = Edge<{ points: Point[]; label?: string; at?: Point }>;
interface Point {
  x: number;
  y: number;
}

export default function Graph({ boxes, arrows, label }: { boxes: readonly Box[]; arrows: readonly Arrow[]; label: string }) {
  const down = useMediaQuery("(max-width: 48em)") ?? false;
  const { nodes, edges, width, height } = useMemo(() => laidOut(boxes, arrows, down), [boxes, arrows, down]);
  return (
    <div className={styles.scroll} role="region" aria-label={label} tabIndex={0}>
      <div className={styles.graph} style={{ width, height }}>
        <ReactFlow
          nodes={nodes}
          edges={edges}
          nodeTypes={NODES}
          edgeTypes={EDGES}
          width={width}
          height={height}
          defaultViewport={{ x: 0, y: 0, zoom: 1 }}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          panOnDrag={false}
          zoomOnScroll={false}
          zoomOnPinch={false}
          zoomOnDoubleClick={false}
          preventScrolling={false}
          proOptions={{ hideAttribution: true }}
        />
      </div>
    </div>
  );
}

/** Give every box its place and every arrow its way, from left to right or downwards. */
function laidOut(boxes: readonly Box[], arrows: readonly Arrow[], down: boolean) {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: down ? "TB" : "LR", nodesep: 28, ranksep: down ? 46 : 56, edgesep: 18 });
  graph.setDefaultEdgeLabel(() => ({}));
  const wide = down ? WIDTH_DOWN : WIDTH;
  for (const box of boxes) graph.setNode(box.id, { width: wide, height: HEIGHT });
  arrows.forEach(({ from, to, label, back }, at) => {
    graph.setEdge(back ? to : from, back ? from : to, { width: label ? LABEL_WIDTH : 0, height: label ? 18 : 0, labelpos: "c" }, String(at));
  });
  dagre.layout(graph);
  const ways = arrows.map(({ from, to, back }, at) => {
    const way = graph.edge({ v: back ? to : from, w: back ? from : to, name: String(at) });
    const points: Point[] = way.points ?? [];
    return { points: back ? points.toReversed() : points, at: { x: way.x ?? 0, y: way.y ?? 0 } };
  });
  // Arrows may swing out beyond the boxes.
  const places = boxes.map((box) => graph.node(box.id) as Point);
  const xs = [...places.flatMap(({ x }) => [x - wide / 2, x + wide / 2]), ...ways.flatMap(({ points }) => points.map(({ x }) => x))];
  const ys = [...places.flatMap(({ y }) => [y - HEIGHT / 2, y + HEIGHT / 2]), ...ways.flatMap(({ points }) => points.map(({ y }) => y))];
  const left = Math.min(...xs) - MARGIN;
  const top = Math.min(...ys) - MARGIN;
  const moved = ({ x, y }: Point): Point => ({ x: x - left, y: y - top });
  const nodes: BoxNode[] = boxes.map((box, at) => {
    const { x, y } = moved(places[at] ?? { x: 0, y: 0 });
    return {
      id: box.id,
      type: "box",
      position: { x: x - wide / 2, y: y - HEIGHT / 2 },
      width: wide,
      height: HEIGHT,
      data: { box, down },
    };
  });
  const edges: ArrowEdge[] = arrows.map(({ from, to, label }, at) => ({
    id: String(at),
    type: "arrow",
    source: from,
    target: to,
    data: { points: (ways[at]?.points ?? []).map(moved), label, at: moved(ways[at]?.at ?? { x: 0, y: 0 }) },
    markerEnd: { type: MarkerType.ArrowClosed, width: 18, height: 18, color: "var(--mantine-color-dimmed)" },
  }));
  return { nodes, edges, width: Math.ceil(Math.max(...xs) - left + MARGIN), height: Math.ceil(Math.max(...ys) - top + MARGIN) };
}

function BoxShape({ data: { box, down } }: NodeProps<BoxNode>) {
  const inside = (
    <>
      {box.kind && <span className={styles.kind}>{box.kind}</span>}
      <span className={styles.title}>{box.title}</span>
      {box.note && <span className={styles.note}>{box.note}</span>}
    </>
  );
  const style = box.colour ? ({ "--stage": box.colour } as CSSProperties) : undefined;
  return (
    <div className={styles.box} style={style} data-strong={box.strong || undefined} title={box.title}>
      <Handle type="target" position={down ? Position.Top : Position.Left} className={styles.handle} />
      {box.link ? (
        <Link {...box.link} className={styles.link}>
          {inside}
        </Link>
      ) : (
        inside
      )}
      <Handle type="source" position={down ? Position.Bottom : Position.Right} className={styles.handle} />
    </div>
  );
}

/** The way that dagre found: straight pieces with round corners. */
function ArrowShape({ data, markerEnd }: EdgeProps<ArrowEdge>) {
  if (!data) return null;
  return (
    <>
      <BaseEdge path={rounded(data.points)} markerEnd={markerEnd} className={styles.arrow} />
      {data.label && data.at && (
        <EdgeLabelRenderer>
          <span className={styles.label} style={{ transform: `translate(-50%, -50%) translate(${data.at.x}px, ${data.at.y}px)` }}>
            {data.label}
          </span>
        </EdgeLabelRenderer>
      )}
    </>
  );
}

function rounded(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  const parts = [`M ${first.x} ${first.y}`];
  rest.forEach((point, at) => {
    const next = rest[at + 1];
    if (next) parts.push(`Q ${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`);
    else parts.push(`L ${point.x} ${point.y}`);
  });
  return parts.join(" ");
}

const NODES = { box: BoxShape };
const EDGES = { arrow: ArrowShape };
