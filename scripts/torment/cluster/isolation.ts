/**
 * A network of the run's own: this program starts itself again in a namespace of the kernel where it is
 * root, which ends with its last process, so that no interface and no rule of a run ever outlives it. Works
 * for root, and for others where the kernel lets users have namespaces.
 */
import { spawn, spawnSync } from 'node:child_process';
import { tellParent } from '../../cluster/ending.ts';

const INSIDE = 'ODRADEK_TORTURE_INSIDE';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const PROBE_LIMIT_MS = 10_000;
/** What a run will need, once each. */
const PROBE = `set -e
mount -t tmpfs none /run; ip link set lo up; ip link add name tried type bridge; ip netns add tried
ip link add name veth-tried type veth peer name eth0 netns tried
ip netns exec tried iptables -w -A INPUT -s 10.77.0.1 -j DROP`;

function unshareFlags(): string[] {
  const flags = ['--net', '--mount'];
  return process.getuid?.() === 0 ? flags : ['--user', '--map-root-user', ...flags];
}

/** Why there can be no network of our own, in words; null when there can. */
export function isolationLacks(): string | null {
  const options = { timeout: PROBE_LIMIT_MS, encoding: 'utf8' } as const;
  const tried = spawnSync('unshare', [...unshareFlags(), 'sh', '-c', PROBE], options);
  if (tried.error !== undefined) return 'unshare does not run here';
  if (tried.status === 0) return null;
  return tried.stderr.trim().split('\n')[0] || `it ended with ${tried.signal ?? tried.status}`;
}

/** Whether this is the program's second start, inside. */
export function isInside(): boolean {
  return process.env[INSIDE] !== undefined;
}

/**
 * Starts this program again inside, with the same words, and resolves with its exit status. Signals are handed
 * on; Ctrl-C reaches both, and a second one changes nothing. It ends when this process does: its IPC channel
 * closes.
 */
export function runInside(): Promise<number> {
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('unshare', [...unshareFlags(), ...command], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [INSIDE]: '1' },
  });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code !== null) resolve(code);
      else reject(new Error(`the run was ended by ${signal}; nothing of it is left`));
    });
  });
}

/** Resolves when the program that started this one inside is gone; never when nobody has. */
export function untilOutsideIsGone(): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) return;
    process.once('disconnect', resolve);
    // Without a listener Node would not look at the channel.
    process.on('message', () => {});
    tellParent({ type: 'inside' });
  });
}
