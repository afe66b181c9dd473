/**
 * What brokers of any make write into a ZooKeeper: an embedded server that keeps every write, the
 * catalogue of znodes by their paths, and the whole tree in a form that two clusters can be compared by.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Coordinator } from '../../coordinator-client/coordinator.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { logZxids, readLog } from '../../coordinator-client/embedded/transaction-log.ts';
import {
  consumerOffsetZnode,
  isrChangeZnode,
  logDirEventZnode,
  preferredElectionZnode,
  reassignPartitionsZnode,
} from '../../coordinator-client/znodes/admin-znodes.ts';
import {
  CONFIG_TYPES,
  configChangeZnode,
  configZnode,
} from '../../coordinator-client/znodes/config-znodes.ts';
import {
  brokerZnode,
  clusterIdZnode,
  controllerEpochZnode,
  controllerZnode,
  featureZnode,
  partitionStateZnode,
  producerIdBlockZnode,
  topicZnode,
} from '../../coordinator-client/znodes/znodes.ts';
import { zookeeperSource } from '../../coordinator-client/zookeeper/zookeeper.ts';

export interface Write {
  readonly path: string;
  /** null where the client sent none. */
  readonly data: Buffer | null;
}

/** A server, a session on it, and everything that anybody has written. */
export class RecordedZookeeper {
  readonly session: Coordinator;
  readonly #server: EmbeddedServer;
  readonly #directory: string;

  private constructor(server: EmbeddedServer, directory: string, session: Coordinator) {
    this.#server = server;
    this.#directory = directory;
    this.session = session;
  }

  static async start(): Promise<RecordedZookeeper> {
    const directory = mkdtempSync(join(tmpdir(), 'odradek-znodes-'));
    const server = await startEmbeddedServer({
      host: '127.0.0.1',
      port: 0,
      dataDir: directory,
      tickMs: 2000,
      snapshotTransactions: 1_000_000,
    });
    const source = zookeeperSource({
      connect: `127.0.0.1:${server.port}`,
      sessionTimeoutMs: 18_000,
      connectionTimeoutMs: 10_000,
      maxInFlightRequests: 10,
    });
    return new RecordedZookeeper(server, directory, await source.open(10_000));
  }

  get connect(): string {
    return `127.0.0.1:${this.#server.port}`;
  }

  /** Every create and every write of data so far, in their order. */
  async writes(): Promise<Write[]> {
    await this.session.sync();
    const writes: Write[] = [];
    for (const zxid of await logZxids(this.#directory)) {
      for (const { edits } of (await readLog(this.#directory, zxid, false)).transactions) {
        for (const edit of edits) {
          if (edit.kind === 'create' || edit.kind === 'setData') writes.push(edit);
        }
      }
    }
    return writes;
  }

  /** All nodes but ZooKeeper's own: path to what `show` makes of them. */
  async tree(show: (path: string, text: string) => string): Promise<Map<string, string>> {
    const shown = new Map<string, string>();
    const walk = async (path: string): Promise<void> => {
      const node = await this.session.read(path === '' ? '/' : path);
      if (node === null || path === '/zookeeper') return;
      if (path !== '')
        shown.set(
          path,
          show(path, node.data.toString()) + (node.ephemeralOwner === 0n ? '' : ' (ephemeral)'),
        );
      for (const name of (await this.session.children(path === '' ? '/' : path)) ?? [])
        await walk(`${path}/${name}`);
    };
    await walk('');
    return shown;
  }

  async close(): Promise<void> {
    await this.session.close();
    await this.#server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/**
 * Data read and written again; by the form of the path, whose `:` parts are given in their order, and what
 * the node held before.
 */
type Rewrite = (data: Buffer, names: readonly string[], before: Buffer | null) => Buffer;

const CATALOGUE: readonly (readonly [form: string, rewrite: Rewrite])[] = [
  ['/controller', (data) => controllerZnode.encode(controllerZnode.decode(data))],
  ['/controller_epoch', (data) => controllerEpochZnode.encode(controllerEpochZnode.decode(data))],
  ['/cluster/id', (data) => clusterIdZnode.encode(clusterIdZnode.decode(data))],
  ['/feature', (data) => featureZnode.encode(featureZnode.decode(data))],
  [
    '/latest_producer_id_block',
    (data) => producerIdBlockZnode.encode(producerIdBlockZnode.decode(data) ?? never()),
  ],
  ['/brokers/ids/:', (data, [id]) => brokerZnode.encode(brokerZnode.decode(Number(id), data))],
  ['/brokers/topics/:', (data, [topic = '']) => topicZnode.encode(topicZnode.decode(topic, data))],
  [
    '/brokers/topics/:/partitions/:/state',
    (data, [topic = '', partition]) =>
      partitionStateZnode.encode(partitionStateZnode.decode(topic, Number(partition), data)),
  ],
  ...CONFIG_TYPES.map((type): [string, Rewrite] => [
    `/config/${type}/:`,
    (data, [name = ''], before) => {
      const config = configZnode.decode(type, name, data);
      // Made at once of so many, their order tells which came first: the comparison of trees judges that.
      if (before === null && config.size > 11) return data;
      const former = before === null ? null : configZnode.decode(type, name, before);
      const changed = configZnode.encode(config, former);
      return changed.equals(data) ? changed : configZnode.encode(config);
    },
  ]),
  [
    '/config/changes/:',
    (data, [name = '']) => configChangeZnode.encode(configChangeZnode.decode(name, data)),
  ],
  [
    '/admin/reassign_partitions',
    (data) => reassignPartitionsZnode.encode(reassignPartitionsZnode.decode(data)),
  ],
  [
    '/admin/preferred_replica_election',
    (data) => preferredElectionZnode.encode(preferredElectionZnode.decode(data)),
  ],
  [
    '/isr_change_notification/:',
    (data, [name = '']) => isrChangeZnode.encode(isrChangeZnode.decode(name, data)),
  ],
  [
    '/log_dir_event_notification/:',
    (data, [name = '']) => logDirEventZnode.encode(logDirEventZnode.decode(name, data)),
  ],
  // The second for a group with a slash in its name.
  ...['/consumers/:/offsets/:/:', '/consumers/:/:/offsets/:/:'].map((form): [string, Rewrite] => [
    form,
    (data) => consumerOffsetZnode.encode(consumerOffsetZnode.decode('/consumers', data)),
  ]),
];

/** The writes that our catalogue would have made otherwise, as text. Throws for a path that it does not know. */
export function differences(writes: readonly Write[]): { path: string; theirs: string; ours: string }[] {
  const latest = new Map<string, Buffer | null>();
  const found: { path: string; theirs: string; ours: string }[] = [];
  for (const { path, data } of writes) {
    const ours = rewritten({ path, data }, latest.get(path) ?? null);
    if (String(ours) !== String(data)) found.push({ path, theirs: String(data), ours: String(ours) });
    latest.set(path, data);
  }
  return found;
}

/** What our catalogue makes of what somebody wrote: the same bytes, when both know the same format. */
function rewritten({ path, data }: Write, before: Buffer | null): Buffer | null {
  if (data === null || data.length === 0) return data;
  const parts = path.split('/');
  for (const [form, rewrite] of CATALOGUE) {
    const names = namesIn(parts, form.split('/'));
    if (names !== null) return rewrite(data, names, before);
  }
  throw new Error(`${path} is not in the catalogue: ${data}`);
}

function namesIn(parts: readonly string[], form: readonly string[]): string[] | null {
  if (parts.length !== form.length) return null;
  const fits = form.every((part, index) => part === ':' || part === parts[index]);
  return fits ? parts.filter((_, index) => form[index] === ':') : null;
}

function never(): never {
  throw new Error('a block without data');
}
