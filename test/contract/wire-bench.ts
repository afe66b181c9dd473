/** Benches over ZooKeeper's wire protocol: each source reaches its server through a proxy of its own. */
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { type ZookeeperOptions, zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';
import { eventually, pause } from '../support/eventually.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import type { MakeBench } from './bench.ts';

interface WireWorld {
  /** Client ports of the servers; the sources are spread over them. */
  ports(): readonly number[];
  readonly sessionTimeoutMs: number;
  readonly tickMs: number;
  /** By which way, as whom, with which access lists for new nodes. */
  readonly access?: Pick<ZookeeperOptions, 'dial' | 'credentials' | 'aclOf'>;
}

export function wireBenches(world: WireWorld): MakeBench {
  let count = 0;
  return async (timeoutsMs = world.sessionTimeoutMs) => {
    const ports = world.ports();
    const proxy = await startFaultProxy(ports[count++ % ports.length] ?? 0);
    const source = zookeeperSource({
      connect: `127.0.0.1:${proxy.port}`,
      sessionTimeoutMs: timeoutsMs, // the server grants at most what it may
      connectionTimeoutMs: timeoutsMs,
      maxInFlightRequests: 10,
      ...world.access,
    });
    return {
      source,
      faults: {
        suspend: () => proxy.refuse(true),
        resume: () => proxy.refuse(false),
        expire: async (coordinator: Coordinator) => {
          proxy.refuse(true);
          // A server looks once a tick, and counts the timeout up to the next whole tick.
          await pause(coordinator.sessionTimeoutMs + 2 * world.tickMs);
          proxy.refuse(false);
          await eventually('the session is lost', () => coordinator.session === 'lost');
        },
        dropNextAnswer: () => proxy.dropNextAnswer(),
      },
      close: () => proxy.close(),
    };
  };
}
