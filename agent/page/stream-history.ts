/** The chosen stream's past, with what happened beside it: answers of `/api/streams/…`. Pure. */
import type { IncidentView, ModelView, StreamView } from '../core/view.ts';
import { type History, shownScore, streamKey } from '../flow/history.ts';
import { type HistoryKeys, readLayer, readShifts } from '../flow/history-read.ts';
import { words } from './browser/format.ts';
import type { LayerHistory, Mark, StreamHistory } from './browser/messages.ts';
import { isOf, summarizeStream } from './overview.ts';

const MARKS_MAX = 50;

export function streamHistory(history: History, stream: StreamView, model: ModelView): StreamHistory {
  const past = readShifts(history, keysOf(stream, model)) ?? { columns: [], cells: [] };
  const order = new Map(stream.layers.map((layer, index) => [layer, index]));
  const placeOf = (layer: string) => order.get(layer) ?? order.size;
  return {
    stream: summarizeStream(stream, model),
    unit: unitOf(stream),
    columns: past.columns,
    cells: past.cells
      .map((cell) => ({ ...cell, shift: cell.shift.map(rounded) }))
      .sort((a, b) => placeOf(a.layer) - placeOf(b.layer) || (a.site < b.site ? -1 : 1)),
    marks: marksOf(stream, model, past.columns[0] ?? 0),
    evidence: stream.evidence,
  };
}

export function layerHistory(
  history: History,
  stream: StreamView,
  model: ModelView,
  layer: string,
): LayerHistory | null {
  const past = readLayer(history, keysOf(stream, model), layer);
  if (!past) return null;
  const cell = stream.cells.find((candidate) => candidate.layer === layer);
  return {
    layer,
    unit: unitOf(stream),
    against: shownScore(cell?.scores ?? [])?.against ?? null,
    columns: past.columns,
    cells: past.cells
      .map(({ site, fields }) => ({ site, fields }))
      .sort((a, b) => (a.site < b.site ? -1 : 1)),
  };
}

/** A version that was deployed shows the one it replaced up to then: the break between them is what one looks for. */
function keysOf(stream: StreamView, model: ModelView): HistoryKeys {
  const key = streamKey(stream);
  if (stream.run !== null) return { key, before: null };
  const previous =
    model.deployments.findLast(({ version }) => version === stream.version)?.previousVersion ?? null;
  const id = `serving/${previous}/${stream.role}`;
  return {
    key,
    before: previous === null || previous === stream.version ? null : streamKey({ ...stream, id }),
  };
}

const unitOf = (stream: StreamView): 'time' | 'step' => (stream.run === null ? 'time' : 'step');

/** The map shows steps of an eighth at best; a third of the bytes. */
const rounded = (value: number | null): number | null =>
  value === null ? null : Math.round(value * 1_000) / 1_000;

function marksOf(stream: StreamView, model: ModelView, first: number): Mark[] {
  const deployments =
    stream.run === null ? model.deployments.filter(({ version }) => version === stream.version) : [];
  const incidents = model.incidents.filter((incident) => isOf(incident, stream));
  const marks = [
    ...deployments.map(({ timeMs, version, previousVersion }): Mark => {
      const label = `deployment of ${version}${previousVersion === null ? '' : ` after ${previousVersion}`}`;
      return { kind: 'deployment', at: timeMs, until: null, label, layer: null };
    }),
    ...incidents.flatMap((incident) => markOf(incident, stream)),
  ];
  const visible = marks.filter(
    ({ kind, at, until }) => (kind === 'deployment' ? at : (until ?? at)) >= first || open(kind, until),
  );
  return visible.sort((a, b) => a.at - b.at).slice(-MARKS_MAX);
}

const open = (kind: Mark['kind'], until: number | null): boolean => kind !== 'deployment' && until === null;

function markOf(incident: IncidentView, stream: StreamView): Mark[] {
  const at = stream.run === null ? incident.onsetMs : incident.step;
  if (at === null) return [];
  // Steps say only when it began: an incident of a run that is over is a point.
  const until = stream.run === null ? incident.resolvedMs : incident.status === 'open' ? null : at;
  const label = `${incident.severity}: ${words(incident.cause)}${incident.status === 'open' ? '' : `, ${incident.status}`}`;
  return [{ kind: incident.severity, at, until, label, layer: incident.layers[0] ?? null }];
}
