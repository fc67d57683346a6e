/** What proves that a control event comes from somebody who may send it. Whether it holds is not decode's question. */
import { object, optional } from './declare.ts';
import { name } from './scalars.ts';

export const signature = () => optional(object({ key: name(), hmac_sha256: name() }));
