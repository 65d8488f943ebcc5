/** What crosses the wire about exports, imports, galleries and films, as the server sends and expects it. */

import type { Walk } from "./explore_messages.js";
import type { LoomDocument } from "./messages.js";

export type PictureFormat = "png" | "jpeg" | "webp";
export type FilmFormat = "mp4" | "webm" | "gif" | "webp";
export type PictureRequest = {
  document: LoomDocument;
  format: PictureFormat;
  /** Pixels of a side; null: the model's own. */
  size: number | null;
  /** 1..100, of JPEG and WebP. */
  quality: number;
  recipe: boolean;
};
export type LatentsRequest = {
  document: LoomDocument;
  part: "edited" | "base";
  format: "npz" | "safetensors";
};
/** What a file was found to hold; notes: what about it is not quite as it was. */
export type Imported = {
  kind: "recipe" | "latent";
  document: LoomDocument;
  notes: ("another_flow" | "another_name" | "model_not_named")[];
};
/** portable: whether it opens on other servers that have the model. */
export type Link = { document: LoomDocument; generator: string; portable: boolean };
export type StoredLatent = { latent: string; model: string; document: LoomDocument };
export type GalleryItem = {
  id: string;
  name: string;
  document: LoomDocument;
  starred: boolean;
  created_at: string;
};
export type WalkMotion = { kind: "walk"; walk: Walk };
export type EditMotion = {
  kind: "edit";
  start: LoomDocument;
  end: LoomDocument;
  seconds: number;
  easing: "even" | "gentle";
  /** And back again. */
  back: boolean;
};
export type NewFilm = {
  motion: WalkMotion | EditMotion;
  frames_per_second: number;
  size: number | null;
  format: FilmFormat;
};
export type Film = {
  url: string;
  format: FilmFormat;
  bytes: number;
  frames: number;
  seconds: number;
  size: number;
};
export type Formats = { pictures: PictureFormat[]; films: FilmFormat[] };
