/** Our broker and Apache's beside each other, with quotas that are in force on both. */
import { systemPlatform } from '../../broker/platform/system-platform.ts';
import { KafkaConnection } from '../../broker/protocol/client.ts';
import { Produce } from '../../broker/protocol/messages/00-produce.ts';
import { AlterClientQuotas } from '../../broker/protocol/messages/49-alter-client-quotas.ts';
import type { AnyApi, RequestInput, ResponseOf } from '../../broker/protocol/schema.ts';
import { buildBatch } from '../../broker/records/build.ts';
import { eventually } from '../support/eventually.ts';
import { type Pair, startPair } from './differential/pair.ts';

type Named = Readonly<Record<string, string | null>>;
export type Op = readonly [key: string, value: number | null];
export type Alteration = readonly [entity: Named, ops: readonly Op[], validateOnly?: boolean];
type Say = <A extends AnyApi>(api: A, version: number, request: RequestInput<A>) => Promise<ResponseOf<A>>;

const IN_FORCE_LIMIT_MS = 20_000;

export class QuotaPair {
  readonly pair: Pair;

  private constructor(pair: Pair) {
    this.pair = pair;
  }

  static async start(properties: Readonly<Record<string, string>> = {}): Promise<QuotaPair> {
    return new QuotaPair(await startPair({ properties }));
  }

  close(): Promise<void> {
    return this.pair.close();
  }

  get #ports(): number[] {
    return [this.pair.ours.port, this.pair.kafkas.port];
  }

  /** What both brokers say to the same requests, each side on one connection. */
  both<T>(clientId: string, work: (say: Say) => Promise<T>): Promise<[ours: T, kafkas: T]> {
    return Promise.all(this.#ports.map((port) => asked(port, clientId, work))) as Promise<[T, T]>;
  }

  /**
   * Sets a quota, and waits until both brokers hold clients to it: they learn of it by a notice, after the
   * answer, and keep the order of notices. So a second client gets a quota behind it that its first batch
   * is beyond, and is asked until it is throttled.
   */
  async setQuota(entity: Named, ops: readonly Op[]): Promise<void> {
    const probe = `behind ${JSON.stringify(Object.values(entity))}`;
    const ofProbe: Alteration = [{ user: 'ANONYMOUS', 'client-id': probe }, [['producer_byte_rate', 1]]];
    await this.both('admin', async (say) => {
      await say(AlterClientQuotas, 1, alteration([entity, ops]));
      await say(AlterClientQuotas, 1, alteration(ofProbe));
    });
    const records = buildBatch({ records: [{ timestampMs: 5, key: null, value: Buffer.alloc(1000) }] });
    for (const port of this.#ports) {
      await eventually(
        `the quotas before that of ${probe} are in force`,
        // A connection of its own each time: that of a throttled client is muted.
        () =>
          asked(port, probe, async (say) => (await say(Produce, 9, producing(records))).throttleTimeMs > 0),
        IN_FORCE_LIMIT_MS,
      );
    }
  }
}

export function alteration([entity, ops, validateOnly = false]: Alteration): RequestInput<
  typeof AlterClientQuotas
> {
  return {
    entries: [
      {
        entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
        ops: ops.map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
      },
    ],
    validateOnly,
  };
}

/** What a broker says on a connection of its own. */
async function asked<T>(port: number, clientId: string, work: (say: Say) => Promise<T>): Promise<T> {
  const to = { host: '127.0.0.1', port, clientId, timeoutMs: 30_000 };
  const connection = await KafkaConnection.connect(systemPlatform().sockets, to);
  try {
    return await work((api, version, request) => connection.request(api, request, version));
  } finally {
    connection.close();
  }
}

export function producing(records: Buffer): RequestInput<typeof Produce> {
  const partitionData = [{ index: 0, records }];
  return { transactionalId: null, acks: 1, timeoutMs: 1000, topicData: [{ name: 'plain', partitionData }] };
}
