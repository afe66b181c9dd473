/**
 * One seed replays a cluster, because time, chance, disk, sockets and the process are touched in few
 * places. A failure names what to use instead.
 */
import { expect, it } from 'vitest';
import { codeLines, judged, PRODUCT } from './sources.ts';

const INSTEAD: readonly (readonly [banned: RegExp, instead: string])[] = [
  [/\b(Date\.now|new Date\(\)|performance\.now)\b|\bnew Date\(\)/, 'a Clock (platform/clock.ts)'],
  [/\b(setTimeout|setInterval|setImmediate)\b/, 'Clock.after or every() (platform/clock.ts)'],
  [/\bMath\.random\b/, 'a Random (platform/random.ts)'],
  [/\bprocess\.env\b/, 'an option or a config, read in main.ts'],
  [/from 'node:fs(\/promises)?'/, 'a Disk (platform/disk.ts)'],
  [/from 'node:(net|tls)'/, 'a SocketNetwork (platform/sockets.ts)'],
  [/from 'node:https?'/, 'a ChannelNetwork (platform/channels.ts)'],
  [/from 'node:(child_process|worker_threads)'/, 'turns (platform/turns.ts), or a new part of the platform'],
  [/\bconsole\./, 'Diagnostics (platform/diagnostics.ts), or an event of the journal'],
];

/** Where the world begins. */
const ENTRIES = ['broker/platform/', 'coordinator-client/zookeeper/', 'coordinator-client/embedded/'];

it('time, chance, disk, sockets and the process are touched by the platform and the entry points only', () => {
  const inside = PRODUCT.filter(
    (file) => file !== 'broker/main.ts' && !ENTRIES.some((folder) => file.startsWith(folder)),
  );
  const found = inside.flatMap((file) =>
    codeLines(file).flatMap(({ line, number }) =>
      INSTEAD.filter(([banned]) => banned.test(line)).map(
        ([, instead]) => `${file}:${number} ${line.trim()}: use ${instead}`,
      ),
    ),
  );
  expect(judged(found)).toEqual([]);
});
