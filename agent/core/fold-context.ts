import type { FindingLine } from './incident.ts';
import type { Settings } from './settings.ts';

/** What every part of the fold is handed: settings, and where incident lines go. */
export interface FoldContext {
  readonly settings: Settings;
  readonly findings: FindingLine[];
  /** Nobody looks: scores that decide nothing are left out, for weeks of simulated ticks. */
  readonly unseen?: boolean;
}
