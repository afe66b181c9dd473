/** The replicas of this broker, and their moves between its log directories; they ask the controller for changes of the in-sync replicas. */
import type { TransactionVerifier } from '../replication/collaborators.ts';
import { LogDirMoves } from '../replication/log-dir-moves.ts';
import { ReplicaManager } from '../replication/replica-manager.ts';
import { AnswerMemory } from '../replication/requests/answer-memory.ts';
import type { Ground, Parts } from './parts.ts';

/** Leads and follows nothing yet: the controller's orders tell it. */
export function makeReplication(
  { platform, stops }: Ground,
  parts: Pick<Parts, 'config' | 'configs' | 'logs' | 'metadata' | 'fence' | 'peers' | 'link'> & {
    readonly verifier: TransactionVerifier;
  },
): Pick<Parts, 'replicas' | 'logDirMoves' | 'answerMemory'> {
  const { clock, diagnostics, journal, metrics, workers } = platform;
  const { config, configs, logs, metadata, fence, peers, link, verifier } = parts;
  const answerMemory = new AnswerMemory(config.queuedMaxResponseBytes);
  const replicas = new ReplicaManager({
    clock,
    diagnostics,
    journal,
    metrics,
    workers,
    config,
    liveConfig: configs.live,
    logs,
    metadata,
    peers,
    brokerEpoch: () => fence.brokerEpoch,
    propose: (request) => link.ask(request),
    verifier,
    answerMemory,
  });
  // Stops before the logs: the last high watermarks are written into their directories.
  stops.push({ name: 'the replicas', stop: () => replicas.shutdown() });
  const logDirMoves = new LogDirMoves({
    clock,
    diagnostics: diagnostics.named('ReplicaAlterLogDirs'),
    metrics,
    config,
    liveConfig: configs.live,
    logs,
    replicas,
  });
  stops.push({ name: 'moves between log directories', stop: () => logDirMoves.stop() });
  return { replicas, logDirMoves, answerMemory };
}
