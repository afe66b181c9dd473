/**
 * The machines of a run as network namespaces on one bridge, inside a network of the run's own
 * (isolation.ts). What is cut is dropped silently at its receiver, also on connections that stand.
 */
import { execFileSync } from 'node:child_process';
import type { Network, Place } from './network.ts';

const NET = '10.77.0';
const BRIDGE = 'torture';
const HERE = `${NET}.254`;
/** Servers of ZooKeeper have the addresses after those of the brokers. */
const ZOOKEEPER_FROM = 100;

export class Namespaces implements Network {
  readonly description = 'in network namespaces';
  readonly here = HERE;
  readonly lacksCuts = null;
  readonly #brokers: number;
  readonly #servers: number;

  constructor(brokers: number, servers: number) {
    this.#brokers = brokers;
    this.#servers = servers;
    // Names of namespaces stand in files: nobody else sees these.
    run('mount', '-t', 'tmpfs', 'none', '/run');
    ip('link set lo up');
    ip(`link add name ${BRIDGE} type bridge`);
    ip(`address add ${HERE}/24 dev ${BRIDGE}`);
    ip(`link set ${BRIDGE} up`);
    for (const number of this.#numbers()) {
      const name = nameOf(number);
      ip(`netns add ${name}`);
      ip(`link add name v${number} type veth peer name eth0 netns ${name}`);
      ip(`link set v${number} master ${BRIDGE}`);
      ip(`link set v${number} up`);
      ip(`-n ${name} address add ${NET}.${number}/24 dev eth0`);
      ip(`-n ${name} link set eth0 up`);
      ip(`-n ${name} link set lo up`);
    }
  }

  brokerPlace(id: number): Place {
    return placeOf(id);
  }

  zookeeperPlace(server: number): Place {
    return placeOf(ZOOKEEPER_FROM + server);
  }

  zookeeperFor(_id: number, connect: string): Promise<string> {
    return Promise.resolve(connect);
  }

  cutFromZookeeper(id: number): void {
    const servers = this.#numbers().filter((number) => number > ZOOKEEPER_FROM);
    // Without servers in namespaces of their own the embedded one runs here.
    const sources = servers.length === 0 ? [HERE] : servers.map((number) => `${NET}.${number}`);
    for (const source of sources) drop(id, source);
    for (const server of servers) drop(server, `${NET}.${id}`);
  }

  cutOneWay(from: number, to: number): void {
    drop(to, `${NET}.${from}`);
  }

  heal(): void {
    for (const number of this.#numbers())
      run('ip', 'netns', 'exec', nameOf(number), 'iptables', '-w', '-F', 'INPUT');
  }

  /** It is gone with the last process. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #numbers(): number[] {
    return [
      ...Array.from({ length: this.#brokers }, (_, index) => index + 1),
      ...Array.from({ length: this.#servers }, (_, index) => ZOOKEEPER_FROM + index + 1),
    ];
  }
}

function nameOf(number: number): string {
  return `machine-${number}`;
}

function placeOf(number: number): Place {
  return { host: `${NET}.${number}`, command: ['ip', 'netns', 'exec', nameOf(number)] };
}

/** What this source sends does not arrive at a machine. */
function drop(at: number, source: string): void {
  const rule = ['-I', 'INPUT', '-s', source, '-j', 'DROP'];
  run('ip', 'netns', 'exec', nameOf(at), 'iptables', '-w', ...rule);
}

function ip(words: string): void {
  run('ip', ...words.split(' '));
}

function run(program: string, ...argv: string[]): void {
  execFileSync(program, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
}
