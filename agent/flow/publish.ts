import type { ModelView, PartitionView, StreamView } from '../core/view.ts';

export interface SilenceOptions {
  readonly nowMs: number;
  /** Records of the partition not yet folded; null when the log cannot be reached and nobody knows. */
  readonly lag: number | null;
  readonly silenceMs: number;
}

/**
 * Silence of a whole stream is no fold: no record says it. It follows from the wall clock, and only at the end of the
 * partition: an agent that lags, or cannot reach its log, knows nothing of its streams' present.
 */
export function withSilence(view: PartitionView, { nowMs, lag, silenceMs }: SilenceOptions): PartitionView {
  if (lag !== 0) return view;
  const isSilent = (stream: StreamView): boolean => {
    if (stream.state === 'silent' || stream.state === 'stopped') return false;
    const lastMs = lastHeardMs(stream);
    return lastMs !== null && nowMs - lastMs >= silenceMs;
  };
  const silenced = (model: ModelView): ModelView => {
    if (!model.streams.some(isSilent)) return model;
    return { ...model, streams: model.streams.map((s) => (isSilent(s) ? { ...s, state: 'silent' } : s)) };
  };
  const models = view.models.map(silenced);
  return models.every((model, i) => model === view.models[i]) ? view : { ...view, models };
}

function lastHeardMs(stream: StreamView): number | null {
  const { sources, watermarkMs } = stream;
  return sources.length === 0
    ? watermarkMs
    : sources.reduce((last, s) => Math.max(last, s.lastMs), sources[0]!.lastMs);
}
