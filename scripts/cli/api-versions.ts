/** `odradek api-versions`: what Kafka's kafka-broker-api-versions does. */
import { ALL_APIS } from '../../broker/protocol/messages/all.ts';
import { adminClient } from './admin-client.ts';
import type { Arguments, CommandSpec } from './arguments.ts';
import { clientOptions, jsonOption } from './bootstrap.ts';
import { print, printAll } from './output.ts';

interface Spoken {
  readonly key: number;
  /** Null: nothing that is known here. */
  readonly name: string | null;
  /** Null: the broker does not answer it. */
  readonly range: { readonly min: number; readonly max: number } | null;
  /** The highest that this program speaks as well; null: none. */
  readonly usable: number | null;
}

export const apiVersionsCommand: CommandSpec = {
  name: 'api-versions',
  summary: 'Tells which requests each broker answers, and in which versions.',
  options: [...clientOptions, jsonOption],
  run,
};

async function run(given: Arguments): Promise<number> {
  const admin = await adminClient(given);
  try {
    const { brokers } = await admin.metadata([]);
    const all = brokers.map(async (broker) => ({ ...broker, apis: spoken(await admin.versionsOf(broker)) }));
    const answers = (await Promise.all(all)).sort((a, b) => a.nodeId - b.nodeId);
    if (given.flag('json'))
      await print(
        JSON.stringify(answers.map(({ nodeId, host, port, apis }) => ({ id: nodeId, host, port, apis }))),
      );
    else
      for (const { nodeId, host, port, rack, apis } of answers)
        await printAll(lines(`${host}:${port} (id: ${nodeId} rack: ${rack})`, apis));
    return 0;
  } finally {
    admin.close();
  }
}

/** What the broker answers, and what is known here that it does not. */
function spoken(versions: ReadonlyMap<number, { readonly min: number; readonly max: number }>): Spoken[] {
  const keys = new Set([...versions.keys(), ...ALL_APIS.map(({ key }) => key)]);
  const found = Array.from(keys, (key) => {
    const api = ALL_APIS.find((each) => each.key === key);
    const range = versions.get(key) ?? null;
    const usable = Math.min(range?.max ?? -1, api?.maxVersion ?? -1);
    return {
      key,
      name: api?.name ?? null,
      range,
      usable: range === null || usable < range.min ? null : usable,
    };
  });
  return found.sort((a, b) => a.key - b.key);
}

function* lines(broker: string, apis: readonly Spoken[]): Generator<string, void> {
  yield `${broker} -> (`;
  for (const [index, { key, name, range, usable }] of apis.entries()) {
    yield `\t${name ?? 'UNKNOWN'}(${key}): ${versionsText(range, usable)}${index === apis.length - 1 ? '' : ','}`;
  }
  yield ')';
}

function versionsText(range: Spoken['range'], usable: number | null): string {
  if (range === null) return 'UNSUPPORTED';
  const { min, max } = range;
  return `${min === max ? min : `${min} to ${max}`} [${usable === null ? 'unusable' : `usable: ${usable}`}]`;
}
