/**
 * The first bytes that arrive at a listener with TLS, without a socket: those of an honest client, mutated. Only
 * who comes to the end of a handshake is accepted, which nobody does whose first bytes were changed; and what
 * is taken ends, and is told of once at most.
 */
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import type { Random } from '../../../broker/platform/random.ts';
import { TlsDoor, tlsOptions } from '../../../broker/platform/tls-sockets.ts';
import { clientEnd, serverEnd } from '../../unit/platform/tls-ends.ts';
import { type FuzzTarget, must, type Verdict } from '../fuzz.ts';
import { mutated, oneOf } from '../mutate.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
/** Rounds of the event loop in which either end has said all that it has to say. */
const MOST_TURNS = 40;

export const tls: FuzzTarget = {
  name: 'tls',
  about: 'the beginning of a handshake of TLS, at a listener’s door',
  share: 10,
  async prepare() {
    const hellos = await Promise.all(VERSIONS.map(helloOf));
    const door = new FuzzedDoor();
    return (random) => (random.int(20) === 0 ? honest(door, random) : changed(door, hellos, random));
  },
};

async function changed(door: FuzzedDoor, hellos: readonly Buffer[], random: Random): Promise<Verdict> {
  const wire = door.newcomer(() => {});
  const bytes = mutated(random, oneOf(random, hellos));
  const cut = random.int(bytes.length + 1);
  for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
    if (piece.length > 0) wire.arrive(piece);
    await turn();
  }
  if (random.int(2) === 0) wire.arrive(random.bytes(random.int(100)));
  wire.arrive(null);
  await until(() => wire.destroyed || door.refusals > 0);
  // One that says nothing more stays until its time is over, or until others want its place.
  wire.destroy();
  await turn();
  must(door.accepted === 0, 'accepted without a handshake');
  must(door.refusals <= 1, `refused ${door.refusals} times`);
  return 'refused';
}

/** A whole handshake, which shows that the door is no wall. */
async function honest(door: FuzzedDoor, random: Random): Promise<Verdict> {
  const own = new Wire((bytes) => wire.arrive(bytes));
  const wire = door.newcomer((bytes) => own.arrive(bytes));
  const ends = clientEnd(versionOf(oneOf(random, VERSIONS)));
  const client = connect({ ...tlsOptions(ends), socket: own, host: 'localhost' });
  client.on('error', () => {});
  await until(() => door.accepted === 1);
  must(door.accepted === 1, 'an honest client is not accepted');
  client.destroy();
  wire.destroy();
  await turn();
  return 'taken';
}

/** What an honest client says first. */
async function helloOf(version: (typeof VERSIONS)[number]): Promise<Buffer> {
  const said: Buffer[] = [];
  const wire = new Wire((bytes) => said.push(bytes));
  const client = connect({ ...tlsOptions(clientEnd(versionOf(version))), socket: wire, host: 'localhost' });
  client.on('error', () => {});
  await until(() => said.length > 0);
  client.destroy();
  return Buffer.concat(said);
}

function versionOf(version: (typeof VERSIONS)[number]) {
  return { minVersion: version, maxVersion: version };
}

class FuzzedDoor {
  /** Of the last newcomer. */
  accepted = 0;
  refusals = 0;
  readonly #door: TlsDoor;
  #count = 0;

  constructor() {
    const end = serverEnd();
    const refused = (): void => {
      this.refusals += 1;
    };
    const accept = (): void => {
      this.accepted += 1;
    };
    const limits = { handshakeTimeoutMs: 60_000, mostHandshakes: 1 };
    this.#door = new TlsDoor({ end: () => end, ...limits, refused }, accept);
  }

  newcomer(peer: (bytes: Buffer) => void): Wire {
    this.accepted = this.refusals = 0;
    this.#count += 1;
    const wire = new Wire(peer, this.#count);
    this.#door.take(wire as never);
    return wire;
  }
}

/** A stream whose other end is a function. */
class Wire extends Duplex {
  readonly remoteAddress = '10.0.0.1';
  readonly remotePort: number;
  readonly localPort = 9093;
  readonly #peer: (bytes: Buffer) => void;

  constructor(peer: (bytes: Buffer) => void, remotePort = 0) {
    super();
    this.#peer = peer;
    this.remotePort = remotePort;
    this.on('error', () => {});
  }

  /** null: no more will come. */
  arrive(bytes: Buffer | null): void {
    if (!this.destroyed && !this.readableEnded) this.push(bytes);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#peer(chunk);
    done();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; turns < MOST_TURNS && !holds(); turns += 1) await turn();
}
