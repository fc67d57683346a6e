/** What the page asks of the agent: committed state, its recent past, and to be told of changes. */
import type { PartitionView } from '../core/view.ts';
import { createHistory, type History, recordView } from '../flow/history.ts';

/** Whoever has committed views, such as the agent. */
export interface ViewSource {
  /** One per partition that this agent owns; what was committed last. */
  views(): readonly PartitionView[];
  /** Calls `listener` after every commit that changed a view; the page decides how often it looks. */
  onChange(listener: () => void): () => void;
}

export interface PageData extends ViewSource {
  readonly history: History;
}

/** The views with a past that is kept from now on, whether or not anybody looks. */
export function rememberViews(source: ViewSource, clock: { nowMs(): number }): PageData {
  const history = createHistory();
  source.onChange(() => {
    for (const view of source.views()) recordView(history, view, clock.nowMs());
  });
  return {
    history,
    views: () => source.views(),
    onChange: (listener) => source.onChange(listener),
  };
}
