/**
 * Takes up the broker's id in the cluster. A run that was killed leaves its session behind, and with it
 * its registration, until ZooKeeper expires it: that is waited for, as long as a dead session can last.
 * Who is still registered then is alive, and keeps the id.
 * Source: KafkaZkClient.registerBroker, which refuses the id at once, so that there an operator waits.
 */

import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { BrokerIdTaken, type ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { type BrokerRegistration, brokerZnode } from '../../coordinator-client/znodes/znodes.ts';
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { EventId } from '../platform/event-ring.ts';
import type { Journal } from '../platform/journal.ts';

/**
 * A session ends at the first tick after its timeout. Servers grant no timeout below two ticks, so the
 * last of a dead one is over after half as much again.
 */
const TIMEOUTS_OF_A_DEAD_SESSION = 1.5;

export interface RegisteringOptions {
  /** The session that this process had before; its registration is replaced without waiting. */
  readonly formerSessionId: bigint | undefined;
  /** The event that led to it, if one did. */
  readonly causeId: EventId | null;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly journal: Journal;
}

/** Registers the broker and answers its epoch. Rejects when another living broker has the id. */
export async function takeBrokerId(
  store: ClusterStore,
  registration: BrokerRegistration,
  { formerSessionId, causeId, clock, journal }: RegisteringOptions,
): Promise<number> {
  const { coordinator } = store;
  const path = brokerZnode.path(registration.id);
  const limitMs = coordinator.sessionTimeoutMs * TIMEOUTS_OF_A_DEAD_SESSION;
  const deadlineMs = clock.nowMs() + limitMs;
  let firstOwner: bigint | null = null;
  for (;;) {
    // Before the attempt, so that no change after it is missed.
    const change = nextChange(coordinator, path, clock, deadlineMs);
    try {
      const brokerEpoch = await store.registerBroker(registration, formerSessionId);
      journal.identify(registration.id, brokerEpoch);
      const event = { kind: 'broker-registered', brokerId: registration.id, path, brokerEpoch } as const;
      journal.record(event, causeId);
      return brokerEpoch;
    } catch (error) {
      if (!(error instanceof BrokerIdTaken)) throw error;
      const isAlive = firstOwner !== null && error.sessionId !== firstOwner;
      if (isAlive || clock.nowMs() >= deadlineMs) throw refusal(error);
      if (firstOwner === null)
        journal.record({ kind: 'broker-id-awaited', reason: error.message, limitMs }, causeId);
      firstOwner = error.sessionId;
      await change.happened;
    } finally {
      change.cancel();
    }
  }
}

function refusal(taken: BrokerIdTaken): Error {
  return new Error(`${taken.message}, and it is alive: stop that broker, or give this one another broker.id`);
}

/** Resolves when the node or the session may have changed, and at the deadline. */
function nextChange(
  coordinator: Coordinator,
  path: string,
  clock: Clock,
  deadlineMs: number,
): { readonly happened: Promise<void>; cancel(): void } {
  let cancel = (): void => {};
  const happened = new Promise<void>((resolve) => {
    const node = coordinator.watch(path, 'node', resolve);
    const session = coordinator.onSession(() => resolve());
    const timer = clock.after(Math.max(1, deadlineMs - clock.nowMs()), resolve);
    cancel = () => {
      node.close();
      session.close();
      timer.cancel();
    };
  });
  return { happened, cancel };
}
