/**
 * A broker joins its cluster: beside whom it can't be, it doesn't register. Asked at the start only; who
 * has lost a session was in the cluster before. Source: KafkaServer.createBrokerInfo.
 */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import type { BrokerRegistration } from '../../coordinator-client/znodes/znodes.ts';
import { registrationProblem } from '../metadata/registration.ts';
import { type RegisteringOptions, takeBrokerId } from './registering.ts';

/** Registers the broker; its epoch. Rejects, with who is in the way, when it must not. */
export async function joinCluster(
  store: ClusterStore,
  registration: BrokerRegistration,
  options: RegisteringOptions,
): Promise<number> {
  const { formerSessionId, diagnostics } = options;
  if (formerSessionId === undefined) {
    const others = await store.brokers((error) => diagnostics.error('Passing over a broker', error));
    const problem = registrationProblem(registration, others);
    if (problem !== null) throw new Error(problem);
  }
  return takeBrokerId(store, registration, options);
}
