/**
 * What the group's transitions ask of the driver. They are data, so that a test reads a rebalance as a
 * list, and the simulator replays it.
 */
import type { ErrorCode } from '../../errors.ts';
import type { MemberProtocol, Ticket } from './group.ts';

/** What a member says when it joins; buffers are its own copies. */
export interface JoinRequest {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
  /** v4 and later without an instance id: a new member is first told its id. */
  readonly requireKnownMemberId: boolean;
  /** v9 and later understand SkipAssignment. */
  readonly supportsSkippingAssignment: boolean;
  /** The id to give if the member has none. */
  readonly newMemberId: string;
}

/** `members` is empty for all but the leader. */
export interface JoinAnswer {
  readonly error: ErrorCode;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  readonly members: readonly { memberId: string; instanceId: string | null; metadata: Buffer }[];
}

export interface SyncAnswer {
  readonly error: ErrorCode;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

/** `rebalance`, `initial-delay`, `sync`, or `session:` / `pending:` and a member id. */
export type TimerName = 'rebalance' | 'initial-delay' | 'sync' | `session:${string}` | `pending:${string}`;

/** Why the group is written; handed back with the outcome. */
export type PersistReason =
  | {
      readonly why: 'assignment';
      readonly generationId: number;
      readonly assignments: ReadonlyMap<string, Buffer>;
    }
  | { readonly why: 'empty'; readonly generationId: number }
  | { readonly why: 'static-return'; readonly generationId: number; readonly returned: StaticReturn };

/** A static member that has come back under a new id, in a group that need not rebalance for it. */
export interface StaticReturn {
  readonly oldMemberId: string;
  readonly request: JoinRequest;
  /** Its JoinGroup waits until the new id is stored. */
  readonly ticket: Ticket;
}

export type Effect =
  | { readonly do: 'answer-join'; readonly ticket: Ticket; readonly answer: JoinAnswer }
  | { readonly do: 'answer-sync'; readonly ticket: Ticket; readonly answer: SyncAnswer }
  | { readonly do: 'arm'; readonly timer: TimerName; readonly delayMs: number }
  | { readonly do: 'disarm'; readonly timer: TimerName }
  | { readonly do: 'persist'; readonly reason: PersistReason };

export const NO_BYTES: Buffer = Buffer.alloc(0);

/** A refusal, in no generation. */
export function joinError(error: ErrorCode, memberId: string): JoinAnswer {
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

/** A refusal, without an assignment. */
export function syncError(error: ErrorCode): SyncAnswer {
  return { error, protocolType: null, protocolName: null, assignment: NO_BYTES };
}
