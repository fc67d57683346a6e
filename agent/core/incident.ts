/** What an incident is, how it is stored, and the line that tells of it. */
import { bool, type Codec, f64, jsonObject, list, nullable, str, struct, word } from './codec.ts';
import { FAMILIES, type Family, type Severity } from './detect/contract.ts';
import { sentenceOf } from './sentence.ts';
import { formatTime } from './time.ts';

export const STATUSES = ['open', 'resolved', 'accepted'] as const;
export const UNITS = ['request_sigmas', 'nats', 'elements', 'ms', 'seconds', 'ratio'] as const;
const SEVERITIES = ['ticket', 'page'] as const satisfies readonly Severity[];

export interface Incident {
  id: string;
  /** Id of the stream within the model. */
  stream: string;
  family: Family;
  version: string;
  role: string | null;
  run: string | null;
  step: number | null;
  checkpoint: string | null;
  status: (typeof STATUSES)[number];
  severity: Severity;
  detectors: string[];
  cause: string;
  confidence: number;
  layers: string[];
  /** Affected sources in order; empty when all are. */
  sources: string[];
  allSources: boolean;
  scope: string;
  deployment: { version: string; minutes: number } | null;
  suppressed: boolean;
  reopened: boolean;
  openingTick: number;
  lastSignalTick: number;
  openedMs: number;
  onsetMs: number;
  changedMs: number;
  resolvedMs: number | null;
  effect: number;
  unit: (typeof UNITS)[number];
  /** JSON of the evidence: numbers and short texts. */
  evidence: string;
  /** What is seen, as the end of the sentence; the sentence itself follows from the incident. */
  says: string;
  /** What the last line told: a change of it is worth another line. */
  told: string;
}

const deploymentCodec = struct<{ version: string; minutes: number }>({ version: str, minutes: f64 });
export const incidentCodec: Codec<Incident> = struct<Incident>({
  id: str,
  stream: str,
  family: word(FAMILIES),
  version: str,
  role: nullable(str),
  run: nullable(str),
  step: nullable(f64),
  checkpoint: nullable(str),
  status: word(STATUSES),
  severity: word(SEVERITIES),
  detectors: list(str),
  cause: str,
  confidence: f64,
  layers: list(str),
  sources: list(str),
  allSources: bool,
  scope: str,
  deployment: nullable(deploymentCodec),
  suppressed: bool,
  reopened: bool,
  openingTick: f64,
  lastSignalTick: f64,
  openedMs: f64,
  onsetMs: f64,
  changedMs: f64,
  resolvedMs: nullable(f64),
  effect: f64,
  unit: word(UNITS),
  evidence: jsonObject,
  says: str,
  told: str,
});

export interface Deployment {
  timeMs: number;
  version: string;
  previousVersion: string | null;
  checkpoint: string | null;
  change: string | null;
}

export const deploymentsCodec = list(
  struct<Deployment>({
    timeMs: f64,
    version: str,
    previousVersion: nullable(str),
    checkpoint: nullable(str),
    change: nullable(str),
  }),
);

/** The part of a model that incidents need. */
export interface IncidentBook {
  readonly environment: string;
  readonly model: string;
  incidents: Incident[];
  deployments: Deployment[];
  maintenanceUntilMs: number | null;
}

/** The stream or run that signals are about. */
export interface Subject {
  readonly id: string;
  readonly version: string;
  readonly role: string | null;
  readonly run: string | null;
  readonly checkpoint: string | null;
  readonly layers: readonly string[];
}

/** When something was decided: `timeMs` goes into the line, `tick` counts ticks or steps. */
export interface Decision {
  readonly timeMs: number;
  readonly tick: number;
  readonly step: number | null;
  readonly watermarkMs: number;
}

/** One incident line, ready for JSON. */
export type FindingLine = Readonly<Record<string, unknown>> & {
  readonly event: 'opened' | 'changed' | 'resolved';
  readonly id: string;
  readonly environment: string;
  readonly model: string;
};

/** The line of the contract. */
export function findingOf(
  event: FindingLine['event'],
  book: IncidentBook,
  incident: Incident,
  decision: Decision,
): FindingLine {
  return {
    event,
    id: incident.id,
    time: formatTime(decision.timeMs),
    onset: formatTime(incident.onsetMs),
    watermark: formatTime(decision.watermarkMs),
    environment: book.environment,
    model: book.model,
    version: incident.version,
    role: incident.role,
    run: incident.run,
    step: decision.step,
    checkpoint: incident.checkpoint,
    severity: incident.severity,
    detectors: [...incident.detectors],
    cause: incident.cause,
    confidence: incident.confidence,
    layers: [...incident.layers],
    sources: [...incident.sources],
    scope: incident.scope,
    deployment: incident.deployment,
    suppressed: incident.suppressed ? 'maintenance' : null,
    reopened: incident.reopened,
    evidence: JSON.parse(incident.evidence),
    message: sentenceOf(book, incident),
  };
}

/** FNV-1a, 64 bits (Fowler, Noll, Vo), as hex: an id that every replay gives again; no secret hangs on it. */
export function hash(text: string): string {
  let h = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    h = BigInt.asUintN(64, (h ^ BigInt(byte)) * 0x100000001b3n);
  }
  return h.toString(16).padStart(16, '0');
}
