/**
 * Remembers a few lists of names that were checked already. A source sends the same `layers` every second: comparing
 * them with the last ones is cheaper than checking thirteen names and that no two are equal, and handing out the list
 * remembered lets the fold compare lists by identity and look up names whose hash is known. What is answered never
 * depends on what is remembered, so decode stays a function of the bytes.
 */
const SLOTS = 64;
/** Longer lists are rare and would hold memory. */
const NAMES_MAX = 512;

export interface Recall {
  /** The equal list that passed before, or null. */
  find(names: unknown): readonly string[] | null;
  /** Remembers a list that passed; one of the same slot is forgotten. */
  keep(names: readonly string[]): void;
}

export function createRecall(): Recall {
  const lists: (readonly string[] | null)[] = new Array(SLOTS).fill(null);
  return {
    find(names) {
      if (!Array.isArray(names) || names.length === 0) return null;
      const known = lists[slotOf(names)]!;
      if (known === null || known.length !== names.length) return null;
      for (let i = 0; i < known.length; i++) {
        if (names[i] !== known[i]) return null;
      }
      return known;
    },
    keep(names) {
      // Frozen, since many events share it from now on.
      if (names.length > 0 && names.length <= NAMES_MAX) lists[slotOf(names)] = Object.freeze(names);
    },
  };
}

/** Cheap and coarse: a collision costs one check, nothing else. */
function slotOf(names: readonly unknown[]): number {
  const first = names[0];
  const last = names[names.length - 1];
  if (typeof first !== 'string' || typeof last !== 'string') return 0;
  return (names.length * 7 + first.length * 5 + last.length * 3) % SLOTS;
}
