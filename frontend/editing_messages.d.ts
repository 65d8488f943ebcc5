/** What crosses the wire of attribute edits: readings, layer rules, directions and faces on request. */

import type { Film } from "./exporting_messages.js";
import type { AttributeValues } from "./messages.js";

/** Degrees; azimuth to image right, elevation up. A part that is null stays as the face has it. */
export type LampChange = {
  azimuth: number | null;
  elevation: number | null;
  strength: number | null;
  brightness: number | null;
};
export type Lamp = { azimuth: number; elevation: number; strength: number; brightness: number };
/** layers null: the direction's own. */
export type DirectionUse = { direction: string; strength: number; layers: number[] | null };
/** Rows of ws by attribute name. */
export type Layers = Record<string, number[]>;

/** What a picture's attributes are, estimated and read; the maps are empty while estimating. */
export type Reading = {
  state: "ready" | "estimating";
  source: "network" | "likelihood";
  /** At the base, before corrections by hand. */
  estimated: AttributeValues;
  base: AttributeValues;
  target: AttributeValues;
  /** Null without an attribute network. */
  reached: AttributeValues | null;
  light: Lamp | null;
  target_light: Lamp | null;
  /** Deviations of the population, of what was not asked for. */
  moved: AttributeValues | null;
  likeness: { distance: number | null; judge: string; identity_network: boolean; note: string } | null;
};

export type LayerRules = {
  generator: string;
  num_ws: number;
  /** In force for new documents. */
  layers: Layers;
  /** The model's own. */
  bundled: Layers;
  stored: boolean;
};

export type Candidate = {
  index: number;
  name: string;
  method: string;
  layers: number[];
  scale: number;
  minimum: number;
  maximum: number;
  /** Share of what all of them explain, 0..1. */
  explained: number | null;
};
export type Direction = Omit<Candidate, "index"> & {
  id: string;
  generator: string;
  created_at: string;
  file_url: string;
};
export type SearchMethod = "sefa" | "ganspace" | "ganspace_features";

export type Sample = {
  latent: string;
  picture_url: string;
  asked: AttributeValues;
  reached: AttributeValues;
};
export type SampleRequest = {
  model: string;
  attributes: AttributeValues;
  light: LampChange | null;
  count: number;
  seed: number;
  psi: number;
  corrected: boolean;
};
export type Task = {
  id: string;
  kind: "directions" | "samples" | "films";
  model: string;
  state: "queued" | "running" | "succeeded" | "failed" | "cancelled";
  step: number;
  total: number;
  note: string;
  error: { code: string; detail: string } | null;
  candidates: Candidate[] | null;
  samples: Sample[] | null;
  film: Film | null;
  created_at: string;
};
