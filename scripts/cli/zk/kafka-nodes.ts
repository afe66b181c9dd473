/** Which nodes of the tree are Kafka's own, and asking before one of them is changed by hand. */
import { createInterface } from 'node:readline/promises';
import { KAFKA_ROOTS } from '../../../coordinator-client/znodes/znode-acls.ts';
import { UsageError } from '../arguments.ts';

/** `/` is one too: all others are below it. ZooKeeper's own is protected as well. */
export function isKafkas(path: string): boolean {
  const [, root = ''] = path.split('/');
  return root === '' || root === 'zookeeper' || KAFKA_ROOTS.has(`/${root}`);
}

/** Throws UsageError unless somebody at a terminal says yes. */
export async function confirm(action: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new UsageError(
      `${action}: this is Kafka's own node, and nobody is there to be asked; --yes does it`,
    );
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asked.question(`${action}: this is Kafka's own node. Really? [y/N] `);
  asked.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError(`${action}: not confirmed, nothing is changed`);
}
