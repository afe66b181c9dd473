/** Blocks of producer ids. */
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { TestCluster } from './cluster.ts';

let cluster: TestCluster;

afterEach(() => cluster.stop());

describe('producer ids', () => {
  it('come in blocks of a thousand, to registered brokers of the right epoch', async () => {
    cluster = new TestCluster();
    const [one, two] = await cluster.startAll(1, 2);
    const ask = (brokerId: number, brokerEpoch: number) =>
      one?.controller.allocateProducerIds({ type: 'AllocateProducerIds', brokerId, brokerEpoch });
    expect(await ask(1, one?.epoch ?? 0)).toEqual({ error: 0, producerIdStart: 0, producerIdLength: 1000 });
    expect(await ask(2, two?.epoch ?? 0)).toEqual({
      error: 0,
      producerIdStart: 1000,
      producerIdLength: 1000,
    });
    expect((await ask(2, 1))?.error).toBe(ErrorCode.STALE_BROKER_EPOCH);
    expect((await ask(5, 1))?.error).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
    const elsewhere = { type: 'AllocateProducerIds', brokerId: 1, brokerEpoch: 1 } as const;
    expect((await two?.controller.allocateProducerIds(elsewhere))?.error).toBe(ErrorCode.NOT_CONTROLLER);
  });
});
