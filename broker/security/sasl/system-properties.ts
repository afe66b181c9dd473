/**
 * `${name}` in a text, as Java puts in its system properties: those that a JVM's options set, and some that each JVM
 * has. Once: what is put in is not looked at again.
 * Source: sun.security.util.PropertyExpander, java_props_md.c.
 */
import { homedir, userInfo } from 'node:os';
import { delimiter, sep } from 'node:path';

/** By name. */
export type SystemProperties = ReadonlyMap<string, string>;

/** Who runs this process. Both throw where there is nothing to say. */
export interface ProcessUser {
  /** By the list of users, in which a container's number need not stand. */
  userInfo(): { readonly username: string; readonly homedir: string };
  /** By $HOME. */
  homedir(): string;
}

/** What a JVM says where it knows nothing. */
const UNKNOWN = '?';

/** What every JVM has by itself, as far as somebody might write it into a file of logins. */
const OF_EVERY_JVM: ReadonlyMap<string, (user: ProcessUser) => string> = new Map([
  ['/', () => sep],
  ['file.separator', () => sep],
  ['path.separator', () => delimiter],
  ['user.dir', () => process.cwd()],
  ['user.home', homeOf],
  ['user.name', (user) => orNothing(() => user.userInfo().username) || UNKNOWN],
]);

/** The list of users comes before $HOME, unless all that it has is one character. */
function homeOf(user: ProcessUser): string {
  const listed = orNothing(() => user.userInfo().homedir);
  return listed.length > 1 ? listed : orNothing(() => user.homedir()) || UNKNOWN;
}

function orNothing(ask: () => string): string {
  try {
    return ask();
  } catch {
    return '';
  }
}

/** What is in double braces, or has no end, stays as it is. */
const NAMED = /\$\{\{.*?(?:\}\}|$)|\$\{([^{}][^}]*|)\}/gs;

/** null: it names a property that there is not. */
export function withProperties(
  text: string,
  properties: SystemProperties,
  user: ProcessUser = { userInfo, homedir },
): string | null {
  let isWhole = true;
  const put = text.replaceAll(NAMED, (all: string, name?: string) => {
    if (name === undefined) return all;
    const value = properties.get(name) ?? OF_EVERY_JVM.get(name)?.(user);
    isWhole &&= value !== undefined;
    return value ?? all;
  });
  return isWhole ? put : null;
}
