/** What crosses the wire for exploring, as the server sends and expects it. */

import type { Direction } from "./editing_messages.js";
import type { LoomDocument } from "./messages.js";

/** seconds: of the section that begins at this face; the last one's counts in a closed walk only. */
export type WalkKey = { document: LoomDocument; seconds: number };
export type WalkPath = "straight" | "smooth";
/** gentle: each section begins and ends at rest. */
export type Easing = "even" | "gentle";
export type Walk = { keys: WalkKey[]; path: WalkPath; easing: Easing; closed: boolean };

/** Across and up, in deviations of w from the average face. */
export type Place = [number, number];
/** count: of axes that there are. */
export type LatentMap = { across: Direction; up: Direction; count: number };
