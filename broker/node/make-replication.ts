/** The replicas of this broker; they ask the controller for changes of the in-sync replicas. */
import type { TransactionVerifier } from '../replication/collaborators.ts';
import { ReplicaManager } from '../replication/replica-manager.ts';
import type { Ground, Parts } from './parts.ts';

/** Leads and follows nothing yet: the controller's orders tell it. */
export function makeReplication(
  { platform, stops }: Ground,
  parts: Pick<Parts, 'config' | 'configs' | 'logs' | 'metadata' | 'fence' | 'peers' | 'link'> & {
    readonly verifier: TransactionVerifier;
  },
): ReplicaManager {
  const { clock, diagnostics, journal, metrics } = platform;
  const { config, configs, logs, metadata, fence, peers, link, verifier } = parts;
  const replicas = new ReplicaManager({
    clock,
    diagnostics,
    journal,
    metrics,
    config,
    liveConfig: configs.live,
    logs,
    metadata,
    peers,
    brokerEpoch: () => fence.brokerEpoch,
    propose: (request) => link.ask(request),
    verifier,
  });
  // Stops before the logs: the last high watermarks are written into their directories.
  stops.push({ name: 'the replicas', stop: () => replicas.shutdown() });
  return replicas;
}
