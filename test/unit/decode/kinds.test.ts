/** Every kind: its examples decode, its file is in the registry, what the fold sees is what the wire had. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type {
  ActivationsEvent,
  BaselineEvent,
  Event,
  MaintenanceEvent,
} from '../../../agent/core/decode/event.ts';
import { decode, KINDS } from '../../../agent/core/decode/index.ts';
import { bytes, eventOf, exampleOf } from './events.ts';

const FOLDER = new URL('../../../agent/core/decode/', import.meta.url);

describe('registry', () => {
  it('lists every file that defines a kind, under its own name', () => {
    const defining = readdirSync(FOLDER).filter((file) =>
      /^export const \w+ = defineKind\(/m.test(readFileSync(new URL(file, FOLDER), 'utf8')),
    );
    expect(KINDS.map(({ kind }) => `${kind}.ts`).sort()).toEqual(defining.sort());
  });

  it('has the sixteen kinds of version 1', () => {
    expect(KINDS.map(({ kind }) => kind).sort()).toEqual([
      'activations',
      'baseline',
      'channels',
      'deployment',
      'maintenance',
      'manifest',
      'memory',
      'nonfinite',
      'outputs',
      'parameters',
      'parity',
      'requests',
      'run',
      'source',
      'training_step',
      'validation',
    ]);
  });
});

describe.each(KINDS.map((kind) => ({ name: kind.kind, kind })))('$name', ({ kind }) => {
  it('takes its examples and keeps every value of the wire', () => {
    expect(kind.examples.length).toBeGreaterThan(0);
    for (const example of kind.examples) {
      const decoded = decode(bytes(example));
      expect(decoded).toMatchObject({ ok: true, event: example });
    }
  });

  it('has an example with every one of its fields', () => {
    const shown = new Set(kind.examples.flatMap((example) => Object.keys(example)));
    expect(Object.keys(kind.fields).filter((field) => !shown.has(field))).toEqual([]);
  });

  it.each(Object.entries(kind.fields).flatMap(([field, { required }]) => (required ? [field] : [])))(
    'is refused without %s',
    (field) => {
      const { [field]: _, ...rest } = kind.examples[0]!;
      const decoded = decode(bytes(rest));
      expect(decoded).toMatchObject({ ok: false, refusal: { reason: 'missing_field', field } });
    },
  );
});

describe('what decode adds', () => {
  it('parses time, also where it has an offset', () => {
    expect(eventOf(exampleOf('activations'), 'activations').timeMs).toBe(Date.UTC(2026, 2, 2, 0, 0, 10));
    const { timeMs, untilMs } = eventOf(exampleOf('maintenance'), 'maintenance');
    expect(untilMs - timeMs).toBe(3_590_000);
  });

  it('gives null for a time that is not there, whatever the wire has under its name', () => {
    const event = eventOf({ ...exampleOf('baseline', 2), sinceMs: 'soon', timeMs: 'now' }, 'baseline');
    expect(event).toMatchObject({ sinceMs: null, untilMs: null, timeMs: Date.UTC(2026, 2, 2, 0, 0, 10) });
  });

  it('fills in environment and role, and leaves them where given', () => {
    expect(eventOf(exampleOf('source'), 'source')).toMatchObject({ environment: 'default', role: 'stable' });
    const given = { ...exampleOf('source'), environment: 'eu-1.prod', role: 'canary' };
    expect(eventOf(given, 'source')).toMatchObject({ environment: 'eu-1.prod', role: 'canary' });
  });

  it('leaves what was not measured undefined and what was not finite null', () => {
    const { input, output } = eventOf(exampleOf('activations'), 'activations');
    expect(input?.mean).toEqual([0.0015393, null]);
    expect(output?.count).toBeUndefined();
  });

  it('hands out one list for equal lists of layers, and another for others', () => {
    const first = eventOf(exampleOf('activations'), 'activations').layers;
    const second = eventOf(exampleOf('activations'), 'activations').layers;
    const other = { ...exampleOf('memory'), layers: ['x'] };
    expect(second).toBe(first);
    expect(eventOf(other, 'memory').layers).toEqual(['x']);
  });
});

describe('types', () => {
  it('follow from the declarations', () => {
    expectTypeOf<Event['timeMs']>().toEqualTypeOf<number>();
    expectTypeOf<Event['environment']>().toEqualTypeOf<string>();
    expectTypeOf<Event['boot']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<MaintenanceEvent['untilMs']>().toEqualTypeOf<number>();
    expectTypeOf<BaselineEvent['untilMs']>().toEqualTypeOf<number | null>();
    expectTypeOf<ActivationsEvent['requests']>().toEqualTypeOf<number>();
    expectTypeOf<ActivationsEvent['layers']>().toEqualTypeOf<readonly string[] | undefined>();
    type Block = NonNullable<ActivationsEvent['input']>;
    expectTypeOf<Block['mean']>().toEqualTypeOf<readonly (number | null)[] | undefined>();
  });
});
