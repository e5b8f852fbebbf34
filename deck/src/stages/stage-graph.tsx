import {
  Controls,
  Handle,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  type Edge,
  type Node,
  type NodeProps,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { createContext, memo, use, useEffect, useMemo, useRef, type KeyboardEvent } from "react";
import { awaitsJudgment, pendingRetry } from "@/api/stage-facts";
import type { Stage } from "@/api/types";
import {
  layoutStages,
  neighbour,
  NODE_HEIGHT,
  NODE_WIDTH,
  type Direction,
  type GraphLayout,
} from "@/lib/graph";
import { statusLook, toneColor } from "@/lib/status";
import { StatusIcon, toneStyle } from "@/ui/status";
import { Duration } from "@/ui/times";
import { stageKind } from "./registry";
import classes from "./stage-graph.module.css";

interface StageGraphProps {
  /** The stages of the pipeline itself. */
  stages: Stage[];
  /** Those that stages have put before and after themselves, by the id of the stage they belong to. */
  parts?: ReadonlyMap<string, Stage[]>;
  label: string;
  selected: string | undefined;
  onSelect: (refId: string) => void;
  /** A plan rather than an execution: kinds of stages in place of their statuses. */
  plan?: boolean;
}

type StageNode = Node<{ stage: Stage; parts: Stage[] }, "stage">;

const NO_PARTS: ReadonlyMap<string, Stage[]> = new Map();
const NONE: Stage[] = [];

interface Selection {
  selected: string | undefined;
  plan: boolean;
  onSelect: (refId: string) => void;
  onMove: (from: string, direction: Direction) => void;
}

const SelectionContext = createContext<Selection>({
  selected: undefined,
  plan: false,
  onSelect: () => undefined,
  onMove: () => undefined,
});

const PADDING = 28;
const MIN_HEIGHT = 150;
const MAX_HEIGHT = 400;
/** Below this zoom the names cannot be read; a larger graph is panned instead. */
const LEGIBLE = 0.75;

/** The pipeline's stages as a graph from left to right, live, for mouse and keyboard. */
export function StageGraph(props: StageGraphProps) {
  return (
    <ReactFlowProvider>
      <Graph {...props} />
    </ReactFlowProvider>
  );
}

function Graph(props: StageGraphProps) {
  const { stages, parts = NO_PARTS, label, selected, onSelect, plan = false } = props;
  // The places depend on the shape alone: a status that changes must not lay the graph out anew.
  const shape = JSON.stringify(stages.map((stage) => [stage.refId, stage.requisiteStageRefIds]));
  const placed = useMemo(() => {
    const list = JSON.parse(shape) as [string, string[]][];
    return layoutStages(
      list.map(([refId, requisiteStageRefIds]) => ({ refId, requisiteStageRefIds })),
    );
  }, [shape]);
  const frame = useRef<HTMLDivElement>(null);
  const { nodes, edges } = useMemo(() => toFlow(stages, parts, placed), [stages, parts, placed]);
  const selection = useMemo<Selection>(
    () => ({
      selected,
      plan,
      onSelect,
      onMove: (from, direction) => {
        const next = neighbour(placed.nodes, from, direction);
        if (next === undefined) return;
        onSelect(next);
        const buttons = frame.current?.querySelectorAll<HTMLElement>("[data-ref-id]") ?? [];
        [...buttons]
          .find((button) => button.dataset["refId"] === next)
          ?.focus({ preventScroll: true });
      },
    }),
    [placed, selected, plan, onSelect],
  );
  const height = Math.min(MAX_HEIGHT, Math.max(MIN_HEIGHT, placed.height + 2 * PADDING));

  return (
    <SelectionContext value={selection}>
      <div
        ref={frame}
        className={classes["frame"]}
        style={{ height }}
        role="group"
        aria-label={label}
      >
        <ReactFlow<StageNode>
          nodes={nodes}
          edges={edges}
          nodeTypes={NODE_TYPES}
          minZoom={0.15}
          maxZoom={1.5}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          disableKeyboardA11y
          deleteKeyCode={null}
          panActivationKeyCode={null}
          zoomOnScroll={false}
          zoomOnDoubleClick={false}
          preventScrolling={false}
          autoPanOnNodeFocus={false}
          proOptions={{ hideAttribution: true }}
        >
          <Viewport placed={placed} height={height} selected={selected} />
          <Controls showInteractive={false} position="bottom-left" orientation="horizontal" />
        </ReactFlow>
      </div>
    </SelectionContext>
  );
}

/** Fits the graph when its shape or the window changes, and brings the selected stage into sight. */
function Viewport({
  placed,
  height,
  selected,
}: {
  placed: GraphLayout;
  height: number;
  selected: string | undefined;
}) {
  const flow = useReactFlow();
  const width = useStore((state) => state.width);
  useEffect(() => {
    if (width === 0 || placed.width === 0) return;
    const zoom = Math.min(
      1,
      Math.max(LEGIBLE, (width - 2 * PADDING) / placed.width),
      Math.max(LEGIBLE, (height - 2 * PADDING) / placed.height),
    );
    const fits = placed.width * zoom <= width - PADDING;
    void flow.setViewport({
      x: fits ? (width - placed.width * zoom) / 2 : PADDING,
      y: (height - placed.height * zoom) / 2,
      zoom,
    });
  }, [flow, placed, width, height]);

  useEffect(() => {
    const node = placed.nodes.find((candidate) => candidate.refId === selected);
    if (!node || width === 0) return;
    const { x, y, zoom } = flow.getViewport();
    const left = node.x * zoom + x;
    const top = node.y * zoom + y;
    const inside =
      left >= 0 &&
      left + NODE_WIDTH * zoom <= width &&
      top >= 0 &&
      top + NODE_HEIGHT * zoom <= height;
    if (inside) return;
    void flow.setCenter(node.x + NODE_WIDTH / 2, node.y + NODE_HEIGHT / 2, {
      zoom,
      duration: 200,
    });
  }, [flow, placed, selected, width, height]);
  return null;
}

function toFlow(
  stages: Stage[],
  parts: ReadonlyMap<string, Stage[]>,
  placed: GraphLayout,
): { nodes: StageNode[]; edges: Edge[] } {
  const byRef = new Map(stages.map((stage) => [stage.refId, stage]));
  const nodes = placed.nodes.flatMap((node): StageNode[] => {
    const stage = byRef.get(node.refId);
    if (!stage) return [];
    return [
      {
        id: node.refId,
        type: "stage",
        position: { x: node.x, y: node.y },
        data: { stage, parts: parts.get(stage.id) ?? NONE },
        width: NODE_WIDTH,
        height: NODE_HEIGHT,
      },
    ];
  });
  const edges = placed.edges.map((edge): Edge => {
    const from = byRef.get(edge.from);
    const to = byRef.get(edge.to);
    const begun = to?.startTime != null;
    return {
      id: `${edge.from}→${edge.to}`,
      source: edge.from,
      target: edge.to,
      focusable: false,
      animated: to?.status === "RUNNING",
      style: {
        strokeWidth: 1.6,
        stroke: begun && from ? toneColor(statusLook(from.status).tone) : "var(--line-strong)",
      },
    };
  });
  return { nodes, edges };
}

const StageNodeView = memo(function StageNodeView({ data }: NodeProps<StageNode>) {
  const { stage, parts } = data;
  const { selected, plan, onSelect, onMove } = use(SelectionContext);
  const look = statusLook(stage.status);
  const kind = stageKind(stage.type);
  const KindIcon = kind.icon;
  const judgment = awaitsJudgment(stage);
  const retry = pendingRetry(stage);
  const warns = judgment || retry !== undefined;
  const word = judgment
    ? "Awaiting judgment"
    : retry
      ? `Retrying, attempt ${retry.attempt || 1} failed`
      : look.label;
  const pressed = selected === stage.refId;
  return (
    <>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <button
        type="button"
        className={`${classes["node"]} nopan`}
        // The library takes events from nodes that can be neither dragged nor selected.
        style={{ ...toneStyle(warns ? "warning" : look.tone), pointerEvents: "all" }}
        data-ref-id={stage.refId}
        data-status={stage.status}
        data-running={stage.status === "RUNNING"}
        data-idle={!plan && stage.status === "NOT_STARTED"}
        aria-pressed={pressed}
        aria-label={plan ? `${stage.name}, ${kind.label}` : `${stage.name}, ${kind.label}, ${word}`}
        data-parts={parts.length > 0}
        tabIndex={pressed || selected === undefined ? 0 : -1}
        onClick={() => onSelect(stage.refId)}
        onKeyDown={(event: KeyboardEvent) => {
          const direction = DIRECTIONS[event.key];
          if (!direction) return;
          event.preventDefault();
          event.stopPropagation();
          onMove(stage.refId, direction);
        }}
      >
        <span className={classes["icon"]}>
          {plan ? (
            <KindIcon size={18} stroke={1.7} aria-hidden="true" />
          ) : (
            <StatusIcon status={stage.status} size={18} />
          )}
        </span>
        <span className={classes["name"]} title={stage.name}>
          {stage.name}
        </span>
        <span className={classes["line"]} data-tone={warns ? "warning" : undefined}>
          <span>{warns ? word : kind.label}</span>
          {stage.startTime ? (
            <Duration start={stage.startTime} end={stage.endTime} />
          ) : (
            <span>{stage.status === "NOT_STARTED" ? "" : look.label}</span>
          )}
        </span>
        {parts.length > 0 && <PartDots parts={parts} />}
      </button>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </>
  );
}, sameStage);

/** More parts than these are counted, not drawn. */
const MOST_DOTS = 14;

/** One dot for each part of a stage, under its name; the details say which they are. */
function PartDots({ parts }: { parts: Stage[] }) {
  const done = parts.filter((part) => statusLook(part.status).complete).length;
  return (
    <span className={classes["parts"]} title={partsTitle(parts)} aria-hidden="true">
      {parts.slice(0, MOST_DOTS).map((part) => (
        <span
          key={part.id}
          className={classes["dot"]}
          data-status={part.status}
          style={toneStyle(statusLook(part.status).tone)}
        />
      ))}
      <span>
        {done} of {parts.length} {parts.length === 1 ? "part" : "parts"}
      </span>
    </span>
  );
}

function partsTitle(parts: Stage[]): string {
  return parts.map((part) => `${part.name}: ${statusLook(part.status).label}`).join("\n");
}

/** The cache keeps the objects of what has not changed, so most events touch few of many stages. */
function sameStage(before: NodeProps<StageNode>, after: NodeProps<StageNode>): boolean {
  return (
    before.data.stage === after.data.stage &&
    before.data.parts.length === after.data.parts.length &&
    before.data.parts.every((part, index) => part === after.data.parts[index])
  );
}

const NODE_TYPES = { stage: StageNodeView };

const DIRECTIONS: Record<string, Direction | undefined> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};
