/**
 * Packages with native code, loaded when they are first needed. Where one can't be loaded its caller does the
 * work in JavaScript, and one line of the log says so and why, once for the process and all its threads. Where
 * nobody ships a binary for the machine all is as it should be, and nothing is said.
 * The packages are NAPI-RS's: their loaders try one name after the other, and chain as causes what came of each.
 */
import { createRequire, findPackageJSON } from 'node:module';

/** What was said, or waits for somebody to hear it; there is one line for a package and a reason. */
const told = new Set<string>();
const waiting: string[] = [];
let hear: ((line: string) => void) | null = null;

/** Of the names that a loader tries, about as many as any of them has. */
const MOST_REASONS = 10;

/**
 * The package, or null where it can't be loaded. `instead` is what is done then, for the line about it: `blocks
 * of LZ4 are opened in JavaScript`. It is looked for from this file on unless another is given.
 */
export function nativeModule<Module>(name: string, instead: string, from = import.meta.url): Module | null {
  try {
    return createRequire(from)(name) as Module;
  } catch (error) {
    const reasons = reasonsOf(error).filter(isFault(shippedWith(name, from)));
    if (reasons.length > 0)
      tellOfNativeModule(`${name} can't be loaded, so ${instead}, which is slower: ${reasons.join('; ')}`);
    return null;
  }
}

/** Who hears from now on, and what has been said to nobody so far. One hears for the whole process: the latest. */
export function hearOfNativeModules(listener: (line: string) => void): void {
  hear = listener;
  for (const line of waiting.splice(0)) listener(line);
}

/** Once for each line. A thread hands on what it hears of its own modules. */
export function tellOfNativeModule(line: string): void {
  if (told.has(line)) return;
  told.add(line);
  if (hear === null) waiting.push(line);
  else hear(line);
}

/** The first line of each; an error with causes only sums them up. */
function reasonsOf(error: unknown): string[] {
  const reasons: string[] = [];
  // An error of another realm is none of this one's, as where a test runner has realms of its own.
  for (let each = error; isErrorLike(each) && reasons.length < MOST_REASONS; each = each.cause)
    reasons.push(each.message.replace(/\n.*/s, ''));
  return reasons.length > 1 ? reasons.slice(1) : reasons;
}

function isErrorLike(value: unknown): value is { readonly message: string; readonly cause?: unknown } {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  );
}

/** The package and those it may bring along, one for each machine. */
function shippedWith(name: string, from: string): ReadonlySet<string> {
  try {
    const path = findPackageJSON(name, from) ?? '';
    const { optionalDependencies = {} }: { optionalDependencies?: object } = createRequire(from)(path);
    return new Set([name, ...Object.keys(optionalDependencies)]);
  } catch {
    return new Set([name]);
  }
}

/** False of a name that was tried and that nobody ships, and of a machine that the package does not know. */
function isFault(shipped: ReadonlySet<string>): (reason: string) => boolean {
  return (reason) => {
    const missing = /^Cannot find module '([^']+)'/.exec(reason)?.[1];
    if (missing === undefined) return !reason.startsWith('Unsupported ');
    return !missing.startsWith('.') && (!missing.startsWith('@') || shipped.has(missing));
  };
}
