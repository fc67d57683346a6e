import { LABEL_CHARS_MAX } from '../../catalog.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be found
const UNCLEAN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const HASH_CHARS = 8;

/**
 * Names come from whoever may write telemetry. Control and direction characters become `_`; a long value keeps its
 * beginning and ends in a hash of the whole, so that two layers with one long prefix stay two series.
 */
export function cleanLabel(value: string): string {
  const clean = value.replace(UNCLEAN, '_').toWellFormed();
  if (clean.length <= LABEL_CHARS_MAX) return clean;
  return `${clean.slice(0, LABEL_CHARS_MAX - HASH_CHARS - 1).toWellFormed()}~${hash(value)}`;
}

/** FNV-1a, 32 bits: tells names apart, guards nothing. */
function hash(text: string): string {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193);
  return (sum >>> 0).toString(16).padStart(HASH_CHARS, '0');
}
