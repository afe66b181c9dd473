/** The client of the commands beside brokers that do not answer. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AdminClient } from '../../../scripts/cli/admin-client.ts';

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
