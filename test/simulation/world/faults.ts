/** How many of each fault really happened: a simulation that hurts nobody proves nothing. */
export interface Faults {
  count(name: string, by?: number): void;
  readonly counts: ReadonlyMap<string, number>;
}

export function createFaults(): Faults {
  const counts = new Map<string, number>();
  return {
    counts,
    count(name, by = 1) {
      counts.set(name, (counts.get(name) ?? 0) + by);
    },
  };
}
