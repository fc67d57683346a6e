/** Readers of live events that do not read: they must cost neither memory nor the shutdown. */
import { expect, test } from 'vitest';
import { createLive } from '../../../agent/page/live.ts';
import { waitFor } from '../../kit/wait-for.ts';

test('a reader that does not read misses overviews, is not sent more, and is cut off at the end', async () => {
  let made = 0;
  const live = createLive({
    readersMax: 2,
    pauseMs: 1,
    heartbeatMs: 1,
    onChange: () => () => {},
    overview: () => {
      made += 1;
      return JSON.stringify('x'.repeat(100_000));
    },
  });
  const stuck = live.join();
  const healthy = live.join();
  healthy?.resume();
  await waitFor(() => made > 20, { what: 'twenty overviews' });
  expect(stuck?.readableLength).toBeLessThan(210_000);
  live.close();
  await waitFor(() => stuck?.destroyed, { what: 'the stuck reader to be cut off' });
  await waitFor(() => healthy?.readableEnded, { what: 'the healthy reader to end' });
  expect(live.join()).toBeNull();
});
