// Line icons on a 24-pixel grid.

import { h } from "../vendor/preact.js";

const PATHS = {
  dice: "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zM8.500 8.500h.01M15.500 8.500h.01M12 12h.01M8.500 15.500h.01M15.500 15.500h.01",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  down: "M6 9l6 6 6-6",
  undo: "M8 5L4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3",
  redo: "M16 5l4 4-4 4M20 9H10a6 6 0 0 0 0 12h3",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600L19 19M5 19l1.400-1.400M17.600 6.400L19 5",
  globe:
    "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c2.500 2.500 3.500 5.500 3.500 9s-1 6.500-3.500 9c-2.500-2.500-3.500-5.500-3.500-9S9.500 5.500 12 3z",
  keyboard:
    "M4 6h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1zM7 10h.01M11 10h.01M15 10h.01M18 10h.01M7 14h.01M18 14h.01M10 14h5",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z",
  close: "M6 6l12 12M18 6L6 18",
  reset: "M4 5v5h5M4.500 10A8 8 0 1 1 4 14",
  photo:
    "M4 5h16a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM3 16l5-5 4 4 3-3 6 6M15.500 9h.01",
  camera: "M4 8h3l2-3h6l2 3h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1zM12 9.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7",
  compare: "M12 3v18M8 7H5a1 1 0 0 0-1 1v8a1 1 0 0 0 1 1h3M16 7h3a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1h-3",
  search: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500L20 20",
  locked: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  unlocked: "M6 11h12v9H6zM8.500 11V7a3.500 3.500 0 0 1 6.800-1.200",
  noise:
    "M5 6h.01M10 5h.01M15 7h.01M19 5h.01M6 11h.01M12 10h.01M18 11h.01M5 16h.01M10 15h.01M15 17h.01M19 16h.01M8 20h.01M14 21h.01",
  copy: "M9 9h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1zM16 9V5a1 1 0 0 0-1-1H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h3",
  done: "M5 12.500l4.500 4.500L19 7",
  play: "M8 5l11 7-11 7z",
  pause: "M8 5v14M16 5v14",
  star: "M12 3.500l2.600 5.400 5.900.800-4.300 4.100 1.100 5.900-5.300-2.900-5.300 2.900 1.100-5.900-4.300-4.100 5.900-.800z",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.500 21a7.500 7.500 0 0 1 15 0",
  warning: "M12 4l9 16H3zM12 10v4M12 17h.01",
};

/** @param {{ name: keyof typeof PATHS }} props */
export function Icon({ name }) {
  return h(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", width: 18, height: 18, "aria-hidden": "true", focusable: false },
    h("path", { d: PATHS[name] }),
  );
}

/** The mark: threads crossing on a loom. */
export function Mark() {
  return h(
    "svg",
    { class: "mark", viewBox: "0 0 32 32", width: 26, height: 26, "aria-hidden": "true" },
    h("rect", { width: 32, height: 32, rx: 8, class: "mark-ground" }),
    h("path", { d: "M9 7v18M16 7v18M23 7v18", class: "mark-warp" }),
    h("path", {
      d: "M6 11.500c3-3 5 3 8 1.500s5-4 7-1.500 3 2 5 0M6 20.500c3 3 5-3 8-1.500s5 4 7 1.500 3-2 5 0",
      class: "mark-weft",
    }),
  );
}
