/** Another commit of this repository, unpacked beside it with the same packages, for --self. */
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../cli/arguments.ts';
import type { Workplace } from '../workplace.ts';

interface OtherCheckout {
  readonly path: string;
  readonly version: string;
  /** The packages of this checkout are used, and are not those of the other. */
  readonly otherPackages: boolean;
}

const GIT_LIMIT_MS = 60_000;
/** What a broker is made of. */
const MEASURED = ['broker', 'coordinator-client', 'scripts/cli'];

/**
 * Unpacks a revision into the workplace, with which it is gone; the repository knows nothing of it. An empty
 * revision is the commit before what is checked out: HEAD if files differ from it, else its parent.
 */
export async function checkOut(root: string, given: string, workplace: Workplace): Promise<OtherCheckout> {
  const git = (...argv: string[]) => workplace.run(['git', '-C', root, ...argv], GIT_LIMIT_MS);
  const changes = await git('status', '--porcelain', '--untracked-files=no', '--', ...MEASURED).catch(
    () => null,
  );
  if (changes?.code !== 0) throw new UsageError('--self needs git and a repository of it');
  const revision = given === '' ? (changes.stdout === '' ? 'HEAD~1' : 'HEAD') : given;
  const found = await git('rev-parse', '--short', '--verify', `${revision}^{commit}`);
  if (found.code !== 0) throw new UsageError(`--self takes a commit of this repository, not '${revision}'`);
  const commit = found.stdout.trim();
  const path = workplace.folder('checkout');
  const archive = join(workplace.directory, 'checkout.tar');
  for (const command of [
    ['git', '-C', root, 'archive', '--format=tar', `--output=${archive}`, commit],
    ['tar', '-xf', archive, '-C', path],
  ]) {
    const { code, stderr } = await workplace.run(command, GIT_LIMIT_MS);
    workplace.checkOpen();
    if (code !== 0) throw new Error(`${commit} could not be unpacked: ${stderr.split('\n')[0]}`);
  }
  symlinkSync(join(root, 'node_modules'), join(path, 'node_modules'));
  const lock = (checkout: string): string => readFileSync(join(checkout, 'package-lock.json'), 'utf8');
  return { path, version: `Odradek (${commit})`, otherPackages: lock(root) !== lock(path) };
}
