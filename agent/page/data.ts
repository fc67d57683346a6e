/** What the page asks of the agent: committed state, its recent past, and to be told of changes. */
import type { PartitionView } from '../core/view.ts';
import type { History } from '../flow/history.ts';

export interface PageData {
  /** One per partition that this agent owns; what was committed last. */
  views(): readonly PartitionView[];
  readonly history: History;
  /** Calls `listener` after every commit that changed a view; the page decides how often it looks. */
  onChange(listener: () => void): () => void;
}
