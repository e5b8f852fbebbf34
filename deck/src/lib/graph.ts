import { Graph, layout } from "@dagrejs/dagre";

/** What the graph needs to know of a stage. */
export interface GraphStage {
  refId: string;
  requisiteStageRefIds: readonly string[];
}

export interface PlacedNode {
  refId: string;
  /** Upper left corner. */
  x: number;
  y: number;
}

export interface PlacedEdge {
  from: string;
  to: string;
}

export interface GraphLayout {
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  width: number;
  height: number;
}

export const NODE_WIDTH = 228;
export const NODE_HEIGHT = 64;
const RANK_GAP = 56;
const NODE_GAP = 20;

/** Places the stages of a pipeline from left to right. Requisites that do not exist are left out. */
export function layoutStages(stages: readonly GraphStage[]): GraphLayout {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", ranksep: RANK_GAP, nodesep: NODE_GAP, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  const known = new Set(stages.map((stage) => stage.refId));
  for (const refId of known) graph.setNode(refId, { width: NODE_WIDTH, height: NODE_HEIGHT });
  const edges: PlacedEdge[] = [];
  for (const stage of stages) {
    for (const from of new Set(stage.requisiteStageRefIds)) {
      if (!known.has(from) || from === stage.refId) continue;
      graph.setEdge(from, stage.refId);
      edges.push({ from, to: stage.refId });
    }
  }
  if (known.size === 0) return { nodes: [], edges: [], width: 0, height: 0 };
  layout(graph);
  const nodes = [...known].map((refId) => {
    const placed = graph.node(refId) as { x: number; y: number };
    return { refId, x: placed.x - NODE_WIDTH / 2, y: placed.y - NODE_HEIGHT / 2 };
  });
  const bottom = Math.max(...nodes.map((node) => node.y));
  const upright = standsOnItsHead(nodes)
    ? nodes.map((node) => ({ ...node, y: bottom - node.y }))
    : nodes;
  return {
    nodes: upright,
    edges,
    width: Math.max(...nodes.map((node) => node.x)) + NODE_WIDTH,
    height: bottom + NODE_HEIGHT,
  };
}

/**
 * Whether more stages of a column stand against the order they are written in than with it. The
 * layout chooses between a picture and its mirror image by chance; people expect what comes first on
 * top. Neighbours in the list are compared, which is enough to tell.
 */
function standsOnItsHead(nodes: readonly PlacedNode[]): boolean {
  const lastOfColumn = new Map<number, PlacedNode>();
  let balance = 0;
  for (const node of nodes) {
    const column = Math.round(node.x);
    const previous = lastOfColumn.get(column);
    if (previous) balance += Math.sign(node.y - previous.y);
    lastOfColumn.set(column, node);
  }
  return balance < 0;
}

/**
 * The stages in an order in which each comes after all it requires; stages that could go either way
 * keep the order they came in. Stages of a cycle, which the server refuses, come last.
 */
export function topologicalOrder<T extends GraphStage>(stages: readonly T[]): T[] {
  const known = new Set(stages.map((stage) => stage.refId));
  const done = new Set<string>();
  const ordered: T[] = [];
  let rest = [...stages];
  while (rest.length > 0) {
    const ready = rest.filter((stage) =>
      stage.requisiteStageRefIds.every((refId) => !known.has(refId) || done.has(refId)),
    );
    if (ready.length === 0) return [...ordered, ...rest];
    for (const stage of ready) {
      ordered.push(stage);
      done.add(stage.refId);
    }
    rest = rest.filter((stage) => !done.has(stage.refId));
  }
  return ordered;
}

export type Direction = "left" | "right" | "up" | "down";

/** The nearest stage in a direction, by what the eye sees; undefined at the border. */
export function neighbour(
  nodes: readonly PlacedNode[],
  from: string,
  direction: Direction,
): string | undefined {
  const origin = nodes.find((node) => node.refId === from);
  if (!origin) return nodes[0]?.refId;
  const horizontal = direction === "left" || direction === "right";
  const sign = direction === "left" || direction === "up" ? -1 : 1;
  let best: { refId: string; cost: number } | undefined;
  for (const node of nodes) {
    if (node.refId === from) continue;
    const along = (horizontal ? node.x - origin.x : node.y - origin.y) * sign;
    const across = Math.abs(horizontal ? node.y - origin.y : node.x - origin.x);
    if (along < 1) continue;
    // Up and down stay within a column unless there is nothing else in it.
    const cost = along + across * (horizontal ? 2 : 4);
    if (!best || cost < best.cost) best = { refId: node.refId, cost };
  }
  return best?.refId;
}
