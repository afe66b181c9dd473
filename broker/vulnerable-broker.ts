/** A broker of a process of its own that takes faults on demand. Loaded for fault.api.enable only. */
import { parseConnectString } from '../coordinator-client/zookeeper/connect-string.ts';
import { Broker, type BrokerOptions } from './broker.ts';
import type { Vulnerable } from './faults/fault-kind.ts';
import type { Supervisor } from './faults/supervisor.ts';
import { RequestFaults } from './network/request-faults.ts';
import { zookeeperSessions } from './node/zookeeper-session.ts';
import { hurtable } from './platform/faulty/hurtable.ts';
import { ownProcess } from './platform/own-process.ts';
import { dialThrough } from './platform/zookeeper-lines.ts';
import type { ZookeeperAccess } from './security/zookeeper/zookeeper-access.ts';

/** Disk, clock, sockets and its way to ZooKeeper are in the hands of its faults. `supervisor`: who started it. */
export function vulnerableBroker(
  options: Omit<BrokerOptions, 'coordinators'>,
  { access, log }: { readonly access: ZookeeperAccess; readonly log: (message: string) => void },
  supervisor: Supervisor | null,
): Broker {
  const { config, platform } = options;
  const { world, zookeeperSockets, platform: hurt } = hurtable(platform);
  const coordinators = zookeeperSessions(config, access, { sockets: zookeeperSockets, always: true, log });
  platform.diagnostics.warn('Faults can be asked for at /faults of the peer endpoint (fault.api.enable)');
  const requests = new RequestFaults({
    fraction: () => platform.random.fraction(),
    topicName: (topicId) => broker.inside.metadata.image.topicNames.get(topicId),
    witness: null,
  });
  const vulnerable: Vulnerable = {
    world,
    process: ownProcess,
    requests,
    zookeeperServers: parseConnectString(config.zookeeperConnect).servers,
    // Past what is cut: it is ZooKeeper that is told, and by nobody's session.
    expireSession: () => coordinators.expireSession(dialThrough(platform.sockets, access.tls)),
    supervisor,
  };
  const broker: Broker = new Broker({
    ...options,
    platform: hurt,
    coordinators,
    interference: requests,
    vulnerable,
  });
  return broker;
}
