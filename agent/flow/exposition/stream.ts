import { quantile } from 'simple-statistics';
import { METRICS, type Metric } from '../../catalog.ts';
import type { StreamView, TrainingView } from '../../core/view.ts';
import type { Collector, Labels } from './collector.ts';
import { streamIdentity } from './model.ts';

const GROUP_QUANTILES = [0, 0.25, 0.5, 0.75, 1] as const;

/** Everything of a stream but its single layers, which `detail.ts` adds. */
export function addStream(out: Collector, stream: StreamView): void {
  const identity = streamIdentity(stream);
  out.add(METRICS.stream_state, identity, { state: stream.state }, 1);
  out.add(METRICS.calibration_progress_ratio, identity, {}, stream.calibration.progress);
  const watermarkSeconds = stream.watermarkMs === null ? null : stream.watermarkMs / 1000;
  out.add(METRICS.stream_watermark_timestamp_seconds, identity, {}, watermarkSeconds);
  for (const [status, sources] of Map.groupBy(stream.sources, (source) => source.status))
    out.add(METRICS.stream_sources, identity, { status }, sources.length);

  for (const { output, scores } of stream.outputs)
    for (const { against, klNats } of scores)
      out.add(METRICS.output_kl_nats, identity, { output, against }, klNats);

  addEvidence(out, identity, stream);
  addLayerAggregates(out, identity, stream);
  if (stream.training !== null) addTraining(out, identity, stream.step, stream.training);
}

/** A stream that calibrates gathers none yet. */
function addEvidence(out: Collector, identity: Labels, { state, evidence }: StreamView): void {
  for (const { detector, nats, ticketNats, pageNats } of evidence) {
    if (state !== 'calibrating') out.add(METRICS.detector_evidence_nats, identity, { detector }, nats);
    out.add(METRICS.detector_threshold_nats, identity, { detector, severity: 'ticket' }, ticketNats);
    out.add(METRICS.detector_threshold_nats, identity, { detector, severity: 'page' }, pageNats);
  }
}

/** Largest and median over all layers: what is left to see when single layers are not shown. */
function addLayerAggregates(out: Collector, identity: Labels, stream: StreamView): void {
  const scores = stream.cells.flatMap(({ site, scores }) => scores.map((score) => ({ site, ...score })));
  for (const [group, members] of Map.groupBy(scores, ({ site, against }) => `${site}/${against}`)) {
    const [site = '', against = ''] = group.split('/');
    const own = { site, against };
    const shifts = members.flatMap(({ meanShiftSigmas: shift }) => (shift === null ? [] : [Math.abs(shift)]));
    const divergences = members.flatMap(({ klNats }) => (klNats === null ? [] : [klNats]));
    addQuantile(out, METRICS.activation_shift_sigmas_max, identity, own, shifts, 1);
    addQuantile(out, METRICS.activation_shift_sigmas_median, identity, own, shifts, 0.5);
    addQuantile(out, METRICS.activation_kl_nats_max, identity, own, divergences, 1);
    addQuantile(out, METRICS.activation_kl_nats_median, identity, own, divergences, 0.5);
  }
}

function addTraining(out: Collector, identity: Labels, step: number | null, training: TrainingView): void {
  out.add(METRICS.training_step, identity, {}, step);
  out.add(METRICS.training_loss, identity, {}, training.loss);
  out.add(METRICS.training_learning_rate, identity, {}, training.learningRate);
  out.add(METRICS.training_gradient_norm, identity, {}, training.gradNorm);
  const norms = training.gradNorms.flatMap(({ norm }) => (norm === null ? [] : [norm]));
  for (const share of GROUP_QUANTILES)
    addQuantile(out, METRICS.gradient_norm, identity, { quantile: String(share) }, norms, share);
  for (const { name, value, goal } of training.validation)
    out.add(METRICS.validation_metric, identity, { name, goal }, value);
}

function addQuantile<Label extends string>(
  out: Collector,
  metric: Metric<Label>,
  identity: Labels,
  own: Readonly<Record<Label, string>>,
  values: readonly number[],
  share: number,
): void {
  if (values.length > 0) out.add(metric, identity, own, quantile([...values], share));
}
