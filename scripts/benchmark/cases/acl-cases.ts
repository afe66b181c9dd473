/** What access rules cost: the same load without any and with a thousand of them, in turns. */
import type { StagedCase } from '../case.ts';
import { type NewAcl, pause } from '../systems/wire.ts';
import { lower, send, type Variant, withTopic } from './traffic.ts';

const RECORDS = 150_000;
/** A request for each record: that is what is authorized. */
const LIMITS = { lingerMs: 0, batchBytes: 1000, connections: 8, maxInFlight: 16 };
/** What comes later runs on a warmer broker, so neither side always comes second. */
const WITH_RULES = [false, true, true, false, true, false, false, true];
/** Brokers hear of each rule by itself, after it was made, and ZooKeeper is on this machine as well. */
const SETTLE_MS = 1500;
const PROPERTIES = {
  'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
};

export function aclCase(rules: number): StagedCase {
  const variant: Variant = { client: 'c', brokers: 1, sizeBytes: 100, partitions: 10, compression: 'none' };
  const name = `acl-${rules}`;
  return {
    name,
    title: `many small requests of 8 connections, with ${rules} access rules and without any, in turns (C client)`,
    ...{ group: '1 broker, access rules', brokers: 1, needs: 'c', properties: PROPERTIES },
    metrics: {
      rate: { name: 'rate', unit: 'k rec/s', better: 'higher' },
      share: { name: 'of the rate without', unit: '%', better: 'higher' },
      cpuShare: lower('of the CPU without', '%'),
    },
    run: (stage) =>
      withTopic(stage, variant, async (topic) => {
        const load = (records: number) => send(stage, variant, { topic, records, limits: LIMITS });
        const rate = async (few: number) => (await load(few)).recordsPerSecond;
        const records = await stage.plan.records(name, RECORDS, rate);
        const each = Math.ceil((records * 2) / WITH_RULES.length);
        await load(each);
        const sums = { with: { seconds: 0, cpu: 0 }, without: { seconds: 0, cpu: 0 } };
        for (const withRules of WITH_RULES) {
          await stage.wire.deleteAcls();
          if (withRules) await stage.wire.createAcls(rulesFor(topic, rules));
          await pause(SETTLE_MS);
          await load(Math.ceil(each / 5));
          const { recordsPerSecond, cpu } = await load(each);
          const sum = withRules ? sums.with : sums.without;
          sum.seconds += each / recordsPerSecond;
          sum.cpu += cpu;
        }
        return {
          rate: records / sums.with.seconds / 1000,
          share: (sums.without.seconds / sums.with.seconds) * 100,
          cpuShare: (sums.with.cpu / sums.without.cpu) * 100,
        };
      }),
  };
}

/** The first let everybody do what the case does, by prefix; the others are of other users and topics, half by prefix. */
function rulesFor(topic: string, count: number): NewAcl[] {
  const own = (['READ', 'WRITE', 'DELETE', 'DESCRIBE'] as const).map(
    (operation): NewAcl => ({ name: topic.slice(0, -1), isPrefix: true, user: 'ANONYMOUS', operation }),
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
