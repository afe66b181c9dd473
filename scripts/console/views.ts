/** What the server answers and the page shows, as plain data; the cluster itself is in picture.ts. */

/** Bytes for people to read: JSON set out, text as it is, anything else in hexadecimal. */
export interface Readable {
  readonly format: 'empty' | 'json' | 'text' | 'hex';
  readonly data: string;
}

export interface ZnodeView extends Readable {
  readonly path: string;
  readonly dataLength: number;
  readonly version: number;
  /** Transactions and sessions in hexadecimal, as ZooKeeper's tools print them. */
  readonly czxid: string;
  readonly mzxid: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
  /** The session that it ends with; null for a persistent one. */
  readonly sessionId: string | null;
  /** The first of them, where there are very many. */
  readonly children: readonly string[];
  readonly childrenCount: number;
}

export interface ListedGroupView {
  readonly groupId: string;
  readonly state: string;
  readonly protocolType: string;
}

export interface GroupView {
  readonly groupId: string;
  readonly state: string;
  readonly assignor: string;
  readonly coordinator: number;
  readonly members: readonly {
    readonly memberId: string;
    readonly clientId: string;
    readonly clientHost: string;
    readonly partitions: readonly string[];
  }[];
  readonly offsets: readonly {
    readonly topic: string;
    readonly partition: number;
    /** Null: nothing is committed. As text where a number can't hold it. */
    readonly committed: string | null;
    readonly end: number | null;
    readonly lag: string | null;
    /** Who reads it. */
    readonly memberId: string | null;
  }[];
}

export interface RecordView {
  readonly offset: number;
  /** Milliseconds since 1970, as text: it may be beyond what a number holds. */
  readonly timestampMs: string;
  readonly key: Readable | null;
  readonly value: Readable | null;
  readonly headers: readonly (readonly [key: string, value: Readable | null])[];
  /** What it is of a transaction. */
  readonly transaction: 'none' | 'part' | 'commit' | 'abort';
}

/** `start` and `end` are the partition's. */
export interface RecordsPage {
  readonly start: number;
  readonly end: number;
  readonly records: readonly RecordView[];
}

export interface ConfigView {
  readonly name: string;
  /** Null where it is not to be told. */
  readonly value: string | null;
  readonly source: string;
}

/** An event of a broker's journal. Ids are `BROKER/ID`. */
export interface EventView {
  readonly id: string;
  readonly causeId: string | null;
  readonly brokerId: number;
  readonly wallMs: number;
  readonly kind: string;
  /** Without its subject: "became the controller". */
  readonly sentence: string;
  /** `topic-0`, where it is about one partition. */
  readonly partition: string | null;
}

/** A kind of fault that can be asked for. */
export interface FaultKindView {
  readonly name: string;
  readonly summary: string;
  /** It has an end, and can be healed before. */
  readonly lasts: boolean;
  readonly parameters: readonly {
    readonly name: string;
    readonly type: string;
    readonly required: boolean;
    readonly help: string;
    /** Empty: anything of the type. */
    readonly oneOf: readonly string[];
  }[];
}

/** What is in place at a broker. */
export interface BrokerFaultsView {
  readonly brokerId: number;
  readonly faults: readonly {
    readonly id: number;
    readonly name: string;
    readonly leftMs: number;
    /** What it was asked for with. */
    readonly words: string;
  }[];
  /** Why nothing can be asked for; null when it can. */
  readonly problem: string | null;
}
