/**
 * What a drill is: a steady state, a hypothesis, what is done to the cluster step by step, and what must hold.
 * Drills are files that people write and read (catalogue/*.yaml); drill-file.ts makes these objects of them.
 */

/**
 * Who a step is about. `the controller`, `the leader` (of partition 0) and its followers are those of the
 * moment when a drill first speaks of them, whatever they become; `the new …` are those of now.
 */
export const ROLES = [
  'controller',
  'leader',
  'follower',
  'other follower',
  'new controller',
  'new leader',
  'group coordinator',
  'transaction coordinator',
  'broker 1',
  'broker 2',
  'broker 3',
] as const;
export type Role = (typeof ROLES)[number];

export const SERVER_ROLES = ['zookeeper', 'zookeeper leader', 'zookeeper follower'] as const;
export type ServerRole = (typeof SERVER_ROLES)[number];

export type Step =
  | { readonly do: 'kill' | 'stop' | 'start' | 'pause' | 'resume'; readonly whom: Role | ServerRole }
  /** A fault of broker/faults/, of one broker or of all but one; what is a role in `given` becomes its id. */
  | {
      readonly do: 'fault';
      readonly of: Role;
      readonly fault: string;
      readonly given: Readonly<Record<string, unknown>>;
    }
  | { readonly do: 'heal' }
  | { readonly do: 'wait'; readonly forMs: number }
  | { readonly do: 'wait for'; readonly what: Awaited; readonly withinMs: number }
  | { readonly do: 'create topics'; readonly count: number }
  | { readonly do: 'move'; readonly partition: number; readonly to: readonly Role[] }
  | { readonly do: 'elect unclean'; readonly partition: number };

/** What a drill may wait for. */
export type Awaited =
  /** Of any broker's journal, since the drill began. */
  | { readonly what: 'event'; readonly kind: string }
  /** So many in-sync replicas in every partition of the load, in partition 0 only where fewer than all are awaited. */
  | { readonly what: 'in sync'; readonly replicas: number | 'all' }
  /** Of partition 0: another one than the drill's `leader`. */
  | { readonly what: 'another leader' }
  | { readonly what: 'another controller' }
  /** Of partition 0: none. */
  | { readonly what: 'no leader' }
  /** An acknowledgement in every partition, from now on. */
  | { readonly what: 'acknowledgements' };

export type Broken = 'lost' | 'duplicated' | 'reordered' | 'otherwise';

export type Expectation =
  /** `otherwise`: broken promises of any other kind. */
  | { readonly must: Broken; readonly most: number }
  /** The longest time for which one partition was without an acknowledgement. */
  | { readonly must: 'unavailable'; readonly mostMs: number }
  | { readonly must: 'event' | 'no event'; readonly kind: string }
  /** The name of an error that a producer was told. */
  | { readonly must: 'answered'; readonly error: string };

export interface Drill {
  /** The file's name. */
  readonly name: string;
  readonly title: string;
  /** How long it takes about, with its load. */
  readonly takesMs: number;
  readonly steadyState: string;
  readonly hypothesis: string;
  readonly needsEnsemble: boolean;
  /** Properties of all brokers. */
  readonly properties: Readonly<Record<string, string>>;
  /** Configs of the topic that is written to. */
  readonly topicConfigs: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  readonly must: readonly Expectation[];
  readonly lookAt: readonly string[];
  readonly hint: string;
  readonly explanation: string;
}
