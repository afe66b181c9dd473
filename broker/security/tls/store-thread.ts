/** The program of the thread that reads one of Java's key stores (java-stores.ts), and ends. */
import { doOnce } from '../../platform/one-off-thread.ts';
import { storeEntries } from './store-entries.ts';

void doOnce(storeEntries);
