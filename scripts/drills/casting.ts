/** Who plays which part in a drill: roles by what the cluster says when they are first spoken of. */
import type { Role, ServerRole } from './drill.ts';
import type { DrilledCluster } from './drilled-cluster.ts';

/** What is needed to know that. */
interface Scene {
  readonly cluster: DrilledCluster;
  /** The topic that is written to; its group and its transactional id have the same name. */
  readonly topic: string;
}

const SERVERS = [1, 2, 3];

export class Casting {
  readonly #scene: Scene;
  readonly #cast = new Map<Role, number>();
  readonly #servers = new Map<ServerRole, number>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** The first time whoever it is now; later the same one. `new …` is whoever it is now. Rejects when nobody is. */
  async broker(role: Role): Promise<number> {
    const known = this.#cast.get(role);
    if (known !== undefined) return known;
    const id = await this.#now(role);
    if (id < 0) throw new Error(`nobody is the ${role} at the moment`);
    if (!role.startsWith('new ')) this.#cast.set(role, id);
    return id;
  }

  async server(role: ServerRole): Promise<number> {
    const known = this.#servers.get(role);
    if (known !== undefined) return known;
    const leader = await this.#scene.cluster.zookeeperLeader();
    const server = role === 'zookeeper follower' ? (SERVERS.find((each) => each !== leader) ?? 2) : leader;
    this.#servers.set(role, server);
    return server;
  }

  /** Of all that were spoken of, for those who read about it. */
  get parts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#cast, ...this.#servers]);
  }

  async #now(role: Role): Promise<number> {
    const { cluster, topic } = this.#scene;
    const number = /^broker (\d+)$/.exec(role)?.[1];
    if (number !== undefined) return Number(number);
    if (role === 'controller' || role === 'new controller') return (await cluster.newest()).controllerId;
    // The first who asks has their topics made, which the client waits for.
    if (role === 'group coordinator') return (await cluster.admin.groupCoordinator(topic)).nodeId;
    if (role === 'transaction coordinator') return (await cluster.admin.transactionCoordinator(topic)).nodeId;
    const { topics } = await cluster.newest();
    const own = topics.find(({ name }) => name === topic);
    const partition = own?.partitions.find(({ partitionIndex }) => partitionIndex === 0);
    if (role === 'new leader') return partition?.leaderId ?? -1;
    if (role === 'leader') return partition?.leaderId ?? -1;
    // Followers of the leader that the drill speaks of, in the order of the replicas.
    const leader = this.#cast.get('leader') ?? partition?.leaderId;
    const followers = (partition?.replicaNodes ?? []).filter((id) => id !== leader);
    return followers[role === 'follower' ? 0 : 1] ?? -1;
  }
}
