/** Numbers that a JVM shows by JMX, read over one connection. */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { CLIENTS } from './interop-cluster.ts';
import { javaArguments } from './java-jars.ts';

interface JmxValue {
  /** Such as `kafka.server:type=Produce,client-id=app`. */
  readonly objectName: string;
  readonly attribute: string;
  readonly value: number;
}

interface Waiting {
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

export class JmxValues {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: Waiting[] = [];
  /** Why nothing is read any more. */
  #ended: Error | null = null;

  /** Of the JVM with this process id. */
  constructor(pid: number) {
    execFileSync('jcmd', [String(pid), 'ManagementAgent.start_local']);
    const status = execFileSync('jcmd', [String(pid), 'ManagementAgent.status'], { encoding: 'utf8' });
    const url = /service:jmx:\S+/.exec(status)?.[0] ?? '';
    const argv = [...javaArguments('3.9.1'), join(CLIENTS, 'JmxValues.java'), url];
    const child = spawn('java', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout }).on('line', (line) => this.#waiting.shift()?.resolve(line));
    child.once('error', (error) => this.#end(error));
    child.once('close', (status, signal) =>
      this.#end(new Error(`the reader of JMX has ended: ${signal ?? status}`)),
    );
    // It has closed its end: why, is told when it is gone.
    child.stdin.on('error', () => {});
    this.#child = child;
  }

  #end(why: Error): void {
    this.#ended ??= why;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }

  /** Of all objects whose names match one of the patterns. Rejects once the reader has ended. */
  async read(patterns: readonly string[]): Promise<JmxValue[]> {
    const line = await new Promise<string>((resolve, reject) => {
      if (this.#ended !== null) throw this.#ended;
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${patterns.join(' ')}\n`);
    });
    const words = line === '' ? [] : line.split('\t');
    return Array.from({ length: words.length / 3 }, (_, index) => {
      const [objectName = '', attribute = '', value = ''] = words.slice(3 * index);
      return { objectName, attribute, value: Number(value) };
    });
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
