import { METRICS } from '../../catalog.ts';
import type { IntakeCounters } from '../intake.ts';
import type { Collector } from './collector.ts';

export function addIntake(out: Collector, counters: IntakeCounters): void {
  out.add(METRICS.intake_accepted_total, {}, {}, counters.accepted);
  out.add(METRICS.intake_produced_total, {}, {}, counters.produced);
  out.add(METRICS.intake_failures_total, {}, {}, counters.failures);
  out.add(METRICS.intake_buffered_events, {}, {}, counters.bufferedEvents);
  out.add(METRICS.intake_buffered_bytes, {}, {}, counters.bufferedBytes);
  for (const [reason, count] of Object.entries(counters.refused))
    out.add(METRICS.intake_refused_total, {}, { reason }, count);
  for (const [kind, count] of Object.entries(counters.dropped))
    out.add(METRICS.intake_dropped_total, {}, { kind }, count);
}
