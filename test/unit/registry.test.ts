/**
 * A detector is one file and one line of the registry. What else it needs is asked for here, so that a failure says what
 * to add and where.
 */
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../agent/catalog.ts';
import { type Detector, FAMILIES } from '../../agent/core/detect/contract.ts';
import { DETECTORS } from '../../agent/core/detect/index.ts';

const FOLDER = new URL('../../agent/core/detect/', import.meta.url);
const TESTS = new URL('core/detect/', import.meta.url);

/** Causes that an incident line may name: others build on these words. */
const CAUSES = [
  'nonfinite',
  'fp16_overflow',
  'epsilon_underflow',
  'epsilon_mismatch',
  'missing_affine',
  'norm_type',
  'precision_change',
  'variance_estimator',
  'quantization',
  'weight_corruption',
  'channel_collapse',
  'initialization_mismatch',
  'dead_activation',
  'input_shift',
  'stuck_input',
  'telemetry_gap',
  'duplicate_source',
  'clock_skew',
  'manifest_mismatch',
  'output_divergence',
  'latency_regression',
  'memory_regression',
  'vanishing_gradients',
  'exploding_gradients',
  'learning_rate_too_high',
  'learning_rate_zero',
  'plateau',
  'frozen_affine',
  'overfitting',
  'over_normalization',
  'validation_regression',
  'unknown',
];

const isDetector = (value: unknown): value is Detector =>
  typeof value === 'object' && value !== null && 'name' in value && 'family' in value && 'causes' in value;

/** Detectors by the file that exports them. */
const exported = new Map<string, Detector[]>();
for (const file of readdirSync(FOLDER)) {
  const module: Record<string, unknown> = await import(new URL(file, FOLDER).href);
  const found = Object.values(module).filter(isDetector);
  if (found.length > 0) exported.set(file, found);
}

describe('the registry', () => {
  it('names every detector there is a file of, and no other', () => {
    const inFiles = [...exported.values()].flat().map(({ name }) => name);
    expect(DETECTORS.map(({ name }) => name).sort(), 'lines of agent/core/detect/index.ts').toEqual(
      inFiles.sort(),
    );
  });

  it('names each detector once', () => {
    expect(new Set(DETECTORS.map(({ name }) => name)).size).toBe(DETECTORS.length);
  });

  it.each([...exported])('%s holds one detector, named like the file', (file, detectors) => {
    expect(detectors.map(({ name }) => `${name}.ts`)).toEqual([file]);
  });
});

describe.each(DETECTORS.map((detector) => [detector.name, detector] as const))('%s', (name, detector) => {
  it('says what it catches and what it misses', () => {
    expect(detector.doc.length).toBeGreaterThan(80);
    expect(FAMILIES).toContain(detector.family);
  });

  it('looks at ticks or at single events', () => {
    expect([detector.tick, detector.nonfinite].some((step) => step !== undefined)).toBe(true);
  });

  it('has parameters with a unit, a number and a sentence', () => {
    expect(detector.params.length).toBeGreaterThan(0);
    for (const param of detector.params) {
      expect(param.name).toMatch(/^[a-z][A-Za-z0-9]*$/);
      expect(param.unit).toMatch(/^[a-z][a-z_]*$/);
      expect(param.value).toSatisfy(Number.isFinite);
      expect(param.help.length).toBeGreaterThan(10);
    }
    expect(new Set(detector.params.map((p) => p.name)).size).toBe(detector.params.length);
  });

  it('names metrics of the catalog', () => {
    expect(detector.metrics.length).toBeGreaterThan(0);
    for (const metric of detector.metrics) expect(Object.keys(METRICS), 'agent/catalog.ts').toContain(metric);
  });

  it('names causes of the contract', () => {
    expect(detector.causes.length).toBeGreaterThan(0);
    for (const cause of detector.causes) expect(CAUSES).toContain(cause);
  });

  it('has a test of its own', () => {
    const path = new URL(`${name}.test.ts`, TESTS);
    expect(existsSync(path), `test/unit/core/detect/${name}.test.ts`).toBe(true);
  });
});
