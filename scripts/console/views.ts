/** What the server answers and the page shows, as plain data; the cluster itself is in picture.ts. */

/** Bytes for people to read: JSON set out, text as it is, anything else in hexadecimal. */
export interface Readable {
  readonly format: 'empty' | 'json' | 'text' | 'hex';
  readonly data: string;
  /** What it was made of, or would be. */
  readonly note?: string;
}

/** Whether one has to log in, and who is. */
export interface SessionView {
  readonly asksForLogin: boolean;
  readonly isIn: boolean;
  /** Null: nobody logs in here, or is logged in. */
  readonly user: string | null;
  /** Why whoever was logged in is not any more; null: he was not, or went himself. */
  readonly ended: string | null;
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

type SetConfigs = readonly (readonly [name: string, value: string])[];

/** What holds moving partitions back; only brokers and topics that have any of it set. */
export interface ThrottlesView {
  readonly brokers: readonly { readonly id: number; readonly configs: SetConfigs }[];
  readonly topics: readonly { readonly name: string; readonly configs: SetConfigs }[];
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

/** A drill that comes along. */
export interface DrillView {
  readonly name: string;
  readonly title: string;
  /** About. */
  readonly takesMs: number;
  readonly steadyState: string;
  readonly hypothesis: string;
  readonly hint: string;
  readonly explanation: string;
  /** Why it can't be run on the console's machine; null: it can. */
  readonly lacks: string | null;
}

/** The drill that runs, or ran last. */
export interface DrillRunView {
  readonly name: string;
  readonly startedMs: number;
  /** What it says; `atMs` since it began. */
  readonly lines: readonly { readonly atMs: number; readonly line: string }[];
  readonly isCalledOff: boolean;
  /** Null: it runs. */
  readonly end: {
    readonly how: 'held' | 'did not hold' | 'called off' | 'broken';
    /** Why it is broken. */
    readonly reason: string | null;
    readonly verdicts: readonly { readonly held: boolean; readonly words: string }[];
    readonly score: readonly (readonly [what: string, figure: string])[];
    /** The folder, on the console's machine. */
    readonly report: string | null;
  } | null;
}
