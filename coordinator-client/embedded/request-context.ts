/** What the handling of a request may use: the database, and the connection in whose name it acts. */
import type { ZnodeDatabase } from '../tree/database.ts';
import type { Applied, Operation, Refused } from '../tree/transaction.ts';
import type { Firing, Watcher } from '../tree/watches.ts';

export interface RequestContext {
  readonly database: ZnodeDatabase;
  readonly sessionId: bigint;
  /** The connection: who reads, and who is told. */
  readonly watcher: Watcher;
  /** A larger answer would not be delivered. */
  readonly maxAnswerBytes: number;
  /** Carries operations out, writes them down and delivers what they fire. */
  commit(operations: readonly Operation[]): Applied | Refused;
  deliver(firings: readonly Firing[]): void;
}
