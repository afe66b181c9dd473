/** Locks of files between owners in one process, between processes, and between process id namespaces. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { linkSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryLockFile, tryLockFileWith } from '../../../../coordinator-client/embedded/file-lock.ts';
import { eventually } from '../../../support/eventually.ts';

const SOURCE = join(import.meta.dirname, '../../../../coordinator-client/embedded/file-lock.ts');
const canMakeNamespaces = spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0;
const hasFlock = spawnSync('flock', ['--version']).status === 0;
/** Two starts of Java, which compiles the program each time. */
const JAVA_TIMEOUT_MS = 90_000;
const hasJava = spawnSync('java', ['-version']).status === 0;

let directory = '';
let path = '';
let children: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-lock-'));
  path = join(directory, '.lock');
});

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  rmSync(directory, { recursive: true, force: true });
});

/** Runs a command that takes the lock and says so; its output up to the first line. */
async function holder(
  command: string,
  ...argv: readonly string[]
): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(command, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const said = await new Promise<string>((resolve) => {
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()));
  });
  return { child, said };
}

/** A program that locks, by the call or by the command, says its process id, and stays. */
function program(how: 'call' | 'command'): string[] {
  const lock = how === 'call' ? 'm.tryLockFile(process.argv[1])' : 'm.tryLockFileWith(null, process.argv[1])';
  const text = `import(${JSON.stringify(SOURCE)}).then((m) => { if (${lock} !== null) console.log(process.pid); setInterval(() => {}, 1000); })`;
  return ['-e', text, path];
}

const locks = [
  ['call', true, (at: string) => tryLockFile(at)],
  ['command', hasFlock, (at: string) => tryLockFileWith(null, at)],
] as const;

for (const [how, isThere, tryLock] of locks) {
  describe.skipIf(!isThere)(`a lock by the ${how}`, () => {
    it('has one owner in a process, by whatever name the file is reached, until it is released', () => {
      const lock = tryLock(path);
      symlinkSync(path, join(directory, 'alias'));
      linkSync(path, join(directory, 'other'));
      for (const name of ['.lock', 'alias', 'other']) expect(tryLock(join(directory, name))).toBeNull();
      lock?.release();
      lock?.release();
      const again = tryLock(path);
      expect(again).not.toBeNull();
      // The first owner's release must not be its end.
      lock?.release();
      expect(tryLock(path)).toBeNull();
      again?.release();
    });

    it('is refused while another process holds it, and free when that was killed', async () => {
      const { child } = await holder(process.execPath, ...program(how));
      expect(tryLock(path)).toBeNull();
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      tryLock(path)?.release();
      expect(statSync(path).size).toBe(0);
    });

    it.skipIf(process.platform !== 'linux')(
      'is free when its process was killed and nobody has waited for it',
      async () => {
        // The shell becomes a program that never waits for its children.
        const node = [process.execPath, ...program(how)].map((word) => `'${word}'`).join(' ');
        const { said: pid } = await holder('sh', '-c', `${node} & exec sleep 600`);
        expect(tryLock(path)).toBeNull();
        process.kill(Number(pid), 'SIGKILL');
        const isZombie = (): boolean => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
        // Its threads end one after the other, and the last of them closes its files.
        await eventually('it is free', () => isZombie() && tryLock(path) !== null);
      },
    );

    it.skipIf(!canMakeNamespaces)(
      'counts in other process id namespaces, as containers have them',
      async () => {
        const { child, said } = await holder(
          'unshare',
          '--pid',
          '--fork',
          '--kill-child',
          process.execPath,
          ...program(how),
        );
        expect(said).toBe('1');
        expect(tryLock(path)).toBeNull();
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await gone;
        await eventually('it is free', () => tryLock(path) !== null);
      },
    );

    it('does not mind what is in the file, and leaves it', () => {
      writeFileSync(path, '1 1@boot\n');
      tryLock(path)?.release();
      expect(readFileSync(path, 'utf8')).toBe('1 1@boot\n');
    });
  });
}

it.skipIf(!['linux', 'darwin'].includes(process.platform))('the call is there without any command', () => {
  const found = process.env['PATH'];
  process.env['PATH'] = directory;
  try {
    expect(tryLockFile(path)).not.toBeNull();
    expect(tryLockFile(path)).toBeNull();
  } finally {
    process.env['PATH'] = found;
  }
});

describe('a lock that cannot be had', () => {
  it('for another reason than an owner is an error', () => {
    expect(() => tryLockFile(join(directory, 'none', '.lock'))).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
    const broken = {
      tryLock: () => {
        throw Object.assign(new Error('EIO'), { code: 'EIO' });
      },
    };
    expect(() => tryLockFileWith(broken, path)).toThrow('EIO');
  });

  it('because there is neither the call nor the command is an error, and no lock', () => {
    const found = process.env['PATH'];
    process.env['PATH'] = directory;
    try {
      expect(() => tryLockFileWith(null, path)).toThrow(expect.objectContaining({ code: 'ENOLCK' }));
    } finally {
      process.env['PATH'] = found;
    }
  });
});

describe.skipIf(!hasJava)("Java's lock of a file, which Kafka takes", () => {
  const java = `
    import java.nio.channels.*; import java.nio.file.*;
    public class Lock {
      public static void main(String[] argv) throws Exception {
        FileChannel channel = FileChannel.open(Path.of(argv[0]), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        System.out.println(channel.tryLock() == null ? "refused" : "locked");
        System.in.read();
      }
    }`;

  it(
    'keeps us out, and ours keeps it out',
    async () => {
      const source = join(directory, 'Lock.java');
      writeFileSync(source, java);
      const argv = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx64m', source, path];
      const first = await holder('java', ...argv);
      expect([first.said, tryLockFile(path)]).toEqual(['locked', null]);
      const gone = new Promise((resolve) => first.child.once('exit', resolve));
      first.child.kill('SIGKILL');
      await gone;
      const lock = tryLockFile(path);
      expect(lock).not.toBeNull();
      const second = await holder('java', ...argv);
      expect(second.said).toBe('refused');
      second.child.kill('SIGKILL');
      lock?.release();
    },
    JAVA_TIMEOUT_MS,
  );
});
