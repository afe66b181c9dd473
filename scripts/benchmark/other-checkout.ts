/** Another commit of this repository, checked out beside it with the same packages, for --self. */
import { execFileSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../cli/arguments.ts';

export interface OtherCheckout {
  readonly path: string;
  readonly version: string;
  remove(): void;
}

export function checkOut(root: string, revision: string, directory: string): OtherCheckout {
  const git = (...argv: string[]): string =>
    execFileSync('git', argv, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  let commit: string;
  try {
    commit = git('rev-parse', '--short', '--verify', `${revision}^{commit}`);
  } catch {
    throw new UsageError(`--self ${revision} is no commit of this repository`);
  }
  const path = join(directory, 'checkout');
  git('worktree', 'add', '--detach', path, commit);
  symlinkSync(join(root, 'node_modules'), join(path, 'node_modules'));
  return {
    path,
    version: `Odradek (${commit})`,
    remove() {
      git('worktree', 'remove', '--force', path);
      if (existsSync(path)) git('worktree', 'prune');
    },
  };
}
