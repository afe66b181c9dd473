/**
 * What `kafka-storage format` leaves beside a container's log directory, and the broker takes from there when
 * it begins: the id of its cluster, and users, whose passwords are in neither.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** SCRAM credentials, as ZooKeeper holds them, by user and mechanism. */
export type FormattedUsers = Readonly<Record<string, Readonly<Record<string, string>>>>;

const ID_FILE = 'cluster.id';
const USERS_FILE = 'users.json';
const OWNER_ONLY = 0o600;

/** Where it is, by the properties of the container. */
export function formattedHome(properties: ReadonlyMap<string, string>): string {
  const logDirectories = properties.get('log.dirs') ?? properties.get('log.dir') ?? '';
  return dirname(logDirectories.split(',')[0] ?? '');
}

export function isFormatted(home: string): boolean {
  return existsSync(join(home, ID_FILE));
}

export function writeFormatted(home: string, clusterId: string, users: FormattedUsers): void {
  if (Object.keys(users).length > 0)
    writeFileSync(join(home, USERS_FILE), JSON.stringify(users), { mode: OWNER_ONLY });
  writeFileSync(join(home, ID_FILE), `${clusterId}\n`);
}

/** Empty when there is none. */
export function formattedClusterId(home: string): string {
  return textOf(join(home, ID_FILE)).trim();
}

/** Users who are not yet in ZooKeeper. */
export function formattedUsers(home: string): FormattedUsers {
  const text = textOf(join(home, USERS_FILE));
  return text === '' ? {} : (JSON.parse(text) as FormattedUsers);
}

/** They are in ZooKeeper: what becomes of them there is not to be taken back by the next start. */
export function forgetFormattedUsers(home: string): void {
  rmSync(join(home, USERS_FILE), { force: true });
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
