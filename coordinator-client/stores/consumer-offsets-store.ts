/**
 * Offsets of groups that commit with version 0 of the protocol, or that used to keep their offsets in
 * ZooKeeper themselves: one node a partition, which nothing ever removes.
 * Source: KafkaZkClient.getConsumerOffset, setOrCreateConsumerOffset.
 */

import { ANY_VERSION, type Change, type Coordinator } from '../coordinator.ts';
import { isValidPath } from '../tree/path.ts';
import { consumerOffsetZnode } from '../znodes/admin-znodes.ts';
import { NO_DATA } from '../znodes/znodes.ts';
import { commitKnown } from './commits.ts';

/** The node cannot be what the group's name makes of it, or holds no offset. */
class NoOffsetNode extends Error {
  override readonly name = 'NoOffsetNode';
}

export class ConsumerOffsetsStore {
  readonly #coordinator: Coordinator;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
  }

  /** null: nothing was committed. Rejects with {@link NoOffsetNode}, or with ZnodeFormatError for what is no number. */
  async read(group: string, topic: string, partition: number): Promise<number | bigint | null> {
    const path = pathOf(group, topic, partition);
    const node = await this.#coordinator.read(path);
    if (node === null || node.data.length === 0) return null;
    return consumerOffsetZnode.decode(path, node.data);
  }

  /** Over whatever is there, with all nodes above it. Rejects with {@link NoOffsetNode}. */
  async write(group: string, topic: string, partition: number, offset: number | bigint): Promise<void> {
    const path = pathOf(group, topic, partition);
    const data = consumerOffsetZnode.encode(offset);
    for (;;) {
      const put = await commitKnown(this.#coordinator, [{ op: 'put', path, data, version: ANY_VERSION }]);
      if (put.ok) return;
      if (put.reason !== 'missing') throw new NoOffsetNode(`cannot write ${path}: ${put.reason}`);
      await this.#makeParents(path);
      const create: Change = { op: 'create', path, data, lifetime: 'persistent' };
      const created = await commitKnown(this.#coordinator, [create]);
      if (created.ok) return;
      // Somebody else was faster, or has removed the group meanwhile.
      if (created.reason !== 'exists' && created.reason !== 'missing') {
        throw new NoOffsetNode(`cannot create ${path}: ${created.reason}`);
      }
    }
  }

  async #makeParents(path: string): Promise<void> {
    for (let end = path.indexOf('/', 1); end !== -1; end = path.indexOf('/', end + 1)) {
      const parent = path.slice(0, end);
      const made = await commitKnown(this.#coordinator, [
        { op: 'create', path: parent, data: NO_DATA, lifetime: 'persistent' },
      ]);
      if (!made.ok && made.reason !== 'exists' && made.reason !== 'missing') {
        throw new NoOffsetNode(`cannot create ${parent}: ${made.reason}`);
      }
    }
  }
}

/** A group's name goes into the path as it is: one with a slash nests, one with a dot segment has no node. */
function pathOf(group: string, topic: string, partition: number): string {
  const path = consumerOffsetZnode.path(group, topic, partition);
  if (!isValidPath(path)) throw new NoOffsetNode(`${path} is no path of a node`);
  return path;
}
