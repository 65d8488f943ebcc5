// Coarse, middle and fine: a press takes these layers from the chosen source, or gives them back.

import { h } from "../vendor/preact.js";
import { t } from "../language.js";
import { bandsOf } from "../layer_names.js";
import { mixOf } from "../mix_rows.js";
import { shareOf, withBand, withCrossover } from "../mixing.js";

/** @import { Mixer } from "./mix.js" */

/** @param {{ mixer: Mixer }} props */
export function Presets({ mixer }) {
  const { model, rows, chosen, on } = mixer;
  return h(
    "div",
    { class: "bands", role: "group", "aria-label": t("mix.presets") },
    bandsOf(model).map((band) => {
      const share = on ? shareOf(rows[chosen], band) : 0;
      const pressed = withBand(on ? rows : withCrossover(rows, chosen, model.num_ws), chosen, band);
      return h(
        "button",
        {
          key: band.level,
          type: "button",
          class: "band",
          style: { "--taken": `${share}`, flexGrow: String(band.end - band.first) },
          "aria-pressed": share === 1 ? "true" : share > 0 ? "mixed" : "false",
          "data-testid": `band-${band.level}`,
          title: t("mix.presetLayers", {
            level: t(`level.${band.level}`),
            first: band.first,
            last: band.end - 1,
          }),
          onClick: () => mixer.change(pressed),
          ...mixer.hover(mixOf(pressed)),
        },
        h("span", null, t(`level.${band.level}`)),
        h("small", null, t(`levelDetail.${band.level}`)),
      );
    }),
  );
}
