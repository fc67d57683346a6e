/** Views → overview: the one sentence, the order of incidents, what of a stream is told, and the caps. */
import { describe, expect, test } from 'vitest';
import type { IncidentView, ModelView, StreamView } from '../../../agent/core/view.ts';
import { createHistory, recordView } from '../../../agent/flow/history.ts';
import { buildOverview, findStream } from '../../../agent/page/overview.ts';
import { layerHistory, streamHistory } from '../../../agent/page/stream-history.ts';
import { createFixture } from '../../browser/fixture.ts';
import { emptyModel, incidentOf } from '../../browser/incidents.ts';
import { cellOf, ORIGIN, streamOf } from '../../browser/streams.ts';

const NOW_MS = Date.parse('2026-03-02T03:00:00Z');
const streams = (...states: StreamView['state'][]) =>
  states.map((state, i) => streamOf({ id: `serving/v${i}/stable`, version: `v${i}`, state, cells: [] }, 1));
const incident = (part: Partial<IncidentView>): IncidentView =>
  incidentOf({ id: 'i', message: 'It broke.', openedMs: NOW_MS - 60_000, ...part });
const overviewOf = (part: Partial<ModelView>) =>
  buildOverview([{ models: [{ ...emptyModel('minilm-l6'), ...part }], rejected: {} }], NOW_MS);

describe('verdict', () => {
  const cases: [string, Partial<ModelView>, string, string][] = [
    ['no streams', {}, 'empty', '0 pages, 0 tickets open; no streams yet, waiting for telemetry'],
    [
      'all is well',
      { streams: streams('guarded', 'guarded', 'calibrating') },
      'calm',
      '0 pages, 0 tickets open; 2 streams guarded, 1 calibrating',
    ],
    [
      'a page',
      { streams: streams('guarded', 'drifting'), incidents: [incident({})] },
      'page',
      '1 page, 0 tickets open; 1 stream guarded, 1 drifting',
    ],
    [
      'a ticket',
      { streams: streams('guarded'), incidents: [incident({ severity: 'ticket' })] },
      'ticket',
      '0 pages, 1 ticket open; 1 stream guarded',
    ],
    [
      'a page in a maintenance window',
      { streams: streams('guarded'), incidents: [incident({ suppressed: 'maintenance' })] },
      'calm',
      '0 pages, 0 tickets open (1 more suppressed by maintenance); 1 stream guarded',
    ],
    [
      'a page that is over',
      { streams: streams('guarded'), incidents: [incident({ status: 'resolved' })] },
      'calm',
      '0 pages, 0 tickets open; 1 stream guarded',
    ],
    [
      'a silent stream',
      { streams: streams('silent') },
      'attention',
      '0 pages, 0 tickets open; 1 stream silent',
    ],
  ];
  test.each(cases)('%s', (_, part, level, sentence) => {
    expect(overviewOf(part).verdict).toMatchObject({ level, sentence });
  });
});

describe('incidents', () => {
  test('pages before tickets, new before old, suppressed ones last', () => {
    const { incidents } = overviewOf({
      incidents: [
        incident({ id: 'muted', suppressed: 'maintenance' }),
        incident({ id: 'ticket', severity: 'ticket' }),
        incident({ id: 'old', openedMs: NOW_MS - 90_000 }),
        incident({ id: 'new' }),
      ],
    });
    expect(incidents.map(({ id }) => id)).toEqual(['new', 'old', 'ticket', 'muted']);
  });

  test('an incident leads to its stream, and to none when that is gone', () => {
    const [here, gone] = overviewOf({
      streams: streamOf1('v2'),
      incidents: [
        incident({ id: 'a', version: 'v2' }),
        incident({ id: 'b', version: 'v9', severity: 'ticket' }),
      ],
    }).incidents;
    expect(here?.stream).toMatch(/^[0-9a-f]{16}$/);
    expect(gone?.stream).toBeNull();
  });

  test('an open incident tells what its own detectors see now, one that is over does not', () => {
    const evidence = ['activation_mean', 'activation_variance', 'peers'].map((detector) => ({
      ...{ detector, nats: 3, ticketNats: 12, pageNats: 14 },
      ...{ layer: null, site: null },
    }));
    const incidents = (['open', 'resolved'] as const).map((status) =>
      incident({ id: status, version: 'v2', status, detectors: ['peers', 'nonfinite', 'activation_mean'] }),
    );
    const streams = streamOf1('v2').map((stream) => ({ ...stream, evidence }));
    const overview = overviewOf({ streams, incidents });
    expect(overview.incidents[0]?.now.map(({ detector }) => detector)).toEqual(['activation_mean', 'peers']);
    expect(overview.resolved[0]?.now).toEqual([]);
  });

  test('thousands of them are cut to a hundred, and the rest is counted', () => {
    const many = Array.from({ length: 2_000 }, (_, i) => incident({ id: String(i) }));
    const overview = overviewOf({ incidents: many });
    expect([overview.incidents.length, overview.incidentsLeftOut]).toEqual([100, 1_900]);
    expect(overview.verdict.sentence).toContain('2,000 pages');
  });

  test('the day counts incidents and the median time from onset to opening', () => {
    const opened = (ageMs: number, delayMs: number) =>
      incident({ openedMs: NOW_MS - ageMs, onsetMs: NOW_MS - ageMs - delayMs });
    const day = overviewOf({
      incidents: [opened(1_000, 10), opened(2_000, 30), opened(3_000, 20), opened(90_000_000, 1)],
    }).day;
    expect(day).toEqual({ incidents: 3, medianDelayMs: 20 });
  });
});

const streamOf1 = (version: string) => [
  streamOf({ id: `serving/${version}/stable`, version, state: 'guarded', cells: [] }, 1),
];

describe('streams', () => {
  test('the worst shift names layer and site, whichever of mean and variance it is', () => {
    const cells = [
      cellOf('a', 'input', 0, 0.1, 0.2),
      cellOf('b', 'output', 0, -7, 3),
      cellOf('c', 'input', 0, 5, 5),
    ];
    const [stream] = overviewOf({
      streams: [streamOf({ id: 's', version: 'v1', state: 'guarded', cells }, 1)],
    }).streams;
    expect(stream?.worst).toEqual({ layer: 'b', site: 'output', sigmas: 7 });
    expect(stream?.against).toBe('reference');
  });

  test('sources that are not live are named, and a maintenance window that is over is not told', () => {
    const sources = [
      { source: 'pod-0', status: 'live' as const, lastMs: 5 },
      { source: 'pod-1', status: 'silent' as const, lastMs: 3 },
    ];
    const overview = overviewOf({
      streams: streamOf1('v1').map((s) => ({ ...s, sources })),
      maintenanceUntilMs: NOW_MS - 1,
    });
    expect(overview.streams[0]).toMatchObject({
      sourcesLive: 1,
      sourcesTotal: 2,
      sourcesAmiss: [{ source: 'pod-1' }],
    });
    expect(overview.maintenance).toEqual([]);
  });

  test('a run tells its last loss, norm, rate and validation, a served model none', () => {
    const training = {
      loss: 2.5,
      learningRate: 1e-3,
      gradNorm: null,
      gradNorms: [],
      validation: [{ name: 'perplexity', value: 12, goal: 'min' as const }],
    };
    const run = { ...streamOf1('v1')[0]!, run: 'r1', role: null, training };
    const [served, trained] = overviewOf({ streams: [run, ...streamOf1('v1')] }).streams;
    expect(served?.training).toEqual([]);
    expect(trained?.training).toEqual([
      { name: 'loss', value: 2.5 },
      { name: 'gradient norm', value: null },
      { name: 'learning rate', value: 1e-3 },
      { name: 'validation perplexity', value: 12 },
    ]);
  });

  test('records are summed over models and what names no model', () => {
    const model = {
      ...emptyModel('m'),
      rejected: { bad_column: 2 },
      late: { activations: 3 },
      duplicates: 4,
      missing: 5,
    };
    expect(buildOverview([{ models: [model, model], rejected: { not_json: 1 } }], NOW_MS).records).toEqual({
      refused: 5,
      late: 6,
      duplicates: 8,
      missing: 10,
    });
  });
});

describe('the past of a stream', () => {
  const fixture = createFixture();
  const v2 = buildOverview(fixture.views(), fixture.clock.nowMs()).streams.find(
    ({ version }) => version === 'v2',
  );
  const found = findStream(fixture.views(), v2?.id ?? '');

  test('a new version shows the one it replaced up to its deployment, with the deployment and the incident marked', () => {
    const history = streamHistory(fixture.history, found!.stream, found!.model);
    expect(history.columns).toHaveLength(192);
    const origin = history.cells.find(({ layer, site }) => layer === ORIGIN && site === 'output');
    expect(origin?.shift.slice(0, 174).every((shift) => shift! < 1)).toBe(true);
    expect(origin?.shift.slice(174).every((shift) => shift! > 4)).toBe(true);
    expect(history.marks.map(({ kind, label }) => [kind, label])).toEqual([
      ['deployment', 'deployment of v2 after v1'],
      ['page', 'page: epsilon mismatch'],
    ]);
    expect(history.cells.map(({ layer }) => layer).slice(0, 3)).toEqual([
      'embeddings.LayerNorm',
      'embeddings.LayerNorm',
      'encoder.layer.0.attention.output.LayerNorm',
    ]);
  });

  test('a layer that is not there is nothing', () => {
    expect(layerHistory(fixture.history, found!.stream, found!.model, 'no such layer')).toBeNull();
  });

  test('an incident that ended before the first column is not marked', () => {
    const history = createHistory();
    const [stream] = streamOf1('v1').map((s) => ({
      ...s,
      cells: [cellOf('a', 'input', 0, 0, 0)],
      tickEndMs: NOW_MS,
    }));
    const model = {
      ...emptyModel('minilm-l6'),
      streams: [stream!],
      incidents: [
        incident({ version: 'v1', status: 'resolved', onsetMs: 1, resolvedMs: NOW_MS - 1 }),
        incident({ version: 'v1', status: 'resolved', onsetMs: 2, resolvedMs: NOW_MS + 1 }),
        incident({ version: 'v2', onsetMs: 3 }),
      ],
    };
    recordView(history, { models: [model], rejected: {} }, NOW_MS);
    expect(streamHistory(history, stream!, model).marks.map(({ at }) => at)).toEqual([2]);
  });
});
