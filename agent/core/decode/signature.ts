/** What proves that a control event comes from somebody who may send it. Whether it holds is not decode's question. */
import { object, optional, says } from './declare.ts';
import { name } from './scalars.ts';

export const signature = () =>
  says('over the canonical body', optional(object({ key: name(), hmac_sha256: name() })));
