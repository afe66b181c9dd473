/** One machine of a simulated cluster, and the process that runs on it for a while. */
import type { Broker } from '../../broker/broker.ts';
import type { Clock } from '../../broker/platform/clock.ts';
import { ProcessGate } from '../../broker/platform/faulty/process-gate.ts';
import type { LocalSource } from '../../coordinator-client/local/local.ts';
import type { SimulatedDisk } from '../support/simulated-disk.ts';

export interface Machine {
  readonly id: number;
  readonly host: string;
  readonly disk: SimulatedDisk;
  process: SimulatedProcess | null;
  broker: Broker | null;
  /** `running` from the moment clients are served. */
  status: 'down' | 'starting' | 'running' | 'stopping';
  /** Counts the processes that ran here. */
  life: number;
  /** How far its wall clock has been moved from the others'. */
  wallShiftMs: number;
  source: LocalSource | null;
  sessionId: bigint | null;
}

/**
 * Counts its turns. All that a broker does it does in one: what was seen of it remains true until the next,
 * so that checkers need not look at three brokers after what happened to one.
 */
export class SimulatedProcess extends ProcessGate {
  turns = 0;

  override enter(run: () => void): void {
    super.enter(() => {
      this.turns++;
      run();
    });
  }
}

/** Time as this machine tells it. */
export function machineClock(clock: Clock, machine: Pick<Machine, 'wallShiftMs'>): Clock {
  return {
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs() + machine.wallShiftMs,
    after: (delayMs, run) => clock.after(delayMs, run),
    soon: (run) => clock.soon(run),
  };
}
