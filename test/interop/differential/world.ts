/** What both brokers have, and what requests say of it. */

/** What differs between the brokers. */
export interface World {
  readonly topicIds: ReadonlyMap<string, string>;
  /** The one member of the group `MEMBERS`, which is stable. */
  readonly memberId: string;
  readonly generationId: number;
  /** Whose transactions `OPEN`, with a partition of a topic, and `IDLE` are; the epoch of each is 0. */
  readonly producers: Readonly<Record<typeof OPEN | typeof IDLE, number>>;
}

export interface Sample {
  readonly name: string;
  /** The least and the greatest version that it suits. */
  readonly from?: number;
  readonly to?: number;
  /** The request; `unique` is a number that no other request gets. */
  request(world: World, unique: number): Readonly<Record<string, unknown>>;
}

/** Topics that both brokers have. */
export const TOPICS = ['plain', 'trimmed', 'configured'] as const;
export const RECORDS = 5;
export const MEMBERS = 'members';
/** Transactional ids. */
export const OPEN = 'open';
export const IDLE = 'idle';
export const FIRST_TIMESTAMP_MS = 1_700_000_000_000;
export const TIMEOUT_MS = 5000;
export const UNKNOWN_ID = Buffer.alloc(16, 5).toString('base64url');

/** A world with nothing in it. */
export const NOBODY: World = {
  topicIds: new Map(),
  memberId: 'nobody',
  generationId: 1,
  producers: { open: 0, idle: 0 },
};
