// Where the nodes of a history are drawn: newest on top, a branch beside what it left. Pure.

import { nodesOf } from "./history.js";

/** @import { Tree, TreeNode } from "./history.js" */

/**
 * @typedef {object} GraphRow
 * @property {TreeNode} node
 * @property {number} row 0 on top
 * @property {number} lane 0 at the left
 * @property {{ row: number, lane: number } | null} parent where that is drawn
 */

/**
 * The first child of a node goes on in its lane; each other one takes the first lane that is free from where
 * it left until its last row.
 * @param {Tree} tree
 * @returns {GraphRow[]} top to bottom
 */
export function graphOf(tree) {
  const nodes = nodesOf(tree);
  const at = new Map(nodes.map(({ id }, i) => [id, i]));
  const ends = chainEnds(nodes, at);
  /** @type {{ lane: number, from: number, to: number }[]} */
  const taken = [];
  /** @type {Map<string, number>} */
  const lanes = new Map();
  const continued = new Set();
  for (const [i, { id, parent }] of nodes.entries()) {
    const above = parent === null ? undefined : lanes.get(parent);
    if (above !== undefined && parent !== null && !continued.has(parent)) {
      continued.add(parent);
      lanes.set(id, above);
      continue;
    }
    const from = (parent === null ? undefined : at.get(parent)) ?? i;
    const to = ends.get(id) ?? i;
    let lane = 0;
    while (taken.some((each) => each.lane === lane && each.from < to && each.to > from)) lane += 1;
    taken.push({ lane, from, to: Math.max(to, from + 1) });
    lanes.set(id, lane);
  }
  const row = (/** @type {number} */ i) => nodes.length - 1 - i;
  return nodes
    .map((node, i) => {
      const up = at.get(node.parent ?? "");
      const parent =
        up === undefined ? null : { row: row(up), lane: /** @type {number} */ (lanes.get(nodes[up].id)) };
      return { node, row: row(i), lane: /** @type {number} */ (lanes.get(node.id)), parent };
    })
    .reverse();
}

/**
 * Up to where the line goes that begins at a node: its first child's, and so on.
 * @param {TreeNode[]} nodes oldest first
 * @param {Map<string, number>} at
 */
function chainEnds(nodes, at) {
  /** @type {Map<string, string>} */
  const firstChild = new Map();
  for (const { id, parent } of nodes)
    if (parent !== null && !firstChild.has(parent)) firstChild.set(parent, id);
  /** @type {Map<string, number>} */
  const ends = new Map();
  for (const { id } of [...nodes].reverse())
    ends.set(id, ends.get(firstChild.get(id) ?? "") ?? /** @type {number} */ (at.get(id)));
  return ends;
}

/**
 * The line from a node down to its parent, in pixels: straight in its lane, then over to the parent's.
 * @param {GraphRow} from
 * @param {number} rowHeight
 * @param {number} laneWidth
 */
export function lineOf({ row, lane, parent }, rowHeight, laneWidth) {
  if (!parent) return "";
  const [x, y] = [(lane + 0.5) * laneWidth, (row + 0.5) * rowHeight];
  const [toX, toY] = [(parent.lane + 0.5) * laneWidth, (parent.row + 0.5) * rowHeight];
  if (x === toX) return `M${x} ${y}V${toY}`;
  const bend = toY - rowHeight / 2;
  return `M${x} ${y}V${bend}C${x} ${toY} ${toX} ${bend} ${toX} ${toY}`;
}
