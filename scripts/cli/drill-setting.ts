/** What `odradek drill run` runs its drills on, by its options. */
import { Workplace } from '../benchmark/workplace.ts';
import { kafkaSetting } from '../drills/kafka-setting.ts';
import type { DrillSetting } from '../drills/run-drill.ts';
import { runInside } from '../torment/cluster/isolation.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { bootstrapAddresses } from './bootstrap.ts';

const SYSTEMS = ['odradek', 'kafka'];
const HERE = ['127.0.0.1', 'localhost'];
/** Two more follow. */
const LAST_PORT = 65_533;

/** A number: everything was done by another process, and this is its exit status. */
export async function drillSetting(
  given: Arguments,
  progress: (line: string) => void,
): Promise<DrillSetting | number> {
  const system = given.needText('system');
  const [clients, directory] = [given.text('bring-your-own'), given.text('kafka-dir')];
  if (!SYSTEMS.includes(system))
    throw new UsageError(`--system takes ${SYSTEMS.join(' or ')}, not '${system}'`);
  if (system === 'odradek') {
    if (directory !== null) throw new UsageError('--kafka-dir goes with --system kafka');
    return clients === null
      ? { of: 'odradek' }
      : { of: 'odradek for clients', basePort: basePortOf(clients) };
  }
  if (clients !== null) throw new UsageError('--bring-your-own goes with --system odradek');
  const workplace = new Workplace('odradek-drill-');
  try {
    const setting = await kafkaSetting(workplace, { directory, progress });
    if (setting === 'inside') return await runInside();
    if ('lacks' in setting) throw new UsageError(`--system kafka: ${setting.lacks}`);
    return setting;
  } finally {
    await workplace.close();
  }
}

function basePortOf(words: string): number {
  const [address, ...more] = bootstrapAddresses(words);
  if (address === undefined || more.length > 0 || !HERE.includes(address.host) || address.port > LAST_PORT)
    throw new UsageError(
      `--bring-your-own takes 127.0.0.1:PORT, where the first broker will be, not '${words}'`,
    );
  return address.port;
}
