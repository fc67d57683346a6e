/**
 * The two scripts that touch stored state. Each works on one key, so one slot of a cluster, and Redis runs it as a whole.
 *
 * The hash of a partition: `epoch`, `next`, `commit`, `facts` (the header) and `p:<name>` for each stream part.
 * Positions are compared as strings: Lua's numbers are doubles and lose exactness above 2^53.
 */
import { createHash } from 'node:crypto';

export interface Script {
  readonly text: string;
  readonly sha: string;
}

const script = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') });

export const PART_PREFIX = 'p:';

/** What Lua answers when a hash is beyond the caps; recognised by this first word. */
export const TOO_LARGE = 'NWTOOLARGE';

/**
 * KEYS: hash. ARGV: `claim` or `read`, most fields, most bytes of one field, most bytes of all.
 * Sizes are asked before values, so that a hash made by somebody else fills neither Redis' memory nor ours.
 */
export const CLAIM = script(`
local key = KEYS[1]
local fieldsMax, fieldBytesMax, bytesMax = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('HLEN', key) > fieldsMax then
  return redis.error_reply('${TOO_LARGE} too many fields')
end
local bytes = 0
for _, name in ipairs(redis.call('HKEYS', key)) do
  local size = redis.call('HSTRLEN', key, name)
  bytes = bytes + #name + size
  if size > fieldBytesMax or bytes > bytesMax then
    return redis.error_reply('${TOO_LARGE} too many bytes')
  end
end
if ARGV[1] == 'claim' then
  redis.call('HINCRBY', key, 'epoch', 1)
end
return redis.call('HGETALL', key)
`);

/**
 * KEYS: hash. ARGV: epoch, expected (empty: nothing yet), next, commit id, facts, number of fields to remove, their
 * names, then name and value of each field to set. The rule is `judgeCommit` of `memory/stored.ts`.
 *
 * The header is written first: when Redis is out of memory the first growing write fails the script, and nothing has
 * been written by then. A script that has removed fields before would be let through.
 */
export const COMMIT = script(`
local key = KEYS[1]
local epoch, expected, next, commit, facts = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local held = redis.call('HMGET', key, 'epoch', 'next', 'commit')
local heldEpoch, heldNext, heldCommit = held[1] or '0', held[2] or '', held[3] or ''
if heldCommit == commit and heldNext == next then
  return {'committed', heldEpoch, heldNext}
end
if heldEpoch ~= epoch or heldNext ~= expected then
  return {'refused', heldEpoch, heldNext}
end
redis.call('HSET', key, 'next', next, 'commit', commit, 'facts', facts)
local firstSet = 7 + tonumber(ARGV[6])
for at = 7, firstSet - 1, 1000 do
  redis.call('HDEL', key, unpack(ARGV, at, math.min(at + 999, firstSet - 1)))
end
for at = firstSet, #ARGV, 1000 do
  redis.call('HSET', key, unpack(ARGV, at, math.min(at + 999, #ARGV)))
end
return {'committed', epoch, next}
`);
