/**
 * Delegation tokens in the tree: a node each, written together with the notice that has every broker read it
 * again. Source: kafka.server.DelegationTokenManagerZk, kafka.zk.KafkaZkClient.
 */
import { ANY_VERSION, type Change, type Coordinator } from '../coordinator.ts';
import { delegationTokenZnode, type StoredToken, tokenChangeZnode } from '../znodes/security-znodes.ts';
import { readable, type Unreadable } from '../znodes/znode-json.ts';
import { ChangeNotices } from './change-notices.ts';
import { assertPassing, commitKnown, pipelined } from './commits.ts';
import { ensurePaths } from './paths.ts';

export class TokenStore {
  /** Ids of tokens that have been made, changed or removed. */
  readonly changes: ChangeNotices<string>;
  readonly #coordinator: Coordinator;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
    this.changes = new ChangeNotices(coordinator, tokenChangeZnode);
  }

  /** Makes the directories that tokens and notices lie in. */
  ensurePaths(): Promise<void> {
    return ensurePaths(this.#coordinator, [delegationTokenZnode.parent, tokenChangeZnode.parent]);
  }

  /** Every token that can be read. */
  async readAll(unreadable: Unreadable): Promise<StoredToken[]> {
    const ids = (await this.#coordinator.children(delegationTokenZnode.parent)) ?? [];
    const tokens = await pipelined(ids, (tokenId) => this.read(tokenId, unreadable));
    return tokens.filter((token) => token !== null);
  }

  /** null when there is no such token, or when nobody can read it and `unreadable` is told. */
  async read(tokenId: string, unreadable: Unreadable): Promise<StoredToken | null> {
    const node = await this.#coordinator.read(delegationTokenZnode.path(tokenId));
    if (node === null) return null;
    return readable(() => delegationTokenZnode.decode(tokenId, node.data), unreadable);
  }

  async create(token: StoredToken): Promise<void> {
    const path = delegationTokenZnode.path(token.tokenId);
    const data = delegationTokenZnode.encode(token);
    for (;;) {
      const done = await this.#commit({ op: 'create', path, data, lifetime: 'persistent' }, token.tokenId);
      if (done) return;
      await this.ensurePaths();
    }
  }

  /** false: somebody has removed it. */
  replace(token: StoredToken): Promise<boolean> {
    const path = delegationTokenZnode.path(token.tokenId);
    const data = delegationTokenZnode.encode(token);
    return this.#commit({ op: 'put', path, data, version: ANY_VERSION }, token.tokenId);
  }

  /** false: somebody else has. */
  remove(tokenId: string): Promise<boolean> {
    const path = delegationTokenZnode.path(tokenId);
    return this.#commit({ op: 'remove', path, version: ANY_VERSION }, tokenId);
  }

  /** With the notice; false when a node that it takes is missing. */
  async #commit(change: Change, tokenId: string): Promise<boolean> {
    const answer = await commitKnown(this.#coordinator, [
      change,
      {
        op: 'create',
        path: tokenChangeZnode.prefix,
        data: tokenChangeZnode.encode(tokenId),
        lifetime: 'persistent',
        sequential: true,
      },
    ]);
    if (!answer.ok) assertPassing(answer, ['missing'], `write ${change.path}`);
    return answer.ok;
  }
}
