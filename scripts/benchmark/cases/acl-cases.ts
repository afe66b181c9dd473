/**
 * What access rules cost: the same load on the same broker by two users, in turns. The rules allow one of them what
 * it does. The other is one of super.users, for whom no rule is looked up; a connection of Odradek's has no other
 * rights then than without any authorizer.
 */
import type { Metric, StagedCase } from '../case.ts';
import { type Spread, spreadOf } from '../pairs.ts';
import { type NewAcl, pause } from '../systems/wire.ts';
import { lower, type Sent, send, type Variant, withTopic } from './traffic.ts';

/** Short: what is compared shall have the same weather. CPU is told in hundredths of a second. */
const RECORDS_PER_RUN = 30_000;
const PAIRS = 24;
const FEWEST_PAIRS = 4;
/** A request for each record: that is what is authorized. */
const LIMITS = { lingerMs: 0, batchBytes: 1000, connections: 8, maxInFlight: 16 };
/** Brokers hear of each rule by itself, after it was made. */
const SETTLE_MS = 3000;
const RULED = 'ruled';
const SUPER = 'super';
const PROPERTIES = {
  'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer',
  // Who makes topics and rules, and Kafka's brokers among each other, have no name.
  'super.users': `User:${SUPER};User:ANONYMOUS`,
};

const higher = (name: string, unit: string): Metric => ({ name, unit, better: 'higher' });

export function aclCase(rules: number): StagedCase {
  const variant: Variant = { client: 'c', brokers: 1, sizeBytes: 100, partitions: 10, compression: 'none' };
  const name = `acl-${rules}`;
  return {
    name,
    title: `a request for each record on 8 connections: a user whom some of ${rules} access rules allow it beside a super user, for whom none is asked, in turns on one broker; medians of the pairs and their 95 % interval (C client)`,
    ...{ group: '1 broker, access rules', brokers: 1, needs: 'c' },
    ...{ properties: PROPERTIES, users: [RULED, SUPER] },
    metrics: {
      rate: higher('rate by rules', 'k rec/s'),
      share: higher('of the rate without', '%'),
      shareFrom: higher('… at least', '%'),
      shareTo: higher('… at most', '%'),
      cpu: lower('broker CPU by rules', 'µs/rec'),
      cpuShare: lower('of the CPU without', '%'),
      cpuFrom: lower('… at least', '%'),
      cpuTo: lower('… at most', '%'),
    },
    run: (stage) =>
      withTopic(stage, variant, async (topic) => {
        const by = (user: string, records: number): Promise<Sent> =>
          send(stage, { ...variant, user }, { topic, records, limits: LIMITS });
        const tried = async (few: number): Promise<number> => (await by(SUPER, few)).recordsPerSecond;
        const records = await stage.plan.records(name, 2 * PAIRS * RECORDS_PER_RUN, tried);
        const pairs = Math.max(FEWEST_PAIRS, Math.round(records / (2 * RECORDS_PER_RUN)));
        const each = Math.ceil(records / (2 * pairs));
        await stage.wire.createAcls(rulesFor(topic, rules));
        await pause(SETTLE_MS);
        for (const user of [SUPER, RULED, SUPER, RULED]) await by(user, each);
        return valuesOf(await inTurns(pairs, (user) => by(user, each)), each);
      }),
  };
}

interface Pair {
  readonly ruled: Sent;
  readonly free: Sent;
}

/** Whatever runs second finds a warmer broker, so neither always does. */
async function inTurns(count: number, by: (user: string) => Promise<Sent>): Promise<Pair[]> {
  const pairs: Pair[] = [];
  while (pairs.length < count) {
    const [first, second] = pairs.length % 2 === 0 ? [SUPER, RULED] : [RULED, SUPER];
    const sent = { [first]: await by(first), [second]: await by(second) } as Record<string, Sent>;
    const { [RULED]: ruled, [SUPER]: free } = sent;
    if (ruled !== undefined && free !== undefined) pairs.push({ ruled, free });
  }
  return pairs;
}

function valuesOf(pairs: readonly Pair[], each: number): Record<string, number> {
  const percent = (share: (pair: Pair) => number): Spread => spreadOf(pairs.map((pair) => 100 * share(pair)));
  const rate = percent(({ ruled, free }) => ruled.recordsPerSecond / free.recordsPerSecond);
  const cpu = percent(({ ruled, free }) => ruled.cpu / free.cpu);
  return {
    rate: spreadOf(pairs.map(({ ruled }) => ruled.recordsPerSecond / 1000)).median,
    ...{ share: rate.median, shareFrom: rate.from, shareTo: rate.to },
    cpu: spreadOf(pairs.map(({ ruled }) => (ruled.cpu * 1e6) / each)).median,
    ...{ cpuShare: cpu.median, cpuFrom: cpu.from, cpuTo: cpu.to },
  };
}

/** The first let the one user do what the case does, by prefix; the others are of other users and topics, half by prefix. */
function rulesFor(topic: string, count: number): NewAcl[] {
  const own = (['READ', 'WRITE', 'DELETE', 'DESCRIBE'] as const).map(
    (operation): NewAcl => ({ name: topic.slice(0, -1), isPrefix: true, user: RULED, operation }),
  );
  const others = Array.from({ length: Math.max(0, count - own.length) }, (_, at): NewAcl => {
    const isPrefix = at % 2 === 0;
    return {
      name: `${isPrefix ? topic.slice(0, 3) : 'other'}-${at}`,
      isPrefix,
      user: `user-${at % 50}`,
      operation: 'WRITE',
    };
  });
  return [...own, ...others];
}
