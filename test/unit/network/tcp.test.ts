/** Over real sockets: large requests cut anywhere, many in flight, connections that end. */
import { afterEach, describe, expect, it } from 'vitest';
import type { BrokerConfig } from '../../../broker/config/broker-config.ts';
import { LiveValue } from '../../../broker/config/live.ts';
import { HANDLERS } from '../../../broker/handlers/table.ts';
import { createDispatch } from '../../../broker/network/dispatch.ts';
import { NetworkServer } from '../../../broker/network/server.ts';
import { systemClock } from '../../../broker/platform/clock.ts';
import { silent } from '../../../broker/platform/diagnostics.ts';
import { createMetrics } from '../../../broker/platform/metrics.ts';
import type { ByteSocket } from '../../../broker/platform/sockets.ts';
import { tcpSockets } from '../../../broker/platform/tcp-sockets.ts';
import { KafkaConnection } from '../../../broker/protocol/client.ts';
import { Produce } from '../../../broker/protocol/messages/00-produce.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { crc32c } from '../../../broker/records/crc32c.ts';
import { AnswerMemory } from '../../../broker/replication/requests/answer-memory.ts';
import type { AppendOutcome, AppendRequest } from '../../../broker/replication/requests/replica-append.ts';
import { allowEverything } from '../../../broker/security/authorizer.ts';
import { services } from '../handlers/support.ts';

const running: NetworkServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

/** A broker that answers Produce with the checksum of the records as their offset, now or a little later. */
async function start(reading: 'slab' | 'plain', overrides: object = {}) {
  const sockets = tcpSockets({ reading });
  const base = services();
  const config: BrokerConfig = {
    ...base.liveConfig.now,
    listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 0, securityProtocol: 'PLAINTEXT' }],
    ...overrides,
  };
  const append = ({ entries, acks }: AppendRequest) => {
    const outcomes = entries.map((entry): AppendOutcome => {
      const { topic, partition, records } = entry;
      const rest = { logAppendTimeMs: -1, logStartOffset: 0, recordErrors: [], errorMessage: null };
      const checksum = crc32c(records, 0, records.length);
      return {
        topic,
        partition,
        error: 0,
        baseOffset: checksum,
        lastOffset: 0,
        currentLeader: null,
        ...rest,
      };
    });
    if (acks !== -1) return outcomes;
    return new Promise<AppendOutcome[]>((resolve) =>
      systemClock.after(checksumDelayMs(outcomes), () => resolve(outcomes)),
    );
  };
  const server = new NetworkServer({
    config,
    liveConfig: new LiveValue(config),
    sockets,
    clock: systemClock,
    diagnostics: silent,
    metrics: createMetrics(),
    rates: { take: () => 0 },
    answerMemory: new AnswerMemory(config.queuedMaxResponseBytes),
    securityOf: () => ({ login: null, tls: null, nameOf: (name) => name }),
  });
  running.push(server);
  await server.start();
  server.startAccepting(
    createDispatch(HANDLERS, services({ config, replicas: { append } }), allowEverything),
  );
  const port = server.ports.get('PLAINTEXT') ?? 0;
  return { server, sockets, port };
}

function checksumDelayMs(outcomes: readonly AppendOutcome[]): number {
  return (outcomes[0]?.baseOffset ?? 0) % 7;
}

function noise(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = seed + 1;
  for (let at = 0; at < sizeBytes; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  // Where a batch would say that it belongs to a transaction.
  bytes.subarray(16, 24).fill(0);
  return bytes;
}

describe.each(['slab', 'plain'] as const)('%s reading', (reading) => {
  it('requests of every size arrive unharmed, many in flight, answered in order', async () => {
    const { sockets, port } = await start(reading);
    const client = await KafkaConnection.connect(sockets, {
      host: '127.0.0.1',
      port,
      clientId: 'c',
      timeoutMs: 20_000,
    });
    const sizes = [1, 100, 70_000, 3, 1_500_000, 10, 20_000, 900_000, 5, 64, 3_000_000, 1];
    for (const acks of [1, -1]) {
      const answers = await Promise.all(
        sizes.map((size, index) => {
          const records = noise(size, index);
          const partitionData = [{ index: 0, records }];
          const request = { acks, timeoutMs: 1000, topicData: [{ name: 't1', partitionData }] };
          return client.request(Produce, request).then((response) => {
            const offset = response.responses[0]?.partitionResponses[0]?.baseOffset;
            return { index, harmed: offset !== crc32c(records, 0, records.length) };
          });
        }),
      );
      expect(answers).toEqual(sizes.map((_, index) => ({ index, harmed: false })));
    }
    const metadata = await client.request(Metadata, { topics: null });
    expect(metadata.topics.map(({ name }) => name)).toEqual(['t1']);
    client.close();
  });

  it('a connection that sends nonsense is closed, and the others go on', async () => {
    const { server, sockets, port } = await start(reading);
    const good = await KafkaConnection.connect(sockets, {
      host: '127.0.0.1',
      port,
      clientId: 'c',
      timeoutMs: 20_000,
    });
    const bad = await sockets.dial({ host: '127.0.0.1', port, timeoutMs: 20_000 });
    const closed = closing(bad);
    bad.write([Buffer.from('GET / HTTP/1.1\r\nHost: kafka\r\n\r\n')]);
    await closed;
    expect((await good.request(Metadata, { topics: [] })).clusterId).toBe('cluster');
    good.close();
    expect(server.connectionCount).toBeLessThanOrEqual(2);
  });

  it('an idle connection is closed', async () => {
    const { sockets, port } = await start(reading, { connectionsMaxIdleMs: 50 });
    const idle = await sockets.dial({ host: '127.0.0.1', port, timeoutMs: 20_000 });
    await closing(idle);
  });
});

function closing(socket: ByteSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.on({ data: () => {}, close: () => resolve() });
  });
}
