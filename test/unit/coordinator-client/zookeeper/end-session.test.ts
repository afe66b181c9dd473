/** A session that somebody else holds is ended, against a server that refuses to order. */
import { afterEach, describe, expect, it } from 'vitest';
import { endSession } from '../../../../coordinator-client/zookeeper/end-session.ts';
import { dialTcp } from '../../../../coordinator-client/zookeeper/line-socket.ts';
import { freePorts } from '../../../support/free-ports.ts';
import { type ScriptedZookeeper, startScriptedZookeeper } from '../../../support/scripted-zookeeper.ts';

const CLOSE_SESSION = -11;
/** What a server says to a connection whose session has been taken elsewhere. */
const SESSION_MOVED = -118;
const TIMEOUT_MS = 5000;

describe('ending the session of another', () => {
  const servers: ScriptedZookeeper[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  /** One that answers the first requests so, and the last of these answers from then on. */
  async function answering(...codes: [number, ...number[]]): Promise<ScriptedZookeeper> {
    const server = await startScriptedZookeeper(TIMEOUT_MS);
    let asked = 0;
    server.onRequest = (request) => request.answer(codes[Math.min(asked++, codes.length - 1)] ?? 0);
    servers.push(server);
    return server;
  }

  function end(...ports: number[]): Promise<void> {
    return endSession(
      ports.map((port) => ({ host: '127.0.0.1', port })),
      {
        sessionId: Buffer.from('000000000000004d', 'hex'),
        sessionPassword: Buffer.alloc(16),
        lastZxid: Buffer.alloc(8),
        timeoutMs: TIMEOUT_MS,
        dial: dialTcp,
      },
    );
  }

  it('takes it over by its id, and closes it there', async () => {
    const server = await answering(0);
    await end(server.port);
    expect(server.handshakes.map(({ sessionId }) => sessionId)).toEqual([77n]);
    expect(server.requests.map(({ opcode }) => opcode)).toEqual([CLOSE_SESSION]);
  });

  it('takes it once more where its holder had it back before it was closed', async () => {
    const server = await answering(SESSION_MOVED, SESSION_MOVED, 0);
    await end(server.port);
    expect(server.handshakes).toHaveLength(3);
    expect(server.requests).toHaveLength(3);
  });

  it('is given up where its holder has it back each time', async () => {
    const server = await answering(SESSION_MOVED);
    await expect(end(server.port)).rejects.toThrow('the session is taken back each time');
    expect(server.handshakes).toHaveLength(20);
  });

  it('asks the next server where one cannot be reached', async () => {
    const server = await answering(0);
    await end(...(await freePorts(1)), server.port);
    expect(server.requests).toHaveLength(1);
  });

  it('is given up where no server can be reached', async () => {
    await expect(end(...(await freePorts(1)))).rejects.toThrow('ECONNREFUSED');
  });
});
