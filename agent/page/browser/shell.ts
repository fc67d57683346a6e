/** The document as the server sends it: complete without scripts but for heat map and charts. No inline script or style. */
import { h, type Markup, toHtml } from './markup.ts';
import type { Overview } from './messages.ts';
import { facts, incidents, records, streams, verdict } from './summary.ts';

export function pageHtml(overview: Overview): string {
  return `<!doctype html>\n${toHtml(h('html', { lang: 'en' }, head(overview), body(overview)))}\n`;
}

const head = (overview: Overview): Markup =>
  h(
    'head',
    {},
    h('meta', { charset: 'utf-8' }),
    h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    h('meta', { name: 'color-scheme', content: 'light dark' }),
    h('title', {}, overview.verdict.title),
    h('link', { rel: 'icon', href: 'assets/icon.svg', type: 'image/svg+xml' }),
    h('link', { rel: 'stylesheet', href: 'assets/uplot.css' }),
    h('link', { rel: 'stylesheet', href: 'assets/base.css' }),
    h('link', { rel: 'stylesheet', href: 'assets/summary.css' }),
    h('link', { rel: 'stylesheet', href: 'assets/streams.css' }),
    h('link', { rel: 'stylesheet', href: 'assets/detail.css' }),
    h('link', { rel: 'stylesheet', href: 'assets/evidence.css' }),
    h('script', { type: 'module', src: 'assets/main.ts' }),
  );

/** Regions have fixed ids: the browser replaces what is inside, never the regions themselves. */
const body = (overview: Overview): Markup =>
  h(
    'body',
    {},
    h('a', { class: 'skip', href: '#streams' }, 'Skip to streams'),
    h(
      'header',
      {},
      h('p', { class: 'brand' }, 'normwatch'),
      h('div', { id: 'verdict', role: 'status' }, verdict(overview)),
      h('div', { id: 'facts' }, facts(overview, 'still')),
    ),
    h(
      'main',
      {},
      h('section', { id: 'incidents', 'aria-labelledby': 'incidents-title' }, incidents(overview)),
      h(
        'section',
        { id: 'streams', tabindex: -1, 'aria-labelledby': 'streams-title' },
        streams(overview, null),
      ),
      h(
        'section',
        { id: 'detail', 'aria-labelledby': 'detail-title' },
        h(
          'noscript',
          {},
          h(
            'p',
            { class: 'nothing' },
            'Heat map and charts need JavaScript; all else on this page does not.',
          ),
        ),
      ),
    ),
    h('footer', { id: 'records' }, records(overview)),
  );
