import type { Process } from './process.ts';

/**
 * The coordinator of a consumer group. It knows nothing of state: who does not answer is thrown out, and may not notice
 * for a while. Nothing in the agent may trust it.
 */
export interface Group {
  /** Moves with every change; a member that sees another one than it joined joins again. */
  generation(): number;
  join(member: Process): void;
  leave(member: Process): void;
  /** Spreads the partitions anew over the members that answer. */
  rebalance(): void;
  assignment(member: Process): readonly number[];
}

export function createGroup(partitions: number): Group {
  const members = new Set<Process>();
  let generation = 0;
  let owners: readonly Process[] = [];

  function rebalance(): void {
    generation += 1;
    // Each time another order, so that partitions really move.
    const present = [...members].filter((member) => member.isAlive() && !member.isFrozen());
    owners =
      present.length === 0
        ? []
        : Array.from({ length: partitions }, (_, p) => present[(p + generation) % present.length]!);
  }

  return {
    generation: () => generation,
    join(member) {
      if (members.has(member)) return;
      members.add(member);
      rebalance();
    },
    leave(member) {
      if (members.delete(member)) rebalance();
    },
    rebalance,
    assignment: (member) => owners.flatMap((owner, p) => (owner === member ? [p] : [])),
  };
}
