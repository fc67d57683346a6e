import { createMemoryStore } from '../../agent/io/memory/store.ts';
import { storeContract } from './store.ts';

const store = createMemoryStore();
storeContract('memory', { store: () => store });
