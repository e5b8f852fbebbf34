import { describe, expect, it } from "vitest";
import { layoutStages, neighbour, NODE_HEIGHT, NODE_WIDTH, topologicalOrder } from "./graph";

const diamond = [
  { refId: "1", requisiteStageRefIds: [] },
  { refId: "2", requisiteStageRefIds: ["1"] },
  { refId: "3", requisiteStageRefIds: ["1"] },
  { refId: "4", requisiteStageRefIds: ["2", "3"] },
];

describe("layoutStages", () => {
  it("places each stage right of all it requires, and none over another", () => {
    const { nodes, edges, width, height } = layoutStages(diamond);
    const at = new Map(nodes.map((node) => [node.refId, node]));
    expect(edges).toHaveLength(4);
    for (const edge of edges) {
      const from = at.get(edge.from);
      const to = at.get(edge.to);
      expect(from && to && to.x - from.x).toBeGreaterThanOrEqual(NODE_WIDTH);
    }
    expect(at.get("2")?.x).toBe(at.get("3")?.x);
    expect(Math.abs((at.get("2")?.y ?? 0) - (at.get("3")?.y ?? 0))).toBeGreaterThanOrEqual(
      NODE_HEIGHT,
    );
    for (const node of nodes) {
      expect(node.x).toBeGreaterThanOrEqual(0);
      expect(node.y).toBeGreaterThanOrEqual(0);
      expect(node.x + NODE_WIDTH).toBeLessThanOrEqual(width);
      expect(node.y + NODE_HEIGHT).toBeLessThanOrEqual(height);
    }
  });

  it("has on top what is written first", () => {
    for (const stages of [diamond, [diamond[0], diamond[2], diamond[1], diamond[3]]]) {
      const written = stages.filter((stage) => stage !== undefined);
      const { nodes } = layoutStages(written);
      const y = (index: number) =>
        nodes.find((node) => node.refId === written[index]?.refId)?.y ?? NaN;
      expect(y(1)).toBeLessThan(y(2));
    }
  });

  it("leaves out requisites that do not exist, doubles and a stage that requires itself", () => {
    const { edges } = layoutStages([
      { refId: "a", requisiteStageRefIds: ["gone", "a"] },
      { refId: "b", requisiteStageRefIds: ["a", "a"] },
    ]);
    expect(edges).toEqual([{ from: "a", to: "b" }]);
  });

  it("survives a cycle and an empty pipeline", () => {
    const cycle = layoutStages([
      { refId: "a", requisiteStageRefIds: ["b"] },
      { refId: "b", requisiteStageRefIds: ["a"] },
    ]);
    expect(cycle.nodes).toHaveLength(2);
    expect(layoutStages([])).toEqual({ nodes: [], edges: [], width: 0, height: 0 });
  });

  it("places five hundred stages in reasonable time", () => {
    const many = Array.from({ length: 500 }, (_, index) => ({
      refId: String(index),
      requisiteStageRefIds: index < 10 ? [] : [String(index - 10)],
    }));
    const begun = performance.now();
    expect(layoutStages(many).nodes).toHaveLength(500);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe("topologicalOrder", () => {
  it("puts each stage after its requisites and keeps the order otherwise", () => {
    const order = topologicalOrder([...diamond].reverse()).map((stage) => stage.refId);
    expect(order).toEqual(["1", "3", "2", "4"]);
  });

  it("puts the stages of a cycle last", () => {
    const order = topologicalOrder([
      { refId: "x", requisiteStageRefIds: ["y"] },
      { refId: "y", requisiteStageRefIds: ["x"] },
      { refId: "a", requisiteStageRefIds: [] },
    ]).map((stage) => stage.refId);
    expect(order).toEqual(["a", "x", "y"]);
  });
});

describe("neighbour", () => {
  const nodes = [
    { refId: "1", x: 0, y: 50 },
    { refId: "2", x: 300, y: 0 },
    { refId: "3", x: 300, y: 100 },
    { refId: "4", x: 600, y: 50 },
  ];
  it.each([
    ["1", "right", "2"],
    ["2", "right", "4"],
    ["2", "down", "3"],
    ["3", "up", "2"],
    ["4", "left", "2"],
    ["1", "left", undefined],
    ["4", "right", undefined],
    ["nowhere", "right", "1"],
  ] as const)("from %s to the %s is %s", (from, direction, to) => {
    expect(neighbour(nodes, from, direction)).toBe(to);
  });
});
