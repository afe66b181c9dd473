/**
 * The bytes of a connection whose client has to log in: frames in any pieces, of any length that is claimed.
 * Nothing is thrown, no more is kept than a frame of a login may have, and nobody is let in who knows no
 * password.
 */

import { ClientSession } from '../../../broker/network/client-session.ts';
import { Connection } from '../../../broker/network/connection.ts';
import { RequestMemory } from '../../../broker/network/request-memory.ts';
import { BufferPool } from '../../../broker/platform/buffer-pool.ts';
import { SharedTurn } from '../../../broker/platform/loop-turns.ts';
import type { Random } from '../../../broker/platform/random.ts';
import { Metadata } from '../../../broker/protocol/messages/03-metadata.ts';
import { SaslHandshake } from '../../../broker/protocol/messages/17-sasl-handshake.ts';
import { SaslAuthenticate } from '../../../broker/protocol/messages/36-sasl-authenticate.ts';
import { AnswerMemory } from '../../../broker/replication/requests/answer-memory.ts';
import { frameOf } from '../../unit/network/login-client.ts';
import { MemorySocket } from '../../unit/network/memory-socket.ts';
import { type FuzzTarget, must, type Verdict } from '../fuzz.ts';
import { mutated } from '../mutate.ts';
import { authenticatorFor, type FuzzedBroker, fuzzedBroker, Heard } from './login.ts';
import { SECRETS, WORDS } from './secrets.ts';

const LOGIN_BYTES = 2000;
const REQUEST_BYTES = 20_000;
const LENGTH_BYTES = 4;

export const connection: FuzzTarget = {
  name: 'connection',
  about: 'streams of frames in any pieces, at a connection whose client has to log in',
  share: 150,
  async prepare() {
    const broker = await fuzzedBroker();
    return (random) => streamed(broker, random);
  },
};

async function streamed(broker: FuzzedBroker, random: Random): Promise<Verdict> {
  const knows = random.int(2) === 0;
  const honest = stream(knows ? SECRETS.right : SECRETS.wrong);
  const isChanged = random.int(8) !== 0;
  const bytes = isChanged ? mutated(random, honest, WORDS) : honest;
  const socket = new MemorySocket();
  const session = new ClientSession(
    { id: 'c1', listener: 'X', remoteHost: '10.0.0.1', securityProtocol: 'SASL_PLAINTEXT' },
    null,
  );
  const heard = new Heard();
  const made = connectionOf(broker, socket, { session, heard });
  for (let at = 0; at < bytes.length && socket.open; ) {
    const chunk = bytes.subarray(at, at + 1 + random.int(random.int(4) === 0 ? 8 : 400));
    at += chunk.length;
    socket.arrive(chunk);
    const mostBytes = (session.isAuthenticated ? REQUEST_BYTES : LOGIN_BYTES) + LENGTH_BYTES + chunk.length;
    must(made.heldBytes <= mostBytes, `${made.heldBytes} bytes are kept`);
    if (random.int(2) === 0) await settled();
  }
  await settled();
  socket.destroy();
  heard.mustBeRefusals();
  must(made.heldBytes === 0, 'bytes are kept of a connection that has gone');
  must(!session.isAuthenticated || knows, `let in without the password, as ${session.principal.name}`);
  must(session.isAuthenticated || !knows || isChanged, 'kept out with the password');
  return session.isAuthenticated ? 'taken' : 'refused';
}

/** A login, and a request after it. */
function stream(password: string): Buffer {
  const frames = [
    frameOf(SaslHandshake, 1, { mechanism: 'PLAIN' }),
    frameOf(SaslAuthenticate, 2, { authBytes: Buffer.from(`\0alice\0${password}`) }),
    frameOf(Metadata, 12, { topics: [] }),
  ];
  return Buffer.concat(
    frames.flatMap((frame) => {
      const size = Buffer.alloc(LENGTH_BYTES);
      size.writeInt32BE(frame.length);
      return [size, frame];
    }),
  );
}

function connectionOf(
  broker: FuzzedBroker,
  socket: MemorySocket,
  { session, heard }: { readonly session: ClientSession; readonly heard: Heard },
): Connection {
  return new Connection({
    socket,
    session,
    dispatch: authenticatorFor(broker, session, heard).take,
    limits: {
      frames: { maxBytes: REQUEST_BYTES, config: 'socket.request.max.bytes' },
      loginFrames: { maxBytes: LOGIN_BYTES, config: 'sasl.server.max.receive.size' },
      maxInFlightRequests: 3,
      maxUnsentBytes: 100_000,
    },
    pool: new BufferPool(1 << 16),
    memory: new RequestMemory(Number.POSITIVE_INFINITY),
    answerMemory: new AnswerMemory(1 << 27),
    clock: broker.world.clock,
    flushes: new SharedTurn(broker.world.clock),
    complaints: { say: () => true },
    bytesIn: { add() {}, value: 0 },
    bytesOut: { add() {}, value: 0 },
    onClosed() {},
  });
}

/** Until everything has happened that has been waiting. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
