/** Overviews as they come: server-sent events, and plain asking when the server has no room for another reader. */
import type { Overview } from './messages.ts';
import type { Connection } from './summary.ts';

const ASK_AGAIN_MS = 15_000;

export function follow(show: (overview: Overview) => void, connection: (state: Connection) => void): void {
  const events = new EventSource('api/live');
  events.addEventListener('overview', (event) => {
    connection('live');
    show(JSON.parse(event.data) as Overview);
  });
  events.addEventListener('error', () => {
    // The browser itself reconnects after a cut; it gives up only on an answer that is no stream.
    if (events.readyState !== EventSource.CLOSED) return connection('lost');
    setTimeout(() => follow(show, connection), ASK_AGAIN_MS);
    ask().then(
      (overview) => {
        connection('polling');
        show(overview);
      },
      () => connection('lost'),
    );
  });
}

const ask = (): Promise<Overview> => fetchJson<Overview>('api/overview');

/** Throws on anything but a good answer, with the server's own sentence. */
export async function fetchJson<T>(address: string): Promise<T> {
  const response = await fetch(address, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error((await response.text()) || `the agent answered ${response.status}`);
  return (await response.json()) as T;
}
