/**
 * A log directory has failed: the controller is told, so that others lead what was led from it. Without
 * any directory left a broker is of no use and ends. A session that is lost on the way needs no notice:
 * with the next registration the controller asks for all replicas and learns which are gone.
 * Source: Kafka's ReplicaManager.handleLogDirFailure and KafkaZkClient.propagateLogDirEvent.
 */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import type { LogManager } from '../log/log-manager.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';

export function reportFailedDirectories(
  logs: Pick<LogManager, 'onDirectoryFailure' | 'directories'>,
  parts: {
    readonly brokerId: number;
    /** Of the session there is then. */
    readonly store: () => ClusterStore;
    readonly diagnostics: Diagnostics;
    /** No directory is left. */
    readonly allFailed: () => void;
  },
): void {
  logs.onDirectoryFailure((directory) => {
    if (!logs.directories().some(({ online }) => online)) {
      parts.diagnostics.fatal(`All log directories have failed, the last of them ${directory}`);
      parts.allFailed();
      return;
    }
    parts
      .store()
      .notifyLogDirFailure(parts.brokerId)
      .catch((error: unknown) => {
        parts.diagnostics.warn(`The controller could not be told that ${directory} has failed`, error);
      });
  });
}
