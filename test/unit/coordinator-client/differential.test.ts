/**
 * The embedded server against a real ZooKeeper: the same random requests to both, byte for byte, and
 * the same answers, figures, errors and events from both, in the same order.
 */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Random } from '../../../broker/platform/random.ts';
import { startEmbeddedServer } from '../../../coordinator-client/embedded/server.ts';
import { Opcode } from '../../../coordinator-client/embedded/wire.ts';
import { skipped } from '../../interop/interop-cluster.ts';
import { classpathOf, jarsLack } from '../../interop/java-jars.ts';
import { ensembleLacks, startEnsemble } from '../../support/ensemble.ts';
import { versionOf } from '../../support/ensemble-server.ts';
import { simulatedRandom } from '../../support/simulated-random.ts';
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
const NO_AUTH = -102;
const SESSION_TIMEOUT_MS = 20_000;
/** Two that act and set one-shot watches (the second without credentials), one that only listens. */
const ACTORS = 2;
const LISTENER = 2;

interface Judge {
  readonly name: string;
  /** Why it is not here; null when it is. */
  readonly lacks: string | null;
  readonly classpath?: string;
}

const KAFKA = '3.9.1';
const JUDGES: readonly Judge[] = [
  { name: "Kafka's ZooKeeper", lacks: jarsLack(KAFKA), classpath: classpathOf(KAFKA) },
  { name: "Debian's ZooKeeper", lacks: ensembleLacks() },
];

/**
 * From 3.8.4 on: who may not read a node does not see that it exists either, and a create2 inside a multi is
 * answered as one.
 */
async function isModern(port: number): Promise<boolean> {
  const [major = 0, minor = 0, patch = 0] = await versionOf(port);
  return major * 1_000_000 + minor * 1000 + patch >= 3_008_004;
}

/** One server with its sessions, and the names of what only it knows. */
class Side implements Names {
  readonly sessions: (RawClient & { welcome: { sessionId: bigint } })[] = [];
  readonly #zxids = new Map<bigint, string>([[0n, 'the beginning']]);
  #last = 0n;

  async open(port: number): Promise<void> {
    for (let index = 0; index <= LISTENER; index++) {
      this.sessions.push(await RawClient.session(port, { timeoutMs: SESSION_TIMEOUT_MS }));
    }
    await this.sessions[0]?.ask(Opcode.AUTH, (writer) =>
      writer.int(0).string('digest').buffer(Buffer.from('bob:pw')),
    );
  }

  zxid(zxid: bigint): string {
    return this.#zxids.get(zxid) ?? 'a zxid of no successful step';
  }

  owner(owner: bigint): string {
    const index = this.sessions.findIndex(({ welcome }) => welcome.sessionId === owner);
    return index === -1 ? owner.toString() : `session ${index}`;
  }

  /** The answer, and before it every event of this session, which came first. */
  async take(step: Step, sessionIndex: number, stepIndex: number): Promise<unknown[]> {
    const session = this.sessions[sessionIndex];
    if (!session) throw new Error(`no session ${sessionIndex}`);
    const xid = session.send(step.opcode, (writer) => step.write(writer, this.#last));
    const seen: unknown[] = [];
    let reply: Reply = await session.reply();
    for (; reply.xid === -1; reply = await session.reply()) {
      seen.push(`event ${reply.body.int()} state ${reply.body.int()} ${reply.body.string()}`);
    }
    // A refused multi answers with code 0, and here under the zxid of what came before it.
    const named = this.#zxids.has(reply.zxid);
    if (step.changes && reply.code === 0 && !named) this.#zxids.set(reply.zxid, `step ${stepIndex}`);
    if (reply.zxid > this.#last) this.#last = reply.zxid;
    seen.push({ answers: reply.xid === xid, code: reply.code });
    if (reply.code === 0) seen.push(step.parse(reply.body, this), `${reply.body.remaining} bytes left`);
    return seen;
  }

  leave(): void {
    for (const session of this.sessions) session.socket.destroy();
  }
}

for (const judge of JUDGES) skipped(`the comparison with ${judge.name}`, judge.lacks);

describe.each(JUDGES)('the same requests to $name and to ours', (judge) => {
  test.skipIf(judge.lacks !== null).each([1, 2, 3])('are answered alike, seed %i', async (seed) => {
    const { classpath } = judge;
    const real = await startEnsemble({ nodes: 1, tickMs: 2000, ...(classpath ? { classpath } : {}) });
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
      await compare(sides, simulatedRandom(seed), await isModern(real.ports[0] ?? 0));
    } finally {
      for (const side of sides) side.leave();
      await Promise.all([real.close(), embedded.close()]);
    }
  });
});

async function compare(sides: readonly Side[], random: Random, modern: boolean): Promise<void> {
  const history: string[] = [];
  const both = async (step: Step, session: number, unordered = false): Promise<void> => {
    history.push(`${history.length}: session ${session} ${step.text}`);
    const ours = await sides[1]?.take(step, session, history.length);
    const told = ours?.at(-1);
    if (
      !modern &&
      step.opcode === Opcode.EXISTS &&
      isDeepStrictEqual(told, { answers: true, code: NO_AUTH })
    ) {
      // An old server answers that, and would leave a watch: it is asked for something else instead.
      const events = await sides[0]?.take(existsStep('/'), session, history.length);
      expect(events?.slice(0, -3), history.slice(-12).join('\n')).toEqual(ours?.slice(0, -1));
      return;
    }
    const real = await sides[0]?.take(step, session, history.length);
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
    await both(randomStep(random, modern), random.int(ACTORS));
    // A read on every connection brings the events out that are due on it.
    await Promise.all([0, 1, LISTENER].map((session) => both(existsStep('/a'), session)));
  }
  await both(closeSessionStep(), 0);
  // In which order a session's ephemeral nodes go is nobody's promise.
  await both(existsStep('/a'), LISTENER, true);
}
