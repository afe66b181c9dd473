/**
 * What a kind of fault is: a name, its parameters, and what it does to this broker. The table of them
 * (fault-table.ts) is what is routed, described and checked by; nothing is written twice.
 */

import type { HostAndPort } from '../config/broker-config.ts';
import type { RequestFaults } from '../network/request-faults.ts';
import type { Parts } from '../node/parts.ts';
import type { WorldFaults } from '../platform/faulty/hurtable.ts';
import type { OwnProcess } from '../platform/own-process.ts';
import type { Supervisor } from './supervisor.ts';

/** What there is to be hurt that a broker is started with. */
export interface Vulnerable {
  readonly world: WorldFaults;
  readonly process: OwnProcess;
  readonly requests: RequestFaults;
  /** As zookeeper.connect has them. */
  readonly zookeeperServers: readonly HostAndPort[];
  /** The ensemble ends the session as if it had expired. */
  readonly expireSession: () => Promise<void>;
  /** Whoever has started this process; null where nobody takes orders. */
  readonly supervisor: Supervisor | null;
}

/** The broker, as far as faults have to do with it. */
export type HurtBroker = Pick<
  Parts,
  'config' | 'metadata' | 'controller' | 'replicas' | 'groups' | 'transactions'
>;

/** All that a fault may lay hands on. */
export interface FaultPoints extends Vulnerable {
  readonly broker: HurtBroker;
}

export type FaultParameterType = 'string' | 'integer' | 'number' | 'boolean' | 'string or integer';

/** A field of the JSON body. */
export interface FaultParameter {
  readonly name: string;
  readonly type: FaultParameterType;
  readonly required: boolean;
  readonly help: string;
  /** Nothing else may be said. */
  readonly oneOf?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

/** What was asked for: parameters of the kind and nothing else, each of its type and in its limits. */
export type FaultBody = Readonly<Record<string, string | number | boolean>>;

/** A fault that has struck. */
export interface StruckFault {
  /** Undoes it, at once and for good; null for what is momentary. */
  readonly heal: (() => void) | null;
  /** How often it has struck so far, where that is counted. */
  readonly struck?: () => number;
  /** What was decided, besides what was asked for. */
  readonly decided?: Readonly<Record<string, string | number>>;
  /** It strikes when the answer has left. */
  readonly afterAnswer?: () => void;
}

/** Asked for, and given the way to say that it has struck for the last time. */
export interface FaultRequest {
  readonly body: FaultBody;
  /** How long it will last. */
  readonly forMs: number;
  readonly spent: () => void;
}

export interface FaultKind {
  readonly name: string;
  /** A sentence without a full stop. */
  readonly summary: string;
  readonly parameters: readonly FaultParameter[];
  /** Over when it has struck: there is nothing to be healed, and no time to be given. */
  readonly isMomentary?: true;
  /** Throws `FaultRefused` for what is impossible; then nothing has happened. */
  strike(points: FaultPoints, request: FaultRequest): StruckFault | Promise<StruckFault>;
}

/** It was asked for wrongly, or can't be; the message is one line that says what is allowed. */
export class FaultRefused extends Error {}

/** Another broker must be asked. */
export class FaultElsewhere extends Error {
  readonly url: string;

  constructor(message: string, url: string) {
    super(message);
    this.url = url;
  }
}

export interface Limits {
  readonly oneOf?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

/** A parameter that must be given; what is said of it is part of its type, so that clients have types as well. */
export function required<
  const Name extends string,
  const Type extends FaultParameterType,
  const More extends Limits = Limits,
>(name: Name, type: Type, help: string, more?: More) {
  return { name, type, required: true, help, ...(more as More) } as const;
}

/** One that may be left out. */
export function optional<
  const Name extends string,
  const Type extends FaultParameterType,
  const More extends Limits = Limits,
>(name: Name, type: Type, help: string, more?: More) {
  return { name, type, required: false, help, ...(more as More) } as const;
}

/** The kind, with its name and its parameters in its type. */
export function defineFault<
  const Name extends string,
  const Parameters extends readonly FaultParameter[],
  const Momentary extends true | undefined = undefined,
>(
  kind: Omit<FaultKind, 'name' | 'parameters' | 'isMomentary'> & {
    readonly name: Name;
    readonly parameters: Parameters;
    readonly isMomentary?: Momentary;
  },
) {
  return kind as Omit<typeof kind, 'isMomentary'> & FaultKind & { readonly isMomentary?: Momentary };
}
