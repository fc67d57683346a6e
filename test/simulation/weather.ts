import type { Random } from './world/random.ts';

/** What a history may suffer. Each draws its own few, so that rare combinations come up (swarm testing). */
export interface Weather {
  readonly troubleMs: number;
  readonly partitions: number;
  readonly agents: number;
  /** The client can tell a topic from another one of the same name. */
  readonly isNamed: boolean;
  readonly hasGaps: boolean;
  /** Share of store calls that meet a fault. */
  readonly lossiness: number;
  /** Share of fetches that go wrong. */
  readonly unruliness: number;
  readonly actions: readonly Action[];
}

export type Action =
  | 'produce'
  | 'rebalance'
  | 'kill'
  | 'freeze'
  | 'close'
  | 'outage'
  | 'notifier'
  | 'failover'
  | 'expire'
  | 'truncate'
  | 'recreate';

export function drawWeather(random: Random): Weather {
  const isNamed = random.chance(0.5);
  // These take something away for good and come alone: after two of them nobody could say what must be counted. A cut
  // log without a name cannot be told from a new one, so what must be counted then is open as well.
  const grave = random.pick(['expire', 'truncate', 'recreate', 'failover', null] as const);
  const isGrave = grave !== null && (grave !== 'truncate' || isNamed);
  const usual = (['rebalance', 'kill', 'freeze', 'close', 'outage', 'notifier'] as const).filter(() =>
    random.chance(0.5),
  );
  return {
    troubleMs: random.between(400, 2_000),
    partitions: random.between(1, 2),
    agents: random.between(1, 3),
    isNamed,
    // A log without a name is known by its last record, which must then be where it was.
    hasGaps: (isNamed || grave !== 'recreate') && random.chance(0.5),
    lossiness: random.chance(0.5) ? 0 : random.next() * 0.3,
    unruliness: random.chance(0.5) ? 0 : random.next() * 0.1,
    actions: ['produce', 'produce', ...usual, ...(isGrave ? [grave, grave] : [])],
  };
}
