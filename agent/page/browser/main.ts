/** Brings the served page to life: follows the overview, and shows the stream and layer that the address names. */
import { addressOf, type Choice, createDetail } from './detail.ts';
import { patch, region } from './dom.ts';
import { follow } from './live.ts';
import type { Overview } from './messages.ts';
import { type Connection, facts, incidents, records, streams, verdict } from './summary.ts';

const detail = createDetail(region('detail'));
let overview: Overview | null = null;
let connection: Connection = 'still';
let lastNamed: Choice | null = null;

/** `#/stream/ID` and `#/stream/ID/LAYER`; null for anything else. */
function choiceOf(hash: string): Choice | null {
  const [, stream, layer] = /^#\/stream\/([0-9a-f]+)(?:\/(.+))?$/.exec(hash) ?? [];
  if (stream === undefined) return null;
  return { stream, layer: layer === undefined ? null : decodeName(layer) };
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Somebody typed the address by hand; the name is then not known, and the server says so.
    return text;
  }
}

/** What was named last; until anything was: where the trouble is, else the first stream. */
function choice(): Choice | null {
  lastNamed = choiceOf(location.hash) ?? lastNamed;
  if (lastNamed || !overview) return lastNamed;
  const troubled = overview.incidents.find((incident) => incident.stream !== null)?.stream;
  const stream = troubled ?? overview.streams[0]?.id;
  return stream === undefined ? null : { stream, layer: null };
}

function showOverview(): void {
  if (!overview) return;
  document.title = overview.verdict.title;
  patch(region('verdict'), verdict(overview));
  patch(region('facts'), facts(overview, connection));
  patch(region('incidents'), incidents(overview));
  patch(region('streams'), streams(overview, choice()?.stream ?? null));
  patch(region('records'), records(overview));
}

/** What the detail shows depends on the chosen stream's last column and its incidents; else there is nothing to ask. */
let shownDetail = '';

async function showDetail(): Promise<void> {
  const chosen = choice();
  region('detail').hidden = chosen === null;
  if (!chosen || !overview) return;
  const stream = overview.streams.find((candidate) => candidate.id === chosen.stream);
  const wanted = [addressOf(chosen), stream?.column, stream?.state, stream?.incidents].join(' ');
  if (wanted === shownDetail) return;
  shownDetail = wanted;
  await detail.show(chosen, overview.nowMs);
}

addEventListener('hashchange', async () => {
  if (!choiceOf(location.hash)) return;
  showOverview();
  await showDetail();
  detail.focus();
});

follow(
  (next) => {
    overview = next;
    showOverview();
    void showDetail();
  },
  (state) => {
    connection = state;
    if (overview) patch(region('facts'), facts(overview, connection));
  },
);
