/**
 * The embedded ZooKeeper on the wire: connect requests, logins by SASL and by auth packets, and requests of
 * every kind, framed and in pieces. Nothing is thrown; before its login a client is answered nothing else; who
 * it is said to be it has proved; and what is kept of it is bounded.
 */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Random } from '../../../broker/platform/random.ts';
import { Connection } from '../../../coordinator-client/embedded/connection.ts';
import { memoryJournal } from '../../../coordinator-client/embedded/journal.ts';
import { JuteWriter } from '../../../coordinator-client/embedded/jute.ts';
import { resolveOptions } from '../../../coordinator-client/embedded/options.ts';
import { ServerCore } from '../../../coordinator-client/embedded/server-core.ts';
import { Opcode } from '../../../coordinator-client/embedded/wire.ts';
import { DigestClient } from '../../../coordinator-client/sasl/digest-client.ts';
import { type FuzzTarget, must, type Verdict } from '../fuzz.ts';
import { mutated, oneOf } from '../mutate.ts';
import { DIGEST_WORDS } from './digest.ts';
import { SECRETS } from './secrets.ts';

const OPCODES = Object.values(Opcode);
const WORDS = [
  '/',
  '/a',
  '/a/b',
  '/zookeeper',
  '..',
  '\0',
  'ruok',
  'stat',
  'digest',
  'super',
  ...DIGEST_WORDS,
];
/** Znodes that inputs have made are forgotten with their server after so many. */
const INPUTS_OF_A_SERVER = 500;
const MOST_IDENTITIES = 100;
const START_MS = 1_700_000_000_000;

export const zookeeper: FuzzTarget = {
  name: 'zookeeper',
  about: 'bytes at the embedded ZooKeeper, which asks for a login by SASL',
  share: 120,
  async prepare() {
    let core = newCore();
    let left = INPUTS_OF_A_SERVER;
    return (random) => {
      if (left === 0) [core, left] = [newCore(), INPUTS_OF_A_SERVER];
      left -= 1;
      return conversed(core, random);
    };
  },
};

function newCore(): ServerCore {
  const options = resolveOptions({
    host: '127.0.0.1',
    port: 2181,
    tickMs: 1000,
    saslUsers: new Map([['alice', SECRETS.right]]),
    requireSasl: true,
    superDigest: 'super:AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  });
  const journal = memoryJournal({
    firstZxid: 1n,
    tickMs: 1000,
    nowMs: 0,
    snapshotTransactions: 1,
    snapshotBytes: 1,
    snapshotsKept: 1,
    log() {},
    advanced() {},
    failed(error) {
      throw error;
    },
  });
  return new ServerCore(options, { nowMs: () => 0, wallMs: () => START_MS }, journal);
}

function conversed(core: ServerCore, random: Random): Verdict {
  const knows = random.int(2) === 0;
  const socket = new FuzzedSocket();
  const connection = new Connection(socket as unknown as Socket, core);
  core.connections.add(connection);
  const isChanged = random.int(8) !== 0;
  const send = (frame: Buffer): void => {
    const bytes = isChanged && random.int(3) === 0 ? mutated(random, frame, WORDS) : frame;
    for (let at = 0; at < bytes.length && !socket.destroyed; ) {
      const to = random.int(2) === 0 ? bytes.length : at + 1 + random.int(20);
      socket.emit('data', Buffer.from(bytes.subarray(at, to)));
      at = to;
    }
  };
  send(hello());
  const client = new DigestClient({ user: 'alice', password: knows ? SECRETS.right : SECRETS.wrong });
  send(request(1, Opcode.SASL, (writer) => writer.buffer(Buffer.alloc(0))));
  send(request(2, Opcode.SASL, (writer) => writer.buffer(answerTo(client, socket.written))));
  const asked = random.int(6);
  for (let count = 0; count < asked; count += 1) send(anyRequest(random));
  judge(connection, knows);
  const isIn = connection.identities.some(({ scheme }) => scheme === 'sasl');
  must(isIn || isChanged || !knows, 'kept out with the password');
  if (connection.sessionId !== null) core.endSession(connection.sessionId);
  socket.destroy();
  return isIn ? 'taken' : 'refused';
}

function judge({ identities }: Connection, knows: boolean): void {
  const proved = identities.filter(({ scheme }) => scheme === 'sasl');
  must(proved.length === 0 || knows, 'let in without the password');
  must(
    proved.every(({ id }) => id === 'alice'),
    `let in as ${proved.map(({ id }) => id)}`,
  );
  must(!identities.some(({ scheme }) => scheme === 'super'), 'let in as the super user');
  must(identities.length <= MOST_IDENTITIES, `${identities.length} identities are kept`);
}

function framed(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(new JuteWriter().int(body.length).done()), body]);
}

function hello(): Buffer {
  const writer = new JuteWriter()
    .int(0)
    .long(0n)
    .int(10_000)
    .long(0n)
    .buffer(Buffer.alloc(16))
    .boolean(false);
  return framed(writer.done());
}

function request(xid: number, opcode: number, body: (writer: JuteWriter) => void): Buffer {
  const writer = new JuteWriter().int(xid).int(opcode);
  body(writer);
  return framed(writer.done());
}

function anyRequest(random: Random): Buffer {
  const opcode = random.int(4) === 0 ? Opcode.AUTH : oneOf(random, OPCODES);
  return request(3, opcode, (writer) => {
    if (opcode === Opcode.AUTH)
      writer
        .int(0)
        .string('digest')
        .buffer(Buffer.from(`bob:${random.int(99)}`));
    else if (opcode === Opcode.MULTI) writeMulti(writer, random);
    else
      writer
        .string(oneOf(random, ['/', '/a', '/a/b']))
        .buffer(random.bytes(random.int(20)))
        .int(random.int(3));
    if (opcode === Opcode.CREATE) writer.int(31).string('world').string('anyone').int(random.int(8));
  });
}

function writeMulti(writer: JuteWriter, random: Random): void {
  for (let left = random.int(4); left > 0; left -= 1) {
    writer
      .int(oneOf(random, [Opcode.CREATE, Opcode.DELETE, Opcode.SET_DATA, Opcode.CHECK]))
      .boolean(false)
      .int(-1);
    writer.string('/a').int(random.int(3) - 1);
  }
  writer.int(-1).boolean(true).int(-1);
}

/** What an honest client says to the challenge, which is the last thing that it has read. */
function answerTo(client: DigestClient, written: Buffer): Buffer {
  const from = written.indexOf('realm=');
  if (from === -1) return Buffer.from('no challenge has come');
  try {
    return client.next(written.subarray(from)) ?? Buffer.alloc(0);
  } catch {
    return Buffer.from('the challenge is none');
  }
}

/** The server's end of a connection, as much of one as it uses. */
class FuzzedSocket extends EventEmitter {
  readonly remoteAddress = '10.0.0.1';
  readonly remotePort = 50_000;
  readonly writableLength = 0;
  destroyed = false;
  readonly #written: Buffer[] = [];

  get written(): Buffer {
    return Buffer.concat(this.#written);
  }

  write(bytes: Buffer): boolean {
    this.#written.push(Buffer.from(bytes));
    return true;
  }

  end(bytes: string): void {
    this.write(Buffer.from(bytes));
    this.destroy();
  }

  destroySoon(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }

  setTimeout(): void {}
  pause(): void {}
  resume(): void {}
}
