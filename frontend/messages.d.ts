/** Everything that crosses the wire between the page and the server, as the server sends and expects it. */

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
export type MixSource = { source: Base; layers: number[]; strength: number };
export type NoiseSpec = { seed: number | null; strength: number };
/** Raw units by attribute name. */
export type AttributeValues = Record<string, number>;

/** A whole edit. A picture is a pure function of it, so it is sent whole each time. */
export type LoomDocument = {
  model: string;
  base: Base;
  mix: MixSource[];
  attributes: AttributeValues;
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
  editable: boolean;
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

export type Face = { box: [number, number, number, number]; score: number; crop_url: string };
export type Photo = {
  id: string;
  name: string;
  width: number;
  height: number;
  faces: Face[];
  image_url: string;
  created_at: string;
};
export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";
export type Job = {
  id: string;
  session: string;
  model: string;
  kind: "projection";
  state: JobState;
  step: number;
  total: number;
  loss: number | null;
  distance: number | null;
  metric: string;
  eta_s: number | null;
  latent: string | null;
  photo: string;
  face: number;
  error: { code: string; detail: string } | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  preview_url: string | null;
};
export type Session = {
  id: string;
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
  | { type: "hello"; session: string; document: LoomDocument; jobs: Job[] }
  | { type: "attributes"; seq: number; base: AttributeValues; current: AttributeValues }
  | { type: "job"; job: Job }
  | { type: "error"; seq: number | null; problem: Problem };
