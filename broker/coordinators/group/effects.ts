/**
 * What the group's transitions ask of the driver. They are data, so that a test reads a rebalance as a
 * list, and the simulator replays it.
 */
import type { Ticket } from './group.ts';

export interface JoinAnswer {
  readonly error: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  readonly members: readonly { memberId: string; instanceId: string | null; metadata: Buffer }[];
}

export interface SyncAnswer {
  readonly error: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

/** `rebalance`, `initial-delay`, `sync`, or `session:` / `pending:` and a member id. */
export type TimerName = 'rebalance' | 'initial-delay' | 'sync' | `session:${string}` | `pending:${string}`;

/** Why the group was persisted; handed back with the outcome. */
export type PersistReason =
  | {
      readonly why: 'assignment';
      readonly generationId: number;
      readonly assignments: ReadonlyMap<string, Buffer>;
    }
  | { readonly why: 'empty'; readonly generationId: number }
  | { readonly why: 'static-rejoin'; readonly generationId: number; readonly rejoin: StaticRejoin };

/** What is needed to answer, or to undo, a static member's return without a rebalance. */
export interface StaticRejoin {
  readonly oldMemberId: string;
  readonly newMemberId: string;
  readonly previousLeaderId: string;
  readonly supportsSkippingAssignment: boolean;
  readonly before: {
    readonly protocols: readonly { name: string; metadata: Buffer }[];
    readonly rebalanceTimeoutMs: number;
    readonly sessionTimeoutMs: number;
  };
}

export type Effect =
  | { readonly do: 'answer-join'; readonly ticket: Ticket; readonly answer: JoinAnswer }
  | { readonly do: 'answer-sync'; readonly ticket: Ticket; readonly answer: SyncAnswer }
  | { readonly do: 'arm'; readonly timer: TimerName; readonly delayMs: number }
  | { readonly do: 'disarm'; readonly timer: TimerName }
  | { readonly do: 'persist'; readonly reason: PersistReason };

export const NO_BYTES: Buffer = Buffer.alloc(0);

export function joinError(error: number, memberId: string): JoinAnswer {
  return {
    error,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

export function syncError(error: number): SyncAnswer {
  return { error, protocolType: null, protocolName: null, assignment: NO_BYTES };
}
