/** Everything that crosses the wire between the page and the server, as the server sends and expects it. */

import type { DirectionUse, LampChange, Layers, Reading } from "./editing_messages.js";

export type SeedBase = {
  kind: "seed";
  seed: number;
  truncation_psi: number;
  truncation_cutoff: number | null;
};
export type LatentBase = {
  kind: "latent";
  latent: string;
  truncation_psi: number;
  truncation_cutoff: number | null;
};
export type Base = SeedBase | LatentBase;
/** strength 0..1: one for all layers, or one for each. Without layers a source is only kept at hand. */
export type MixSource = { source: Base; layers: number[]; strength: number | number[] };
/** seed null: the stored map. */
export type LayerNoise = { seed: number | null; strength: number };
/** layers: what some have of their own, times the strength of all; frozen ones are drawn again only alone. */
export type NoiseSpec = LayerNoise & { layers: Record<string, LayerNoise>; frozen: number[] };
/** Raw units by attribute name. */
export type AttributeValues = Record<string, number>;

/** A whole edit. A picture is a pure function of it, so it is sent whole each time. */
export type LoomDocument = {
  model: string;
  base: Base;
  mix: MixSource[];
  attributes: AttributeValues;
  /** Corrections by hand of what was estimated at the base. */
  base_attributes: AttributeValues;
  locks: string[];
  calibrated: boolean;
  light: LampChange | null;
  layers: Layers;
  directions: DirectionUse[];
  noise: NoiseSpec;
};

export type AttributeInfo = {
  name: string;
  label: string;
  group: "face" | "light";
  minimum: number;
  maximum: number;
  step: number;
  unit: string;
  shown: boolean;
};
/** A model that can be asked for, loaded or not. */
export type ModelInfo = {
  state: "ready" | "loading";
  name: string;
  title: string;
  description: string;
  licence: string;
  /** Name of the bundle folder or file. */
  source: string;
  size_bytes: number;
  loaded: boolean;
  /** It is loaded, and its file is another one by now; reason says so where that cannot be used. */
  changed: boolean;
  reason: string;
  img_resolution: number;
  /** 3, or 1 for grey pictures. */
  img_channels: number;
  num_ws: number;
  resolutions: number[];
  default_psi: number;
  seeds: number[];
  /** It has a flow. */
  editable: boolean;
  /** Whether a search can begin at a real guess. */
  encoder: boolean;
  /** It has an attribute network, which reads pictures. */
  measurable: boolean;
  /** First row of the middle and of the fine layers. */
  mix_borders: [number, number];
  attributes: AttributeInfo[];
};
export type UnusableModel = {
  state: "preparing" | "refused";
  name: string;
  source: string;
  size_bytes: number;
  reason: string;
};
export type AnyModel = ModelInfo | UnusableModel;
export type About = {
  version: string;
  device: string;
  perceptual: { name: string; is_lpips: boolean; note: string };
  models: string[];
  refused: { name: string; reason: string }[];
};

/** x, y in pixels of the stored photo, whole numbers in mid-pixel. */
export type Point = [number, number];
/** Left and right are the picture's; mouth is its middle. */
export type Anchors = { left_eye: Point; right_eye: Point; mouth: Point };
/** corners: top left, bottom left, bottom right, top right. */
export type Alignment = { anchors: Anchors; corners: Point[] };
export type Face = {
  box: [number, number, number, number];
  score: number;
  crop_url: string;
  alignment: Alignment;
};
export type Photo = {
  id: string;
  name: string;
  width: number;
  height: number;
  faces: Face[];
  /** What is cut out unless something else is said; begins in the middle of a photo without a face. */
  alignment: Alignment;
  by_hand: boolean;
  image_url: string;
  created_at: string;
};
export type JobState = "queued" | "running" | "paused" | "succeeded" | "failed" | "cancelled";
export type Rung = "w" | "w+" | "pti";
export type Space = "start" | Rung;
export type Schedule = "published" | "fast";
/** Terms of the loss by name, as they count in it. */
export type Terms = Record<string, number>;
export type Job = {
  id: string;
  session: string;
  model: string;
  kind: "projection";
  photo: string;
  state: JobState;
  space: Space;
  schedule: Schedule;
  faithfulness: number;
  /** null: aligned by hand. */
  face: number | null;
  alignment: Alignment;
  target_url: string;
  /** The job whose result it began with. */
  continues: string | null;
  began_at: "encoder" | "mean_face" | "result" | null;
  rungs: { rung: Rung; steps: number; step: number }[];
  rung: Rung | null;
  step: number;
  total: number;
  loss: number | null;
  terms: Terms | null;
  distance: number | null;
  metric: string;
  /** Mean absolute difference, 0..1. */
  pixel_error: number | null;
  psnr: number | null;
  identity: number | null;
  identity_note: string;
  seconds: number;
  eta_s: number | null;
  /** While it is queued; 1 is next. */
  position: number | null;
  latent: string | null;
  error: { code: string; detail: string } | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  preview_url: string | null;
};
export type CurvePoint = { step: number; rung: Rung; loss: number; distance: number; terms: Terms };
export type Moment = {
  step: number;
  rung: Rung;
  distance: number;
  width: number;
  height: number;
  url: string;
};
export type History = { points: CurvePoint[]; moments: Moment[] };
/** What is asked of a search. steps: of W; null: what the schedule has. */
export type SearchSettings = {
  space: Space;
  schedule: Schedule;
  steps: number | null;
  faithfulness: number;
};
/** A node of a session's history. parent: null for the first; visited: the highest is where it stands. */
export type HistoryNode = {
  id: string;
  parent: string | null;
  number: number;
  visited: number;
  name: string;
  document: LoomDocument;
  created_at: string;
};
/** nodes: oldest first. */
export type EditHistory = { nodes: HistoryNode[]; current: string; limit: number };
export type NewHistoryNode = Pick<HistoryNode, "id" | "document" | "name"> & { parent: string };
/** node: where it stands in its history. */
export type Session = {
  id: string;
  node: string;
  document: LoomDocument;
  created_at: string;
  updated_at: string;
  photos: Photo[];
  jobs: Job[];
};

/** RFC 9457 problem details, with the server's own code and hint. */
export type Problem = {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  hint?: string;
  request_id?: string;
};

export type Quality = "preview" | "final";
export type ClientMessage =
  { type: "edit"; seq: number; document: LoomDocument; quality: Quality } | { type: "ack"; seq: number };
export type ServerMessage =
  | { type: "hello"; session: string; node: string; document: LoomDocument; jobs: Job[] }
  | ({ type: "attributes"; seq: number } & Reading)
  | { type: "job"; job: Job }
  | { type: "error"; seq: number | null; problem: Problem };
