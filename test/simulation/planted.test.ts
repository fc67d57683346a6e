/**
 * The checker checked: every bug on the list must be caught within some histories, or the simulation proves nothing.
 */
import { describe, expect, test } from 'vitest';
import { playHistory } from './history.ts';
import { BUGS, type PlantedBug } from './planted.ts';

const HISTORIES_MAX = 600;

describe('the simulation catches an agent or a store in which', () => {
  test.each(Object.keys(BUGS) as PlantedBug[])('%s', async (bug) => {
    const caught = await firstCatch(bug);
    expect(caught, `not caught in ${HISTORIES_MAX} histories`).not.toBeNull();
  });
});

async function firstCatch(bug: PlantedBug): Promise<string | null> {
  for (let seed = 1; seed <= HISTORIES_MAX; seed += 1) {
    const { violations } = await playHistory(seed, bug);
    if (violations.length > 0) return violations[0]!;
  }
  return null;
}
