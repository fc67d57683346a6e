/** Shared by all records without headers: most have none. */
export const NO_HEADERS: ReadonlyMap<string, Uint8Array> = new Map();

/** Names in lower case; of a name that comes twice the first value counts. */
export function addHeader(headers: Map<string, Uint8Array>, name: string, value: Uint8Array): void {
  const lower = name.toLowerCase();
  if (!headers.has(lower)) headers.set(lower, value);
}
