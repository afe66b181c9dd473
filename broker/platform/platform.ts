/** Everything a broker may use of the world outside, in one object; the simulator makes its own. */
import type { ChannelNetwork } from './channels.ts';
import type { Clock } from './clock.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { Disk } from './disk.ts';
import type { Journal } from './journal.ts';
import type { Metrics } from './metrics.ts';
import type { Random } from './random.ts';
import type { SocketNetwork } from './sockets.ts';
import type { Workers } from './workers.ts';

export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly channels: ChannelNetwork;
  readonly sockets: SocketNetwork;
  readonly diagnostics: Diagnostics;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly workers: Workers;
}
