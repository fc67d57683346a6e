/** How close each detector of a stream is to an alarm: its evidence of the last tick against its thresholds. */
import { budgetOf, SHARES, thresholdsOf } from './budget.ts';
import { DETECTORS } from './detect/index.ts';
import { layerOfCell, sameNames, siteOfCell } from './layout.ts';
import type { Model } from './model.ts';
import type { Settings } from './settings.ts';
import type { Stream } from './stream.ts';
import type { EvidenceView } from './view.ts';

/** One entry for each detector that has a share of the budget; hard rules are never close. */
export function viewEvidence(model: Model, stream: Stream, settings: Settings): EvidenceView[] {
  const budget = budgetOf(settings, model.model);
  const reference = model.references.find((r) => r.id === stream.reference);
  // Of a reference with other layers the calibration is not in force.
  const fits = reference !== undefined && sameNames(reference.layers, stream.layers);
  const raises = fits ? reference.calibration?.raises : undefined;
  return DETECTORS.filter(({ name }) => Object.hasOwn(SHARES, name)).map(({ name }) => {
    const { nats, at } = stream.detectors.get(name) ?? { nats: 0, at: -1 };
    const layer = at < 0 ? undefined : stream.layers[layerOfCell(at)];
    return {
      detector: name,
      nats: Number.isFinite(nats) ? nats : 0,
      ...thresholdsOf(budget, settings.tickMs, name, raises?.get(name)),
      layer: layer ?? null,
      site: layer === undefined ? null : siteOfCell(at),
    };
  });
}
