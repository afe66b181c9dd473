/**
 * All machines on the loopback interface, for who may have no namespaces: each broker reaches ZooKeeper
 * through proxies of its own, which can fall silent. Brokers find each other without proxies, so they can't
 * be cut from each other.
 */
import { type FaultProxy, startFaultProxy } from '../../../test/support/fault-proxy.ts';
import type { Network, Place } from './network.ts';

const HERE: Place = { host: '127.0.0.1', command: [] };

export class Loopback implements Network {
  readonly description: string;
  readonly here = HERE.host;
  readonly lacksCuts: string;
  readonly #proxies = new Map<number, FaultProxy[]>();

  /** `lacks`: why there are no namespaces. */
  constructor(lacks: string) {
    this.description = `on the loopback interface (${lacks})`;
    this.lacksCuts = `needs network namespaces: ${lacks}`;
  }

  brokerPlace(): Place {
    return HERE;
  }

  zookeeperPlace(): Place {
    return HERE;
  }

  async zookeeperFor(id: number, connect: string): Promise<string> {
    const ports = connect.split(',').map((address) => Number(address.slice(address.lastIndexOf(':') + 1)));
    const proxies = await Promise.all(ports.map((port) => startFaultProxy(port)));
    this.#proxies.set(id, proxies);
    return proxies.map(({ port }) => `${HERE.host}:${port}`).join(',');
  }

  cutFromZookeeper(id: number): void {
    for (const proxy of this.#proxies.get(id) ?? []) proxy.blackhole(true);
  }

  cutOneWay(): void {
    throw new Error(this.lacksCuts);
  }

  heal(): void {
    for (const proxy of [...this.#proxies.values()].flat()) proxy.blackhole(false);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values()].flat().map((proxy) => proxy.close()));
  }
}
