/** A process that was killed and that its parent has not asked about: Linux keeps its id, as a zombie. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { eventually } from './eventually.ts';

interface UnreapedProcess {
  readonly pid: number;
  /** When it was started, in ticks since boot, as /proc tells. */
  readonly startTicks: string;
  /** Lets its id go. */
  release(): void;
}

/** Fields of /proc/PID/stat from the third on: the state is the first of them. */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

export async function unreapedProcess(): Promise<UnreapedProcess> {
  // The shell becomes a program that asks about no child.
  const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600']);
  const [words] = await once(parent.stdout, 'data');
  const pid = Number(String(words).trim());
  const startTicks = statFields(pid)[19] ?? '';
  const parentName = (): string => readFileSync(`/proc/${parent.pid}/comm`, 'utf8').trim();
  await eventually('the shell has become sleep', () => parentName() === 'sleep');
  process.kill(pid, 'SIGKILL');
  await eventually('it is a zombie', () => statFields(pid)[0] === 'Z');
  return { pid, startTicks, release: () => parent.kill('SIGKILL') };
}
