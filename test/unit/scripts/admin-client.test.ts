/** The client of the commands beside brokers that do not answer. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SaslLoginError } from '../../../broker/protocol/login.ts';
import { DescribeCluster } from '../../../broker/protocol/messages/60-describe-cluster.ts';
import { AdminClient, type ClusterMetadata } from '../../../scripts/cli/admin-client.ts';

describe('a broker that takes connections and says nothing', () => {
  let server: Server;
  const taken: Socket[] = [];
  beforeEach(async () => {
    server = createServer((socket) => taken.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    for (const socket of taken) socket.destroy();
    server.close();
  });

  it('is not waited for beyond the time of an answer', async () => {
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const admin = new AdminClient(`127.0.0.1:${port}`, 'test', { patienceMs: 0, answerTimeoutMs: 50 });
    await expect(admin.metadata(null)).rejects.toThrow(
      `no broker answers: 127.0.0.1:${port}: no answer to Metadata within 50 ms`,
    );
    admin.close();
  });
});

describe('a question to any broker', () => {
  /** Each of two brokers refuses, or answers with its id. */
  function clientOf(refusing: readonly number[]): AdminClient {
    const admin = new AdminClient('127.0.0.1:1');
    const brokers = [1, 2].map((nodeId) => ({ nodeId, host: '127.0.0.1', port: nodeId }));
    vi.spyOn(admin, 'metadata').mockResolvedValue({ brokers } as unknown as ClusterMetadata);
    vi.spyOn(admin, 'askBroker').mockImplementation((nodeId) =>
      refusing.includes(nodeId)
        ? Promise.reject(new SaslLoginError('invalid credentials'))
        : Promise.resolve({ controllerId: nodeId } as never),
    );
    return admin;
  }

  it('is one to the next where the first does not take the login', async () => {
    expect(await clientOf([1]).askAnyBroker(DescribeCluster, {})).toEqual({ controllerId: 2 });
  });

  it('is refused where none takes it', async () => {
    const asked = clientOf([1, 2]).askAnyBroker(DescribeCluster, {});
    await expect(asked).rejects.toThrow(SaslLoginError);
    await expect(asked).rejects.toThrow(
      'no broker answers: 127.0.0.1:1: invalid credentials; 127.0.0.1:2: invalid credentials',
    );
  });
});
