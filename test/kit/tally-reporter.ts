import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { addTallies, type Tally } from './tally.ts';

/** Names the file that takes the tallies, one per project, as JSON. */
export const TALLY_VARIABLE = 'NORMWATCH_TEST_TALLY';

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const file = process.env[TALLY_VARIABLE];
    if (file === undefined) return;
    const suites = Map.groupBy(modules, ({ project }) => project.name);
    const tallies = [...suites].map(([suite, ofSuite]) => addTallies(ofSuite.map(tallyOfModule), suite));
    if (unhandled.length > 0)
      tallies.push({ ...addTallies([], 'outside of tests'), failed: unhandled.length });
    writeFileSync(file, JSON.stringify(tallies));
  }
}

function tallyOfModule(module: TestModule): Tally {
  const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
  for (const test of module.children.allTests()) count[test.result().state]++;
  // A file that does not load, or whose hook throws, has failed without a failed test; a test cut short has not passed.
  const failed = count.failed + count.pending || (module.ok() ? 0 : 1);
  const { duration, collectDuration, environmentSetupDuration, prepareDuration, setupDuration } =
    module.diagnostic();
  const ms = duration + collectDuration + environmentSetupDuration + prepareDuration + setupDuration;
  return { suite: module.project.name, files: 1, passed: count.passed, failed, skipped: count.skipped, ms };
}
