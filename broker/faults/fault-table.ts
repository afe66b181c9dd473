/** Every kind of fault: what can be asked for, and the description of it, for routers, checkers and compilers. */
import { CLOCK_FAULTS } from './clock-faults.ts';
import { COORDINATION_FAULTS } from './coordination-faults.ts';
import { DISK_FAULTS } from './disk-faults.ts';
import type { FaultKind, FaultParameter } from './fault-kind.ts';
import { LINK_FAULTS } from './link-faults.ts';
import { PROCESS_FAULTS } from './process-faults.ts';
import { REPLICA_FAULTS } from './replica-faults.ts';
import { REQUEST_FAULTS } from './request-fault-kinds.ts';

const TABLE = [
  ...PROCESS_FAULTS,
  ...DISK_FAULTS,
  ...CLOCK_FAULTS,
  ...LINK_FAULTS,
  ...COORDINATION_FAULTS,
  ...REQUEST_FAULTS,
  ...REPLICA_FAULTS,
] as const;

export const FAULT_KINDS: readonly FaultKind[] = TABLE;

type TableKind = (typeof TABLE)[number];

export type FaultName = TableKind['name'];

/** What a fault is asked for with, as its kind in the table has it. */
export type FaultArguments<Name extends FaultName> = ArgumentsOf<Extract<TableKind, { name: Name }>>;

type ArgumentsOf<Kind extends FaultKind> = Given<Kind['parameters'][number]> &
  (Kind['isMomentary'] extends true ? unknown : Ending);

/** How all end that last. */
interface Ending {
  /** It ends by itself after so long; fault.api.max.ms unless given. */
  readonly forMs?: number;
  /** It ends with a connection as well. */
  readonly asker?: string;
}

type Given<Parameter extends FaultParameter> = {
  readonly [Each in Extract<Parameter, { required: true }> as Each['name']]: ValueOf<Each>;
} & {
  readonly [Each in Extract<Parameter, { required: false }> as Each['name']]?: ValueOf<Each>;
};

type ValueOf<Parameter extends FaultParameter> = Parameter extends { oneOf: readonly (infer Value)[] }
  ? Value
  : {
      string: string;
      integer: number;
      number: number;
      boolean: boolean;
      'string or integer': string | number;
    }[Parameter['type']];
