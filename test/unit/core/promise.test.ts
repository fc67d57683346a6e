/** What a reference promises: the split of the budget, what calibration saw and raised, and the least effects in force. */
import { describe, expect, it } from 'vitest';
import { SHARES } from '../../../agent/core/budget.ts';
import { HOUR_STRIDE, newHours } from '../../../agent/core/hours.ts';
import { promiseOf } from '../../../agent/core/promise.ts';
import type { Reference } from '../../../agent/core/reference.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import { baselineReferences } from '../../kit/recording.ts';

const DAY = 86_400_000;
const { budget, tickMs } = DEFAULT_SETTINGS;
const TICKS_A_DAY = DAY / tickMs;
const MEAN = SHARES.activation_mean!;
const VARIANCE = SHARES.activation_variance!;

/** The shipped baseline with a calibration that saw these run lengths, in days. */
function reference(seen: { mean: number; variance: number }, part: Partial<Reference> = {}): Reference {
  const { reference: shipped } = structuredClone(baselineReferences()[0]!);
  const run = (detector: string, share: number, days: number) => ({
    detector,
    promisedTicks: (7 / share) * TICKS_A_DAY,
    empiricalTicks: days * TICKS_A_DAY,
    alarms: 9,
    ticks: 20_000,
  });
  const runLengths = [
    run('activation_mean', MEAN, seen.mean),
    run('activation_variance', VARIANCE, seen.variance),
  ];
  return { ...shipped, calibration: { ...shipped.calibration!, raises: new Map(), runLengths }, ...part };
}

const promise = (one: Reference, hours = one.hours) => promiseOf(one, DEFAULT_SETTINGS, budget, hours);

describe('the budget', () => {
  it('is split over all detectors, each with the evidence that its share asks for', () => {
    const { detectors } = promise(reference({ mean: 100, variance: 100 }));
    expect(detectors.map(({ detector }) => detector)).toEqual(Object.keys(SHARES));
    expect(detectors.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    for (const { share, ticketNats, pageNats, promisedMs } of detectors) {
      expect(ticketNats).toBeCloseTo(Math.log((7 * TICKS_A_DAY) / share), 9);
      expect(pageNats).toBeCloseTo(Math.log((30 * TICKS_A_DAY) / share), 9);
      expect(promisedMs).toBeCloseTo((7 * DAY) / share, 3);
    }
  });

  it('is told as kept by the detectors that were tried: rates of false alarms add up', () => {
    const { budgets } = promise(reference({ mean: 100, variance: 300 }));
    const [page, ticket] = budgets;
    expect(ticket).toMatchObject({ severity: 'ticket', everyMs: 7 * DAY, isBound: false });
    expect(ticket!.tried).toEqual(['activation_mean', 'activation_variance']);
    expect(ticket!.promisedMs! / DAY).toBeCloseTo(7 / (MEAN + VARIANCE), 6);
    expect(ticket!.measuredMs! / DAY).toBeCloseTo(75, 6);
    expect(page).toMatchObject({ severity: 'page', everyMs: 30 * DAY });
    expect(page!.measuredMs! / DAY).toBeCloseTo((75 * 30) / 7, 6);
  });

  it('counts what calibration raised: a nat is a factor e of the run length, and of both thresholds', () => {
    const low = reference({ mean: 5, variance: 300 });
    const raise = Math.log(7 / MEAN / 5);
    low.calibration!.raises.set('activation_mean', raise);
    const { budgets, detectors } = promise(low);
    const [mean, variance] = detectors;
    expect(mean).toMatchObject({ raisedNats: raise, measuredMs: 5 * DAY });
    expect(mean!.ticketNats - variance!.ticketNats).toBeCloseTo(raise + Math.log(VARIANCE / MEAN), 9);
    expect(budgets[1]!.measuredMs! / DAY).toBeCloseTo(1 / (MEAN / 7 + 1 / 300), 6);
  });

  it('is told as a bound where the drawn ticks showed nothing', () => {
    const quiet = reference({ mean: 100, variance: 300 });
    quiet.calibration!.runLengths[1]!.alarms = 0;
    const { budgets, detectors } = promise(quiet);
    expect(budgets.map(({ isBound }) => isBound)).toEqual([true, true]);
    expect(detectors.map(({ isBound }) => isBound).slice(0, 3)).toEqual([false, true, false]);
  });

  it('is promised by the theorem alone where there was no calibration', () => {
    const { budgets, detectors, autocorrelation, ranked } = promise(
      reference({ mean: 1, variance: 1 }, { calibration: null }),
    );
    expect(budgets.map(({ promisedMs, measuredMs }) => [promisedMs, measuredMs])).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(detectors.every(({ measuredMs, raisedNats }) => measuredMs === null && raisedNats === 0)).toBe(
      true,
    );
    expect({ autocorrelation, ranked }).toEqual({ autocorrelation: null, ranked: [] });
  });
});

describe('ticks', () => {
  it('hang together by so much in the median and at most, named; what was not measured does not count', () => {
    const one = reference({ mean: 100, variance: 100 });
    const { phi } = one.calibration!;
    phi.fill(0.25);
    // Output of the third layer, log variance.
    phi[(2 * 2 + 1) * 2 + 1] = 0.5;
    const unmeasured = 7;
    one.bucket.cells.fill(
      0,
      unmeasured * (one.bucket.cells.length / 26),
      (unmeasured + 1) * (one.bucket.cells.length / 26),
    );
    phi[unmeasured * 2] = 0.9;
    expect(promise(one).autocorrelation).toEqual({
      median: 0.25,
      largest: 0.5,
      largestAt: { layer: one.layers[2], site: 'output', statistic: 'variance' },
    });
  });

  it('that are not normal are named by layer, site and statistic', () => {
    const one = reference({ mean: 100, variance: 100 });
    one.calibration!.ranked = [0, 3];
    expect(promise(one).ranked).toEqual([
      { layer: one.layers[0], site: 'input', statistic: 'mean' },
      { layer: one.layers[0], site: 'output', statistic: 'variance' },
    ]);
  });
});

describe('the least effect', () => {
  it('is the default where the baseline knows enough', () => {
    expect(promise(reference({ mean: 1, variance: 1 }), null).leastEffect).toEqual({
      defaultSigmas: 0.125,
      statistics: 52,
      raisedByError: 0,
      raisedByHours: 0,
      largestSigmas: 0.125,
      largestAt: null,
    });
  });

  it('is raised by the error of the baseline, and by hours once a day is known, whichever is more', () => {
    const settings = { ...DEFAULT_SETTINGS, leastEffectSigmas: 0.001 };
    const one = reference({ mean: 1, variance: 1 });
    const hours = newHours(52);
    const seen = 25;
    // Hours of one statistic scatter by 0.2: its least effect is 0.6.
    hours.rows[5 * HOUR_STRIDE + seen] = 0.2 ** 2;
    const first = promiseOf(one, settings, budget, hours).leastEffect;
    expect([first.raisedByError, first.raisedByHours]).toEqual([52, 0]);
    hours.known = 24;
    const after = promiseOf(one, settings, budget, hours).leastEffect;
    expect([after.raisedByError, after.raisedByHours]).toEqual([51, 1]);
    expect(after.largestSigmas).toBeCloseTo(0.6, 6);
    expect(after.largestAt).toEqual({ layer: one.layers[1], site: 'input', statistic: 'variance' });
  });
});
