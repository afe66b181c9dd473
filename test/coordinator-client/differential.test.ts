/**
 * The embedded server against a real ZooKeeper: the same random requests to both, byte for byte, and
 * the same answers, figures, errors and events from both, in the same order.
 */
import { describe, expect, test } from 'vitest';
import type { Random } from '../../broker/platform/random.ts';
import { startEmbeddedServer } from '../../coordinator-client/embedded/server.ts';
import { Opcode } from '../../coordinator-client/embedded/wire.ts';
import { ensembleLacks, startEnsemble } from '../support/ensemble.ts';
import { simulatedRandom } from '../support/simulated-random.ts';
import {
  addWatchStep,
  closeSessionStep,
  existsStep,
  type Names,
  randomStep,
  type Step,
} from './differential-steps.ts';
import { RawClient, type Reply } from './embedded/raw-client.ts';

const STEPS = 300;
const SESSION_TIMEOUT_MS = 20_000;
/** Two that act and set one-shot watches (the second without credentials), one that only listens. */
const ACTORS = 2;
const LISTENER = 2;

const lacking = ensembleLacks();
if (lacking !== null) console.log(`skipped: the comparison with a real ZooKeeper: ${lacking}`);

/** One server with its sessions, and the names of what only it knows. */
class Side implements Names {
  readonly sessions: (RawClient & { welcome: { sessionId: bigint } })[] = [];
  private readonly zxids = new Map<bigint, string>([[0n, 'the beginning']]);
  private last = 0n;

  async open(port: number): Promise<void> {
    for (let index = 0; index <= LISTENER; index++) {
      this.sessions.push(await RawClient.session(port, { timeoutMs: SESSION_TIMEOUT_MS }));
    }
    await this.sessions[0]?.ask(Opcode.AUTH, (writer) =>
      writer.int(0).string('digest').buffer(Buffer.from('bob:pw')),
    );
  }

  zxid(zxid: bigint): string {
    return this.zxids.get(zxid) ?? 'a zxid of no successful step';
  }

  owner(owner: bigint): string {
    const index = this.sessions.findIndex(({ welcome }) => welcome.sessionId === owner);
    return index === -1 ? owner.toString() : `session ${index}`;
  }

  /** The answer, and before it every event of this session, which came first. */
  async take(step: Step, sessionIndex: number, stepIndex: number): Promise<unknown[]> {
    const session = this.sessions[sessionIndex];
    if (!session) throw new Error(`no session ${sessionIndex}`);
    const xid = session.send(step.opcode, (writer) => step.write(writer, this.last));
    const seen: unknown[] = [];
    let reply: Reply = await session.reply();
    for (; reply.xid === -1; reply = await session.reply()) {
      seen.push(`event ${reply.body.int()} state ${reply.body.int()} ${reply.body.string()}`);
    }
    // A refused multi answers with code 0, and here under the zxid of what came before it.
    const named = this.zxids.has(reply.zxid);
    if (step.changes && reply.code === 0 && !named) this.zxids.set(reply.zxid, `step ${stepIndex}`);
    if (reply.zxid > this.last) this.last = reply.zxid;
    seen.push({ answers: reply.xid === xid, code: reply.code });
    if (reply.code === 0) seen.push(step.parse(reply.body, this), `${reply.body.remaining} bytes left`);
    return seen;
  }

  leave(): void {
    for (const session of this.sessions) session.socket.destroy();
  }
}

describe.skipIf(lacking !== null)('the same requests to both servers', () => {
  test.each([1, 2, 3])('are answered alike, seed %i', async (seed) => {
    const real = await startEnsemble({ nodes: 1, tickMs: 2000 });
    const embedded = await startEmbeddedServer({
      host: '127.0.0.1',
      port: 0,
      tickMs: 2000,
      containerCheckMs: 60_000,
    });
    const sides = [new Side(), new Side()];
    try {
      await sides[0]?.open(real.ports[0] ?? 0);
      await sides[1]?.open(embedded.port);
      await compare(sides, simulatedRandom(seed));
    } finally {
      for (const side of sides) side.leave();
      await Promise.all([real.close(), embedded.close()]);
    }
  });
});

async function compare(sides: readonly Side[], random: Random): Promise<void> {
  const history: string[] = [];
  const both = async (step: Step, session: number, unordered = false): Promise<void> => {
    history.push(`${history.length}: session ${session} ${step.text}`);
    const [real, ours] = await Promise.all(sides.map((side) => side.take(step, session, history.length)));
    const ordered = (seen: unknown[] = []): unknown[] => (unordered ? seen.map(String).sort() : seen);
    expect(ordered(ours), history.slice(-12).join('\n')).toEqual(ordered(real));
  };
  for (const [path, mode] of [
    ['/a', 1],
    ['/b', 0],
    ['/b/z', 0],
    ['/c', 1],
  ] as const) {
    await both(addWatchStep(path, mode), LISTENER);
  }
  for (let index = 0; index < STEPS; index++) {
    await both(randomStep(random), random.int(ACTORS));
    // A read on every connection brings the events out that are due on it.
    await Promise.all([0, 1, LISTENER].map((session) => both(existsStep('/a'), session)));
  }
  await both(closeSessionStep(), 0);
  // In which order a session's ephemeral nodes go is nobody's promise.
  await both(existsStep('/a'), LISTENER, true);
}
