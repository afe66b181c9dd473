/** What the brokers of a drilled cluster say of it, each by itself. */
import { AdminClient, type ClusterMetadata } from '../cli/admin-client.ts';
import type { BrokerView } from './drilled-cluster.ts';
import { newestOf } from './newest-view.ts';

interface Talking {
  readonly id: number;
  /** `host:port` */
  readonly address: string;
}

/** By which a drill's own questions can be told from those of clients. */
export const DRILL_CLIENT_ID = 'odradek-drill';
const ANSWER_TIMEOUT_MS = 2000;

export class BrokerViews {
  readonly admin: AdminClient;
  readonly #talking: () => readonly Talking[];
  /** One for each broker, which is asked for what it knows itself. */
  readonly #admins = new Map<number, AdminClient>();

  /** `talking`: who can be asked at the moment. */
  constructor(talking: () => readonly Talking[]) {
    this.#talking = talking;
    const addresses = (): string =>
      talking()
        .map(({ address }) => address)
        .join(',');
    this.admin = new AdminClient(addresses, DRILL_CLIENT_ID);
  }

  all(): Promise<readonly BrokerView[]> {
    return Promise.all(
      this.#talking().map(async (broker) => {
        const own = this.#adminOf(broker);
        return { id: broker.id, seen: await own.metadata(null).catch(() => null) };
      }),
    );
  }

  async newest(): Promise<ClusterMetadata> {
    const views = (await this.all()).flatMap(({ seen }) => seen ?? []);
    const newest = newestOf(views);
    if (newest === null) throw new Error('no broker answers');
    return newest;
  }

  close(): void {
    this.admin.close();
    for (const admin of this.#admins.values()) admin.close();
  }

  #adminOf({ id, address }: Talking): AdminClient {
    const known = this.#admins.get(id);
    if (known !== undefined) return known;
    const waits = { patienceMs: 0, answerTimeoutMs: ANSWER_TIMEOUT_MS };
    const made = new AdminClient(address, DRILL_CLIENT_ID, waits);
    this.#admins.set(id, made);
    return made;
  }
}
