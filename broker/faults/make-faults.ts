/** The desk of a broker that may be hurt, and its pages: made of the broker's parts, ended with them. */
import type { FixedConfig } from '../config/broker-config.ts';
import { faultPages } from '../http/fault-pages.ts';
import type { FaultsPage } from '../http/pages.ts';
import type { Ground } from '../node/parts.ts';
import { FaultDesk } from './fault-desk.ts';
import {
  FaultElsewhere,
  type FaultPoints,
  FaultRefused,
  type HurtBroker,
  type Vulnerable,
} from './fault-kind.ts';

interface FaultSetting {
  readonly config: FixedConfig;
  readonly hostName: string;
  /** The broker's parts; asked for when there are requests, which come after all is made. */
  readonly broker: () => HurtBroker;
}

/** Nothing is hurt yet. Faults that are in place when the broker stops are healed late in its stop. */
export function makeFaults(
  { platform, stops }: Ground,
  vulnerable: Vulnerable,
  { config, hostName, broker }: FaultSetting,
): FaultsPage {
  const points: FaultPoints = {
    ...vulnerable,
    get broker() {
      return broker();
    },
  };
  const desk = new FaultDesk({
    points,
    // When a fault struck is true also while the wall clock is wrong.
    clock: vulnerable.world.trueClock,
    journal: platform.journal.named('Faults'),
    maxMs: config.faultApiMaxMs,
    maxFaults: config.faultApiMaxFaults,
  });
  stops.push({ name: 'the faults', stop: () => void desk.healAll('shutdown') });
  const advertised = [...config.listeners, ...config.advertisedListeners].map(({ host }) => host);
  return faultPages({
    desk,
    clock: platform.clock,
    loopbackOnly: config.faultApiLoopbackOnly,
    hostNames: [hostName, ...advertised],
    refusalOf(error) {
      if (error instanceof FaultElsewhere) return { message: error.message, url: error.url };
      return error instanceof FaultRefused ? { message: error.message } : null;
    },
  });
}
